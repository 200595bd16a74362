package admin

import (
	"context"
	"errors"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoom"
)

// settingsOf is one host's settings at Zoom; the n-th change, from 1, answers
// fails[n], and a locked setting stays as it is.
type settingsOf struct {
	zoom.Settings
	locked  passcode.Key
	anyLock bool
	fails   map[int]error
	changes int
}

func (s *settingsOf) GetUserSettings(context.Context, string) (zoom.Settings, error) {
	return s.Settings, nil
}

func (s *settingsOf) PatchUserSettings(_ context.Context, _ string, v passcode.Values) error {
	s.changes++
	if err := s.fails[s.changes]; err != nil {
		return err
	}
	for k, to := range v {
		if to != passcode.Unknown && !(s.anyLock && passcode.Key(k) == s.locked) {
			s.Values[k] = to
		}
	}
	return nil
}

// aligned is a database in which both settings of host "host" were aligned.
func aligned(t *testing.T) *store.Store {
	t.Helper()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	testenv.Exec(t, url, `INSERT INTO hosts (host_id, account_id) VALUES ('host', 'acc')`)
	testenv.Exec(t, url, `INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at, ended_at) VALUES
		('host', 'acc', 'meeting_security.meeting_password', 'on', 'off', 'held', now(), now()),
		('host', 'acc', 'meeting_security.require_password_for_scheduled_meeting', 'on', 'off', 'held', now(), now()),
		('host', 'acc', 'meeting_security.pmi_password', 'on', 'off', 'refused', now(), now())`)
	return s
}

func TestUndoAlignments(t *testing.T) {
	t.Parallel()
	s, broken := aligned(t), errors.New("broken")
	api := &settingsOf{fails: map[int]error{2: broken}}
	undone, err := UndoAlignments(t.Context(), s, api, "acc", "host")
	if !errors.Is(err, broken) || len(undone) != 1 || undone[0].Setting != passcode.KeyPasscode.Path() {
		t.Errorf("put back %+v, %v; want the first, and the error of the second", undone, err)
	}
	undone, err = UndoAlignments(t.Context(), s, api, "acc", "host")
	if err != nil || len(undone) != 1 || undone[0].Setting != passcode.KeyScheduled.Path() || api.Values[passcode.KeyScheduled] != passcode.On {
		t.Errorf("then %+v, %v; want the second", undone, err)
	}
	n := api.changes
	if undone, err = UndoAlignments(t.Context(), s, api, "acc", "host"); err != nil || len(undone) != 0 || api.changes != n {
		t.Errorf("and then %+v, %v; want nothing to do", undone, err)
	}
}

// TestUndoAlignmentsReadsBack: a yes that did nothing is not taken for done.
func TestUndoAlignmentsReadsBack(t *testing.T) {
	t.Parallel()
	s := aligned(t)
	undone, err := UndoAlignments(t.Context(), s, &settingsOf{anyLock: true, locked: passcode.KeyPasscode}, "acc", "host")
	if err == nil || len(undone) != 0 {
		t.Errorf("put back %+v, %v", undone, err)
	}
	all, err := s.Alignments(t.Context(), "acc", "host")
	if err != nil || all[0].Result != store.AlignmentHeld {
		t.Errorf("%+v, %v: it can be tried again", all, err)
	}
}
