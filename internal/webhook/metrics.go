package webhook

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of a delivery: the values of label result.
const (
	resultAccepted     = "accepted"
	resultBadToken     = "bad_token" // a URL validation whose plainToken is none
	resultDead         = "dead"
	resultDisplaced    = "displaced" // a slow body, when the room for bodies was full
	resultOverload     = "overload"  // valid, and no place became free
	resultTooLarge     = "too_large"
	resultTorn         = "torn"
	resultUnauthorized = "unauthorized"
	resultUnavailable  = "unavailable"
	resultUnwanted     = "unwanted"
	resultValidation   = "url_validation"
)

// Metrics count deliveries.
type Metrics struct {
	deliveries *prometheus.CounterVec
	closed     prometheus.Counter
	accepted   atomic.Int64
}

// Accepted is how many deliveries were published to the event stream.
func (m *Metrics) Accepted() int64 { return m.accepted.Load() }

// published counts what is on its way to the worker.
func (m *Metrics) published() { m.accepted.Add(1) }

func (m *Metrics) count(result string) {
	m.deliveries.WithLabelValues(result).Inc()
	if result == resultAccepted {
		m.published()
	}
}

// NewMetrics makes the counters and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_webhook_deliveries_total",
			Help: "Webhook requests by result.",
		}, []string{"result"}),
		closed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "latchkey_webhook_connections_closed_total",
			Help: "Connections closed to make room for new ones: no whole request had arrived.",
		}),
	}
	for _, r := range []string{resultAccepted, resultBadToken, resultDead, resultDisplaced, resultOverload, resultTooLarge, resultTorn, resultUnauthorized, resultUnavailable, resultUnwanted, resultValidation} {
		m.deliveries.WithLabelValues(r)
	}
	reg.MustRegister(m.deliveries, m.closed)
	return m
}
