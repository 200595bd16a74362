package app_test

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// traces is a collector of OpenTelemetry's, as far as latchkey sees it.
type traces struct {
	mu    sync.Mutex
	spans []*tracepb.Span
	url   string
}

func collect(t *testing.T) *traces {
	c := &traces{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		raw, err := io.ReadAll(body)
		var req collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &req) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, rs := range req.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

// under gives the names of the trace's spans, each with those it is under, and all
// they say.
func (c *traces) under(traceID string) (paths []string, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.TraceId) == traceID {
			byID[string(s.SpanId)] = s
		}
		text += s.String()
	}
	for _, s := range byID {
		path := s.Name
		parent := s
		for ok := true; ok; {
			if hex.EncodeToString(parent.ParentSpanId) == zoomsSpan {
				path = "Zoom > " + path
				break
			}
			if parent, ok = byID[string(parent.ParentSpanId)]; ok {
				path = parent.Name + " > " + path
			}
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths), text
}

const (
	zoomsTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	zoomsSpan  = "00f067aa0ba902b7"
)

// One trace goes from Zoom's request over NATS and Postgres to the PATCH and the
// alert, and says no secret; without a collector its id goes the same way.
func TestATraceFromZoomToThePatch(t *testing.T) {
	t.Parallel()
	for _, sent := range []bool{true, false} {
		t.Run(fmt.Sprint("with a collector: ", sent), func(t *testing.T) {
			t.Parallel()
			c := collect(t)
			environ := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.url}
			if !sent {
				environ = nil
			}
			r := newRig(t, append([]string{"DATABASE_URL=" + emptyMigrated(t), "NATS_URL=" + testenv.NATS(t).URL()}, environ...)...)
			a, stop := r.startForAWhile(t, true, true)
			r.app = a
			// The simulated Zoom sends no traceparent of a kind we know: its event is sent anew, by us.
			r.sim.SetWebhookURL("http://127.0.0.1:1/nowhere")
			m := r.create(t, hostOn)
			body := fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"host_id":%q,"topic":"t","type":2}}}`,
				1795435200000, r.sim.Credentials("").AccountID, m.ID, m.HostID)
			if status := r.postWith(t, body, map[string]string{"traceparent": "00-" + zoomsTrace + "-" + zoomsSpan + "-00"}); status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			s, err := r.jetStream(t).Stream(t.Context(), "LATCHKEY_ALERTS")
			if err != nil {
				t.Fatal(err)
			}
			alert := 0
			for next := uint64(1); alert == 0 || next <= uint64(alert); next++ { // the host's others, found by listing, are repaired as well
				testenv.Until(t, "an alert is published", func() bool {
					msg, err := s.GetMsg(t.Context(), next)
					if err == nil && msg.Header.Get("ce-subject") == fmt.Sprint(m.ID) {
						alert = int(next)
					}
					if err == nil && !strings.Contains(msg.Header.Get("ce-traceparent"), zoomsTrace) {
						t.Errorf("the trace of %s about %s is %q", msg.Subject, msg.Header.Get("ce-subject"), msg.Header.Get("ce-traceparent"))
					}
					return err == nil
				})
			}
			stop() // flushes
			paths, text := c.under(zoomsTrace)
			if !sent {
				if text != "" {
					t.Errorf("spans were sent: %s", text)
				}
				return
			}
			for _, want := range []string{
				"Zoom > POST /webhooks/zoom",
				"Zoom > POST /webhooks/zoom > take in",
				"Zoom > POST /webhooks/zoom > take in > check meeting",
				"Zoom > POST /webhooks/zoom > take in > check meeting > GET /meetings/{meetingId}",
				"Zoom > POST /webhooks/zoom > take in > check meeting > PATCH /meetings/{meetingId}",
			} {
				if !slices.Contains(paths, want) {
					t.Errorf("there is no span %s; there are\n%s", want, strings.Join(paths, "\n"))
				}
			}
			for _, secret := range []string{m.Passcode, r.sim.Credentials("").ClientSecret, r.sim.Credentials("").SecretToken, "Consultation"} {
				if secret == "" || strings.Contains(text, secret) {
					t.Errorf("a span says %q", secret)
				}
			}
		})
	}
}

// A collector that is away, or hangs, holds up nothing.
func TestTracesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	t.Cleanup(func() { close(block); hang.Close() })
	r := newRunningRig(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+hang.URL)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
}

func (r *rig) get(t *testing.T, path, accept string) (string, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.app.AdminAddr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.Header.Get("Content-Type")
}

// docs/signals.md names each metric there is, and no other; what happened is counted.
func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
	r.settled(t, r.create(t, hostLocked).ID, passcode.OutcomeDemands)
	if status := r.post(t, `{"event":"meeting.created","payload":{"account_id":"acc","object":[]}}`); status != http.StatusNoContent {
		t.Errorf("an event nobody can use: %d", status)
	}
	var text string
	testenv.Until(t, "all of it is counted", func() bool {
		text, _ = r.get(t, "/metrics", "")
		return strings.Contains(text, `latchkey_alerts_total{result="published"}`) && strings.Contains(text, "latchkey_dead_letters 1\n") && strings.Contains(text, `latchkey_events_total{result="dead"} 1`) && strings.Contains(text, "latchkey_due{what=\"meetings\"} 0\n") && strings.Contains(text, "latchkey_outbox 0\n")
	})
	for _, want := range []string{
		`latchkey_webhook_deliveries_total{result="accepted"} `, `latchkey_events_total{result="recorded"} `, `latchkey_events_total{result="dead"} 1`,
		`latchkey_repairs_total{remedy="clear",result="held"} `, `latchkey_zoom_calls_total{label="light",status="204"} `,
		`latchkey_event_age_seconds_count{stage="recorded"} `, `latchkey_event_age_seconds_count{stage="claimed"} `, `latchkey_event_age_seconds_count{stage="published"} `,
		`latchkey_meetings_demanding_passcode `, `latchkey_meetings_open 0`, `latchkey_outbox 0`, `latchkey_repairs_unfinished 0`, `latchkey_events_pending 0`, `latchkey_redeliveries_total 0`,
		`latchkey_ready{part="nats"} 1`, `latchkey_ready{part="postgres"} 1`, `latchkey_ready{part="worker"} 1`, `latchkey_build_info{goversion="go`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (latchkey_\w+) `).FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
	}
	doc, err := os.ReadFile("../../docs/signals.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("`(latchkey_\\w+)").FindAllStringSubmatch(string(doc), -1) {
		documented[m[1]] = true
		// Counters of what did not happen yet are not there.
		if !names[m[1]] && m[1] != "latchkey_check_errors_total" && m[1] != "latchkey_rows_dropped_total" {
			t.Errorf("docs/signals.md names %s, which there is not", m[1])
		}
	}
	for name := range names {
		if !documented[name] {
			t.Errorf("docs/signals.md does not name %s", name)
		}
	}
	if text, kind := r.get(t, "/metrics", "application/openmetrics-text"); !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("OpenMetrics: %s ... %q", kind, text[max(0, len(text)-20):])
	}
}

// What hangs is named, and takes nothing from what is told of the other.
func TestMetricsWhileOneHangs(t *testing.T) {
	t.Parallel()
	for _, hangs := range []string{"nats", "postgres"} {
		t.Run(hangs, func(t *testing.T) {
			t.Parallel()
			database, databaseURL := testenv.ProxyURL(t, emptyMigrated(t))
			nats, natsURL := testenv.ProxyURL(t, testenv.NATS(t).URL())
			r := newRunningRig(t, "DATABASE_URL="+databaseURL, "NATS_URL="+natsURL)
			r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
			proxy, want, not := nats, []string{"latchkey_due{", `latchkey_ready{part="postgres"} 1`}, []string{"latchkey_dead_letters ", `latchkey_ready{part="postgres"} 0`}
			if hangs == "postgres" {
				proxy, want, not = database, []string{"latchkey_dead_letters ", `latchkey_ready{part="nats"} 1`, `latchkey_ready{part="postgres"} 0`}, []string{"latchkey_due{"}
			}
			proxy.Stall()
			defer proxy.Resume()
			missing := ""
			testenv.Until(t, "the metrics tell what hangs", func() bool {
				text, _ := r.get(t, "/metrics", "")
				missing = ""
				for _, w := range want {
					if !strings.Contains(text, w) {
						missing += " no " + w
					}
				}
				for _, n := range not {
					if strings.Contains(text, n) {
						missing += " there is " + n
					}
				}
				return missing == ""
			})
			if missing != "" {
				t.Error(missing)
			}
		})
	}
}
