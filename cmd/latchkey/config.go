package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"latchkey/internal/config"
)

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "List the environment variables, and check those that are set", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			for _, k := range config.Keys() {
				state := "not set"
				switch value := os.Getenv(k.Name); {
				case value != "" && k.Secret:
					state = "set"
				case value != "":
					state = value
				case k.Secret && os.Getenv(k.Name+"_FILE") != "":
					state = "from a file"
				case k.Default != "":
					state = k.Default + " (default)"
				}
				fmt.Fprintf(out, "%-26s %s\n%-26s want %s\n%-26s now: %s\n", k.Name, k.Doc, "", k.Form, "", state)
				if k.Secret {
					fmt.Fprintf(out, "%-26s %s_FILE names a file that holds it instead\n", "", k.Name)
				}
			}
			if _, err := config.Load(os.Environ(), config.Both); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "latchkey: invalid configuration for `latchkey serve`:\n%v\n", err)
				return exitStatus(2) // as serve does
			}
			fmt.Fprintln(out, "\nvalid for `latchkey serve`")
			return nil
		},
	}
}
