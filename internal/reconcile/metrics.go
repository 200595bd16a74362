package reconcile

import (
	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/passcode"
)

// Metrics count what workers do. A nil *Metrics counts nothing.
type Metrics struct {
	events  *prometheus.CounterVec
	checks  *prometheus.CounterVec
	repairs *prometheus.CounterVec
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
	m := &Metrics{
		events:  vec("latchkey_events_total", "Events taken in, by what became of them.", "result"),
		checks:  vec("latchkey_checks_total", "Meetings checked, by the verdict's remedy.", "remedy"),
		repairs: vec("latchkey_repairs_total", "Changes asked of Zoom, by what was read back.", "result"),
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

func (m *Metrics) checked(v passcode.Verdict, repair string) {
	if m == nil {
		return
	}
	m.checks.WithLabelValues(string(v.Remedy)).Inc()
	if repair != "" {
		m.repairs.WithLabelValues(repair).Inc()
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
