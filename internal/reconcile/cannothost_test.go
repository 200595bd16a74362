package reconcile

import (
	"strings"
	"testing"

	"latchkey/internal/zoom"
)

// TestAHostWhoCannotHostAnyMore: the forecast says so, instead of predicting
// meetings that there will not be, and takes it back when they can again.
func TestAHostWhoCannotHostAnyMore(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(*fakeZoom){
		"deactivated":       func(f *fakeZoom) { f.user.Status = "inactive" },
		"not known to Zoom": func(f *fakeZoom) { f.userErr = told(zoom.KindNotFound) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{}
			w, url := hosted(t, f)
			says := func(what string, want bool) {
				t.Helper()
				_, _ = w.hostFacts(t.Context(), f, "acc", "host")
				h, err := w.o.Store.Host(t.Context(), "acc", "host")
				if err != nil || strings.Contains(h.ForecastWhy, "cannot host meetings any more") != want || h.CanHost == want {
					t.Errorf("%s: can host %v: %s, %v", what, h.CanHost, h.ForecastWhy, err)
				}
				run(t, url, `UPDATE hosts SET read_at = NULL, profile_read_at = NULL, generation = generation + 1`)
			}
			says("at first", false)
			was := f.user
			gone(f)
			says("then", true)
			f.user, f.userErr = was, nil
			says("and again", false)
		})
	}
}
