# Runs one command for a parent that may be killed at any time.
#   $1   folder to remove when the parent died, or ""
#   $2…  the command
#   fd 3 read end of the lifeline: any line, then EOF: the parent asks to stop;
#        EOF alone: the parent is dead
#   fd 4 the folder's lock for children: held while the command lives
#
# A terminal's or service manager's signals are the parent's business: it stops
# us in order. (PostgreSQL and initdb install handlers of their own for these.)
trap '' HUP INT QUIT TERM
scrap=$1
shift

"$@" 3<&- &
pid=$!

(
	asked=
	while read -r _ <&3; do asked=1; done
	[ -z "$asked" ] && [ -n "$scrap" ] && : >"$scrap/orphaned"
	# Again and again, as a process that has not yet installed its handlers
	# ignores the first. INT is PostgreSQL's fast shutdown, QUIT the immediate.
	n=0 sig=INT
	while kill -s "$sig" "$pid" 2>/dev/null; do
		sleep 1
		n=$((n + 1))
		[ "$n" -lt 60 ] || sig=QUIT
	done
) 4>&- &
watcher=$!

wait "$pid"
status=$?
kill -s KILL "$watcher" 2>/dev/null
[ -n "$scrap" ] && [ -e "$scrap/orphaned" ] && rm -rf "$scrap"
exit "$status"
