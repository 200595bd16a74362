#!/bin/sh
# Makes what docker-compose.yml needs of passwords, in folder secrets beside it.
# What is there already stays. Run it again after removing a file to change that one;
# SECURITY.md says what else a change takes.
set -eu
umask 077
dir=${1:-$(dirname "$0")/../secrets}
mkdir -p "$dir"
chmod 700 "$dir"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# put NAME TEXT: a file that is not there yet.
put() { [ -s "$dir/$1.txt" ] || printf %s "$2" >"$dir/$1.txt"; }
of() { cat "$dir/$1.txt"; }

put postgres_password "$(random)"
put postgres_owner_password "$(random)"
put postgres_worker_password "$(random)"
put database_url_owner "postgres://latchkey:$(of postgres_owner_password)@postgres:5432/latchkey"
put database_url_worker "postgres://worker:$(of postgres_worker_password)@postgres:5432/latchkey"

# In quotes: nats-server reads 0e12 as a number.
put nats_passwords "INGEST_PASSWORD: \"$(random)\"
WORKER_PASSWORD: \"$(random)\"
ALERTS_PASSWORD: \"$(random)\"
OPERATOR_PASSWORD: \"$(random)\"
"
nats() { sed -n "s/^$1_PASSWORD: \"\(.*\)\"$/\1/p" "$dir/nats_passwords.txt"; }
put nats_url_ingest "nats://ingest:$(nats INGEST)@nats:4222"
put nats_url_worker "nats://worker:$(nats WORKER)@nats:4222"

# Compose hands the files over with the modes they have here, and no container that
# reads them is root: the files are readable, and the folder around them is not.
chmod 444 "$dir"/*.txt
for zoom in zoom_webhook_secret_token zoom_client_secret; do
	[ -s "$dir/$zoom.txt" ] || echo "still to be written: $dir/$zoom.txt (docs/zoom-setup.md says where it comes from)"
done
