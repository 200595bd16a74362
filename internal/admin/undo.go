package admin

import (
	"context"
	"fmt"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// SettingsCalls are the calls that put a host's settings back.
type SettingsCalls interface {
	GetUserSettings(ctx context.Context, userID string) (zoom.Settings, error)
	PatchUserSettings(ctx context.Context, userID string, v passcode.Values) error
}

// UndoAlignments puts the settings of a host back that were aligned, and returns
// what it put back.
func UndoAlignments(ctx context.Context, s *store.Store, api SettingsCalls, accountID, hostID string) ([]store.Alignment, error) {
	done, err := s.Alignments(ctx, accountID, hostID)
	if err != nil {
		return nil, err
	}
	var undone []store.Alignment
	for _, a := range done {
		if a.Result != store.AlignmentHeld {
			continue
		}
		key, known := passcode.KeyOf(a.Setting)
		if !known {
			return undone, fmt.Errorf("setting %s was changed by another version of latchkey: put it back in Zoom's web portal", a.Setting)
		}
		var back passcode.Values
		back[key] = a.Before
		if err := api.PatchUserSettings(ctx, hostID, back); err != nil {
			return undone, err
		}
		// 204 is not success (ARCHITECTURE.md, rule 3).
		read, err := api.GetUserSettings(ctx, hostID)
		if err != nil {
			return undone, err
		}
		if got := read.Values[key]; got != a.Before {
			return undone, fmt.Errorf("setting not put back: Zoom accepted that %s is turned %s, but it is %s: a level above the host locks it", a.Setting, a.Before, got)
		}
		if err := s.UndoAlignment(ctx, a.ID); err != nil {
			return undone, err
		}
		undone = append(undone, a)
	}
	return undone, nil
}
