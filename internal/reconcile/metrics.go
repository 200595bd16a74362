package reconcile

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// Metrics count what workers do. A nil *Metrics counts nothing.
type Metrics struct {
	events  *prometheus.CounterVec
	checks  *prometheus.CounterVec
	repairs *prometheus.CounterVec
	ages    *prometheus.HistogramVec
	errors  *prometheus.CounterVec
	alerts  *prometheus.CounterVec
	past    *prometheus.CounterVec
}

// NewMetrics makes the counters and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	vec := func(name, help, label string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		reg.MustRegister(v)
		return v
	}
	repairs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "latchkey_repairs_total", Help: "Changes asked of Zoom, by remedy and by what was read back."}, []string{"remedy", "result"})
	ages := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "latchkey_event_age_seconds", Help: "How old things are when they reach a stage: an event recorded since it happened (happened) and since it arrived (recorded), a meeting taken up since it was due (claimed), an alert published since it was recorded (published).",
		Buckets: []float64{.01, .05, .25, 1, 5, 15, 60, 300, 1800, 3 * 3600, 24 * 3600},
	}, []string{"stage"})
	reg.MustRegister(repairs, ages)
	m := &Metrics{
		repairs: repairs,
		ages:    ages,
		events:  vec("latchkey_events_total", "Events taken in, by what became of them.", "result"),
		checks:  vec("latchkey_checks_total", "Meetings checked, by the verdict's remedy.", "remedy"),
		errors:  vec("latchkey_check_errors_total", "Failed checks, by where the fault lies.", "fault"),
		alerts:  vec("latchkey_alerts_total", "Alerts handed to NATS, by whether it took them.", "result"),
		past:    vec("latchkey_rows_dropped_total", "Rows dropped since they were past their time (LATCHKEY_KEEP_*), by table.", "table"),
	}
	return m
}

// Event counts an event that was taken in, by what became of it.
func (m *Metrics) Event(result string) {
	if m != nil {
		m.events.WithLabelValues(result).Inc()
	}
}

// The stages of latchkey_event_age_seconds.
const (
	StageHappened  = "happened"
	StageRecorded  = "recorded"
	stageClaimed   = "claimed"
	stagePublished = "published"
)

// Age notes how old something is as it reaches a stage; what is not known, 0, is not
// noted. Clocks may differ: less than nothing is nothing.
func (m *Metrics) Age(stage string, age time.Duration) {
	if m != nil && age != 0 {
		m.ages.WithLabelValues(stage).Observe(max(age.Seconds(), 0))
	}
}

func (m *Metrics) checked(v passcode.Verdict, repair store.Repair) {
	if m == nil {
		return
	}
	m.checks.WithLabelValues(string(v.Remedy)).Inc()
	if repair.Result != "" {
		m.repairs.WithLabelValues(string(repair.Remedy), string(repair.Result)).Inc()
	}
}

func (m *Metrics) failed(a answer) {
	if m != nil {
		m.errors.WithLabelValues(string(a.fault)).Inc()
	}
}

func (m *Metrics) dropped(table string, n int64) {
	if m != nil {
		m.past.WithLabelValues(table).Add(float64(n))
	}
}

func (m *Metrics) published() {
	if m != nil {
		m.alerts.WithLabelValues("published").Inc()
	}
}

func (m *Metrics) refused() {
	if m != nil {
		m.alerts.WithLabelValues("refused").Inc()
	}
}
