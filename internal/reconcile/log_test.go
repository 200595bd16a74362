package reconcile

import (
	"log/slog"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

// A meeting that is as it should be is not worth a line to an operator; one that was
// repaired, or that changed, is.
func TestWhatIsLogged(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	var log testenv.Buffer
	w.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s.m.Password, s.m.EncryptedPassword = "", ""
	checkNow(t, w, url)
	if strings.Contains(log.String(), "checked") {
		t.Errorf("of a meeting without a passcode:\n%s", log.String())
	}
	s.m.Password, s.m.EncryptedPassword = "new-1", "x"
	run(t, url, `UPDATE meetings SET must_read = true, due_at = now(), generation = generation + 1`)
	checkNow(t, w, url)
	if n := strings.Count(log.String(), "msg=checked"); n != 1 || !strings.Contains(log.String(), "repair=held") {
		t.Errorf("of a repair: %d lines\n%s", n, log.String())
	}
}
