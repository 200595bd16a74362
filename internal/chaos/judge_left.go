package chaos

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// get asks a server of the rig; status 0 is no answer.
func get(ctx context.Context, url string) (status int, text string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	req.Close = true // it must not count as a connection that was left
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b)
}

// load is how much of what can leak a service has.
type load struct{ goroutines, files int }

func (s *service) load(ctx context.Context) (l load) {
	_, text := get(ctx, "http://"+s.admin+"/metrics")
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			l.goroutines, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if n, ok := strings.CutPrefix(line, "process_open_fds "); ok {
			l.files, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return l
}

// leaks compares what the services have with what they had when they had just begun.
// Pools grow with use, so that this finds what grows with every failure, not a single one.
func (j *judge) leaks(ctx context.Context, before map[string]load) (p problems) {
	for _, s := range j.rig.services() {
		was, is := before[s.name], s.load(ctx)
		if is.goroutines == 0 {
			p.note("%s does not say how many goroutines it has", s.name)
		}
		// What a silent link has swallowed the service cannot know of before its own
		// time-out: two minutes, of an idle connection of HTTP.
		open := 0
		for _, l := range s.links() {
			open += l.open()
		}
		if is.goroutines > was.goroutines+60+2*open {
			p.note("%s has %d goroutines, and had %d at its start", s.name, is.goroutines, was.goroutines)
		}
		if is.files > was.files+60+open {
			p.note("%s has %d files and connections open, and had %d at its start", s.name, is.files, was.files)
		}
	}
	return p
}

// ended stops every service in order, all at once, and lists those that do not end
// well.
func (j *judge) ended(ctx context.Context) (p problems) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range j.rig.services() {
		wg.Go(func() {
			if err := s.stop(ctx, endWithin); err != nil {
				mu.Lock()
				defer mu.Unlock()
				p.note("%v", err)
			}
		})
	}
	wg.Wait()
	return p
}

// left lists what stopped services leave behind.
func (j *judge) left(ctx context.Context) (p problems) {
	// What a silent link keeps open is the link's, whose ends in the services are gone.
	for _, s := range j.rig.services() {
		for _, l := range s.links() {
			if err := l.set(cut); err != nil {
				p.note("%v", err)
			}
		}
	}
	for what, query := range map[string]string{
		"connections to Postgres":    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
		"transactions in Postgres":   `SELECT count(*) FROM pg_prepared_xacts`,
		"locks in Postgres":          `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'`,
		"leases of meetings":         `SELECT count(*) FROM meetings WHERE lease_owner IS NOT NULL OR lease_until IS NOT NULL`,
		"leases of hosts":            `SELECT count(*) FROM hosts WHERE lease_owner IS NOT NULL OR lease_until IS NOT NULL`,
		"repairs that are not ended": `SELECT count(*) FROM (` + unfinished + `) open`,
	} {
		n := 0
		for range 40 { // a backend needs a moment to notice that its client is gone
			if err := j.db.QueryRow(ctx, query).Scan(&n); err != nil {
				p.note("the database cannot be asked: %v", err)
				break
			}
			if n == 0 || !wait(ctx, 50*time.Millisecond) {
				break
			}
		}
		if n > 0 {
			p.note("%d %s are left", n, what)
		}
	}
	for _, s := range j.rig.services() {
		err := filepath.WalkDir(s.tmp(), func(path string, d os.DirEntry, err error) error {
			if err == nil && path != s.tmp() {
				p.note("%s left the temporary file %s", s.name, path)
			}
			return err
		})
		if err != nil {
			p.note("%s: its temporary files cannot be listed: %v", s.name, err)
		}
		for what, tell := range map[string]string{"a data race": "WARNING: DATA RACE", "a panic": "\npanic: ", "a fatal error": "\nfatal error: "} {
			if b, err := os.ReadFile(s.logFile()); err == nil && strings.Contains("\n"+string(b), tell) {
				p.note("%s logged %s: %s", s.name, what, s.logFile())
			}
		}
	}
	return p
}
