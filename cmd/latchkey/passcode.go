package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

func passcodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passcode <meeting id>",
		Short: "Print the passcode that Zoom insists on, to pass to ZoomMtg.join({passWord})",
		Long: "Prints the passcode of a meeting on standard output, and nothing else there. A meeting that has\n" +
			"none prints an empty line, which is what ZoomMtg.join wants then.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseMeeting(args)
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				m, err := s.Meeting(ctx, int64(id))
				if errors.Is(err, store.ErrNotFound) {
					return &admin.UnknownMeetingError{ID: int64(id)}
				}
				if err != nil {
					return err
				}
				p, err := s.Passcode(ctx, int64(id))
				switch {
				case err == nil:
					fmt.Fprintln(cmd.OutOrStdout(), p.Value.Reveal())
					return nil
				case !errors.Is(err, store.ErrNotFound):
					return err
				case m.Outcome == passcode.OutcomeJoinable || m.Outcome == passcode.OutcomeUnsecured:
					fmt.Fprintln(cmd.OutOrStdout())
					return nil
				}
				why := m.Why
				if why == "" {
					why = "it has not been checked yet"
				}
				return fmt.Errorf("the passcode of meeting %s is not known: %s", id, why)
			})
		},
	}
}
