package zoom_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"latchkey/internal/zoom"
)

func TestFailedDeliveries(t *testing.T) {
	t.Parallel()
	pages := []string{
		`{"webhook_logs":[{"request_id":"a","request_body":"{\"x\":1}","date_time":"2026-12-01T10:00:00.123Z"},{"request_id":7,"request_body":""},"x",{"request_id":"c","request_body":"{}","date_time":"2022-09-09T08:11:387Z"}],"next_page_token":"p2"}`,
		`{"webhook_logs":[{"request_id":"d","request_body":"{}"}]}`,
	}
	f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("type") != "2" || q.Get("from") != "2026-12-01T00:00:00Z" || q.Get("to") != "2026-12-02T00:00:00Z" || r.URL.Path != "/v2/marketplace/apps/app/webhook_logs" {
			t.Errorf("asked %s", r.URL)
		}
		n := 0
		if q.Get("next_page_token") == "p2" {
			n = 1
		}
		_, _ = w.Write([]byte(pages[n]))
	}}
	from := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	var got []zoom.FailedDelivery
	err := overNetwork(t, f, nil).FailedDeliveries(t.Context(), "app", from, from.AddDate(0, 0, 1), func(d zoom.FailedDelivery) error {
		got = append(got, d)
		return nil
	})
	if err != nil || len(got) != 3 || got[0].RequestID != "a" || string(got[0].Body) != `{"x":1}` || got[0].At.Hour() != 10 || !got[1].At.IsZero() || got[2].RequestID != "d" {
		t.Errorf("%+v, %v", got, err)
	}
	stop := errors.New("stop")
	if err := overNetwork(t, f, nil).FailedDeliveries(t.Context(), "app", from, from.AddDate(0, 0, 1), func(zoom.FailedDelivery) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
