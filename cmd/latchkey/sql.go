package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
)

func sqlCommand() *cobra.Command {
	var write, show bool
	cmd := &cobra.Command{
		Use:   "sql [-- psql's own arguments]",
		Short: "Open psql on latchkey's database, the embedded one included, with the rights to read",
		Long: "psql is opened on DATABASE_URL, or on the embedded database of a running latchkey, in latchkey's\n" +
			"schema, as role latchkey_reader where that is there: it reads everything but passcodes and\n" +
			"changes nothing. docs/database.md says what there is to read.",
		Example: "  latchkey sql\n  latchkey sql -- -c 'SELECT meeting_id, why FROM meetings_demanding_passcode'\n  psql \"$(latchkey sql --url)\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := databaseURL()
			if err != nil {
				return err
			}
			if show {
				fmt.Fprintln(cmd.OutOrStdout(), raw)
				return nil
			}
			psql, err := findPsql()
			if err != nil {
				return err
			}
			environ, err := libpq(cmd.Context(), raw, write)
			if err != nil {
				return err
			}
			run := exec.CommandContext(cmd.Context(), psql, args...)
			run.Stdin, run.Stdout, run.Stderr, run.Env = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr(), append(os.Environ(), environ...)
			err = run.Run()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				return exitStatus(exit.ExitCode())
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&write, "write", false, "with the rights of DATABASE_URL's own role")
	cmd.Flags().BoolVar(&show, "url", false, "print the database's URL, its password included, and open nothing")
	return cmd
}

// findPsql looks on the PATH, and where Debian keeps Postgres's commands.
func findPsql() (string, error) {
	if path, err := exec.LookPath("psql"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if len(found) == 0 {
		return "", errors.New("psql is not installed (on Debian: apt-get install postgresql-client); `latchkey sql --url` prints what another client needs")
	}
	return found[len(found)-1], nil
}

// libpq is the URL as libpq's environment: an argument would show the password to
// everybody who lists processes.
func libpq(ctx context.Context, raw string, write bool) ([]string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return nil, errors.New("DATABASE_URL cannot be read: want postgres://user:password@host:port/database")
	}
	q := u.Query()
	path := q.Get("search_path")
	if path == "" {
		path = "latchkey"
	}
	options := "-c search_path=" + path
	if !write {
		reads, err := mayRead(ctx, raw)
		if err != nil {
			return nil, err
		}
		if reads {
			options += " -c role=latchkey_reader"
		}
	}
	environ := []string{"PGOPTIONS=" + options, "PGAPPNAME=latchkey sql"}
	password, _ := u.User.Password()
	for name, value := range map[string]string{"PGHOST": u.Hostname(), "PGPORT": u.Port(), "PGUSER": u.User.Username(), "PGPASSWORD": password,
		"PGDATABASE": strings.TrimPrefix(u.Path, "/"), "PGSSLMODE": q.Get("sslmode"), "PGSSLROOTCERT": q.Get("sslrootcert"), "PGSSLCERT": q.Get("sslcert"), "PGSSLKEY": q.Get("sslkey")} {
		if value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	if host := q.Get("host"); host != "" {
		environ = append(environ, "PGHOST="+host)
	}
	return environ, nil
}

// mayRead says whether the URL's role may become latchkey_reader.
func mayRead(ctx context.Context, raw string) (may bool, err error) {
	c, err := pgx.ParseConfig(raw)
	if err != nil { // its text may quote the password
		return false, errors.New("DATABASE_URL cannot be read: want postgres://user:password@host:port/database")
	}
	delete(c.RuntimeParams, "search_path")
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_reader' AND pg_has_role(current_user, oid, 'MEMBER'))`).Scan(&may)
	return may, err
}
