package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	ctx := context.Background() // also used from cleanups
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var v T
	if err := conn.QueryRow(ctx, sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func execSQL(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPostgresKeepsDataBetweenRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(reachableDir(t), "not", "there", "yet")
	p := startPG(t, PostgresOptions{Dir: dir})
	url := p.URL()
	if _, err := pgx.Connect(t.Context(), strings.Replace(url, ":", ":wrong", 2)); err == nil {
		t.Error("any password will do")
	}
	for sql, want := range map[string]string{
		"SELECT current_database()": "latchkey", "SHOW server_encoding": "UTF8", "SHOW lc_collate": "C",
		"SHOW fsync": "on", "SHOW data_checksums": "on", "SHOW listen_addresses": "127.0.0.1", "SHOW timezone": "UTC",
	} {
		if got := query[string](t, url, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (42)"); err != nil {
		t.Fatal(err)
	}

	pid := postmasterPID(dir)
	stopPG(t, p) // although conn is still open
	if alive(pid) {
		t.Error("still there after Stop")
	}
	select {
	case <-p.Done():
		t.Error("Done is closed although Stop was called")
	default:
	}
	stopPG(t, p) // once more does no harm

	again := startPG(t, PostgresOptions{Dir: dir})
	if got := query[int](t, again.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d", got)
	}
	stopPG(t, again)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := query[int](t, again.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d", got)
	}
}

func TestPostgresFolderIsForOneProcess(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir})
	wantError(t, err, ErrInUse, dir, strconv.Itoa(os.Getpid()), "LATCHKEY_STATE")
}

func TestPostgresRunsUnprivilegedAndApart(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	owner, ok := ownerOf(filepath.Join(dir, pgDataName, "postmaster.pid")) // the server wrote it
	if !ok {
		t.Fatal("no pid file")
	}
	if os.Geteuid() == 0 {
		if owner.uid == 0 {
			t.Error("PostgreSQL runs as root")
		}
	} else if int(owner.uid) != os.Geteuid() {
		t.Errorf("PostgreSQL runs as uid %d, we are %d", owner.uid, os.Geteuid())
	}
	if fi, err := os.Stat(filepath.Join(dir, pgPasswordName)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v %v", fi.Mode(), err)
	}
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", fi.Mode(), err)
	}
	group, err := syscall.Getpgid(postmasterPID(dir))
	if err != nil {
		t.Fatal(err)
	}
	if group == syscall.Getpgrp() {
		t.Error("in our process group: Ctrl-C would hit it")
	}
}

func TestPostgresDiesAndComesBack(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	p := startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	url := p.URL()
	execSQL(t, url, "CREATE TABLE kept AS SELECT 1 AS n")
	if p.Err() != nil {
		t.Error(p.Err())
	}
	if err := syscall.Kill(postmasterPID(dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	wantError(t, p.Err(), nil, "ended by itself")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.URL() != url {
		t.Error("another URL")
	}
	if got := query[int](t, url, "SELECT n FROM kept"); got != 1 {
		t.Errorf("kept %d", got)
	}
}

func TestPostgresSupervisorKilled(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	p := startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	pid := postmasterPID(dir)
	if err := p.run.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	until(t, "PostgreSQL goes with its supervisor", func() bool { return !alive(pid) })
}

func TestPostgresGoesWithItsKilledParent(t *testing.T) {
	t.Parallel()
	// Two servers: neither must inherit, and so keep open, the other's lifeline.
	dirs := []string{reachableDir(t), reachableDir(t)}
	pids := killedParent(t, true, func([]string) {}, dirs...)
	for i, pid := range pids {
		until(t, "PostgreSQL ends after its parent was killed", func() bool { return !alive(pid) })
		until(t, "its folder is removed", func() bool {
			_, err := os.Stat(dirs[i])
			return errors.Is(err, fs.ErrNotExist)
		})
	}
}

func TestPostgresDataSurvivesItsKilledParent(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	pids := killedParent(t, false, func(urls []string) {
		execSQL(t, urls[0], "CREATE TABLE kept AS SELECT 7 AS n")
	}, dir)
	// At once: it waits for the old server to be gone, rather than failing.
	p := startPG(t, PostgresOptions{Dir: dir})
	if alive(pids[0]) {
		t.Error("two servers on one folder")
	}
	if got := query[int](t, p.URL(), "SELECT n FROM kept"); got != 7 {
		t.Errorf("kept %d", got)
	}
}

func TestPostgresEphemeralIsRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(reachableDir(t), "pg")
	p := startPG(t, PostgresOptions{Dir: dir, Ephemeral: true})
	stopPG(t, p)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder still there: %v", err)
	}
}

func TestPostgresLogQuotesNoRows(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	p := startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	conn, err := pgx.Connect(t.Context(), p.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "CREATE TABLE s (passcode text NOT NULL, n int NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO s VALUES ($1, NULL)", "hunter2"); err == nil {
		t.Fatal("no error")
	}
	log, err := os.ReadFile(filepath.Join(dir, pgLogName))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "not-null constraint") {
		t.Errorf("the error is not in the log: %s", log)
	}
	if strings.Contains(string(log), "hunter2") {
		t.Errorf("a row's content is in the log: %s", log)
	}
}

func TestPostgresPort(t *testing.T) {
	t.Parallel()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	p := startPG(t, PostgresOptions{Dir: reachableDir(t), Port: port, Ephemeral: true, Keep: true, Database: `odd "name"`})
	if !strings.Contains(p.URL(), fmt.Sprintf("127.0.0.1:%d/", port)) {
		t.Error("another port")
	}
	if got := query[string](t, p.URL(), "SELECT current_database()"); got != `odd "name"` {
		t.Error(got)
	}
	_, err = StartPostgres(t.Context(), PostgresOptions{Dir: reachableDir(t), Port: port, Ephemeral: true})
	wantError(t, err, errPortTaken, "Address already in use")
}
