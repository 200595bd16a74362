package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestFullDisk fills the disk under the embedded NATS and Postgres to the last byte:
// nothing is accepted that is not stored, nothing that was accepted is lost, and once
// there is room again all goes on by itself. It needs the right to mount a small disk
// (root); without it only the stream's limit and Postgres's own error stand for it, in
// TestDependencies.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m,mode=0711"); err != nil {
		t.Logf("not tried on a real disk: mount: %v", err)
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r := newRig(t, "LATCHKEY_STATE="+filepath.Join(dir, "state"))
	r.app = r.start(t, true, true)
	if err := r.app.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.sim.SetWebhookURL("")
	deliver := func(m zoomsim.Meeting) int { return r.post(t, createdEvent(r, m, fmt.Sprint(m.ID))) }
	before := r.create(t, hostOn)
	if status := deliver(before); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	r.settled(t, before.ID, passcode.OutcomeJoinable)

	// Filled again and again: servers give back what they do not need.
	filler := filepath.Join(dir, "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, size := range []int{1 << 20, 4096, 1} {
			for chunk := make([]byte, size); ; {
				if _, err := f.Write(chunk); err != nil {
					break
				}
			}
		}
	}
	accepted := []zoomsim.Meeting{before}
	refused := 0
	var last zoomsim.Meeting
	for i := 0; refused < 5 && i < 500; i++ {
		fill()
		last = r.create(t, hostOn)
		switch status := deliver(last); status {
		case http.StatusNoContent:
			accepted = append(accepted, last)
		case http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("status %d", status)
		}
	}
	if refused == 0 {
		t.Fatal("the disk is full and all is accepted")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "Zoom's retry is accepted", func() bool { return deliver(last) == http.StatusNoContent })
	for _, m := range append(accepted, last) {
		r.settled(t, m.ID, passcode.OutcomeJoinable)
		if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
			t.Errorf("a joiner of %d meets %s", m.ID, got)
		}
	}
	t.Logf("%d accepted on the way to a full disk, %d refused", len(accepted), refused)
	testenv.Until(t, "ready again", func() bool { return r.ready(t) == http.StatusOK })
}
