package intake

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// apply does what follows from events of one account that are new, in their
// transaction, with a number of statements that does not grow with the events: but
// for each group, and each host whose personal meeting id has another passcode.
//
// Of an account that latchkey does not guard nothing but the event is kept, and that
// it comes is said once.
func (in *Intake) apply(ctx context.Context, tx *store.IntakeTx, account string, all []change) error {
	if !in.o.Governed(account) {
		t := store.Trouble{AccountID: account, Call: store.CallNotGuarded, Kind: "not_guarded",
			Detail: "it guards " + strings.Join(in.o.Guarded, ", ") + "; is ZOOM_ACCOUNT_ID, or LATCHKEY_CONFIG, right?"}
		opened, err := tx.SetupFailed(ctx, t, alert.Trouble(t))
		if opened {
			in.o.Logger.Error(alert.TroubleSentence(t), "account_id", account)
		}
		return err
	}
	// Settings first, and hosts before meetings: so does whoever else takes both. A
	// meeting that was made before them is then known to be older.
	if err := in.settings(ctx, tx, all); err != nil {
		return err
	}
	return in.meetings(ctx, tx, all)
}

// settings marks those whose settings changed, and what they host, as needing a
// read.
func (in *Intake) settings(ctx context.Context, tx *store.IntakeTx, all []change) error {
	var saved []store.SettingChange
	type touched struct {
		at  time.Time // of the newest: who looks later looks after all of them
		of  string    // whose trace
		ids []string
		store.Move
	}
	hosts := map[string]*touched{} // by the kind of event
	type level struct {
		level passcode.Level
		id    string
	}
	levels, moves := map[level]change{}, map[level]store.Move{}
	for _, c := range all {
		saved = append(saved, c.changes...)
		at := c.happened
		if c.validated {
			if err := tx.Validated(ctx, at); err != nil {
				return err
			}
		}
		if len(c.hosts) > 0 {
			t := hosts[c.row.Name]
			if t == nil {
				t = &touched{}
				hosts[c.row.Name] = t
			}
			t.ids = append(t.ids, c.hosts...)
			t.Move = both(t.Move, c.move)
			if at.After(t.at) {
				t.at, t.of = at, c.trace
			}
		}
		if l := (level{c.level, c.levelID}); c.level != "" {
			if moves[l] = both(moves[l], c.move); levels[l].row.ID == "" || at.After(levels[l].happened) {
				levels[l] = c
			}
		}
	}
	if err := tx.SaveChanges(ctx, saved); err != nil {
		return err
	}
	for l, c := range levels {
		tx.Trace = c.trace
		if err := tx.LevelMoved(ctx, l.level, l.id, c.happened, c.row.Name, moves[l]); err != nil {
			return err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(hosts)) {
		t := hosts[kind]
		tx.Trace = t.of
		if err := tx.HostsMoved(ctx, slices.Compact(slices.Sorted(slices.Values(t.ids))), t.at, kind, t.Move); err != nil {
			return err
		}
	}
	for _, c := range all {
		if c.pmi == nil || len(in.o.Guarded) > 1 {
			continue
		}
		if err := tx.PMIPasscode(ctx, c.row.HostID, c.happened, *c.pmi, alert.MeetingPasscodeChanged); err != nil {
			return err
		}
	}
	return nil
}

// both is the one move that two changes are. Where one may have changed meetings and the
// other takes something back, only reading them shows it: of a setting that went on and
// off nothing is seen.
func both(a, b store.Move) store.Move {
	m := store.Move{Meetings: max(a.Meetings, b.Meetings), Profile: a.Profile || b.Profile, List: a.List || b.List, SecurityAlone: a.SecurityAlone && b.SecurityAlone || a.Meetings == 0 && b.SecurityAlone}
	m.TakesBack = a.TakesBack || b.TakesBack
	if a.Meetings == store.MovedPerhaps && b.TakesBack || b.Meetings == store.MovedPerhaps && a.TakesBack && a.Meetings != 0 {
		m.Meetings = max(m.Meetings, store.MovedRead)
	}
	return m
}

// meetings merges what events say of meetings into their rows, one event after the
// other.
func (in *Intake) meetings(ctx context.Context, tx *store.IntakeTx, all []change) error {
	all = slices.DeleteFunc(slices.Clone(all), func(c change) bool { return c.meeting == nil || isProbe(c) })
	if len(all) == 0 {
		return nil
	}
	var ids, updated []int64
	hostIDs := map[string]bool{}
	for _, c := range all {
		ids = append(ids, c.row.MeetingID)
		if c.row.Name == zoom.EventMeetingUpdated && c.meeting.Password != nil {
			updated = append(updated, c.row.MeetingID)
		}
		if c.meeting.HostID != nil && zoom.Clean(*c.meeting.HostID) != "" {
			hostIDs[zoom.Clean(*c.meeting.HostID)] = true
		}
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	known := map[string]store.KnownHost{}
	var err error
	if len(hostIDs) > 0 {
		// A host mentioned for the first time is predicted, and what else they have
		// scheduled is found.
		hosts := slices.Sorted(maps.Keys(hostIDs))
		tx.Trace = all[0].trace
		if err := tx.HostsSeen(ctx, hosts); err != nil {
			return err
		}
		if known, err = tx.HostsKnown(ctx, hosts); err != nil {
			return err
		}
	}
	rows, err := tx.Meetings(ctx, ids)
	if err != nil {
		return err
	}
	passcodes, repairs := map[int64]secret.String{}, map[int64]bool{}
	if len(updated) > 0 {
		if passcodes, err = tx.Passcodes(ctx, updated); err != nil {
			return err
		}
		if repairs, err = tx.RepairsUnderWay(ctx, updated); err != nil {
			return err
		}
	}
	var seen []store.SeenMeeting
	why := map[int64]string{}
	spent := spending{}
	for _, c := range all {
		id := c.row.MeetingID
		came := arrival{now: tx.Now, several: len(in.o.Guarded) > 1, receivedAt: c.row.ReceivedAt, operator: c.row.Operator}
		if c.meeting.HostID != nil {
			if h, is := known[zoom.Clean(*c.meeting.HostID)]; is {
				came.hostChangedAt, came.forced, came.embeds = h.ChangedAt, h.Forecast.Forced, h.Embeds
			}
		}
		if c.row.Name == zoom.EventMeetingUpdated && c.meeting.Password != nil {
			came.knownPasscode, came.repairUnderWay = passcodes[id], repairs[id]
		}
		s := merge(rows[id], c.env, *c.meeting, came)
		if s.nothingNew {
			continue // the echo of a change of ours, or what was counted
		}
		spent.note(c, s.meeting)
		rows[id] = s.meeting
		if s.passcode != nil {
			passcodes[id] = s.passcode.Value
		}
		seen, why[id] = append(seen, store.SeenMeeting{Meeting: s.meeting, Passcode: s.passcode, Why: c.row.Name, Trace: c.trace}), c.row.Name
	}
	if len(seen) == 0 {
		return nil
	}
	if err := tx.SpentByOthers(ctx, spent.sorted()); err != nil {
		return err
	}
	if err := tx.SaveMeetings(ctx, seen, alert.MeetingPasscodeChanged); err != nil {
		return err
	}
	// The number may be one that other meetings run under (Z-MEET-4).
	return tx.MarkUnderPMI(ctx, why)
}

// isProbe: latchkey made the meeting itself, to find out what Zoom does, and
// deletes it.
func isProbe(c change) bool {
	return c.row.Name == zoom.EventMeetingCreated && c.meeting.Topic != nil && strings.HasPrefix(*c.meeting.Topic, zoom.ProbeTopic)
}
