// Package tracing carries a trace from Zoom's request to what follows from it, across
// NATS and Postgres, as OpenTelemetry spans. Without a tracer that records, nothing is
// recorded, and the traceparent that came travels on all the same.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Off is the tracer that records nothing.
func Off() trace.Tracer { return noop.NewTracerProvider().Tracer("latchkey") }

const header = "traceparent"

// Under returns ctx as what goes on under the span that a W3C traceparent names. One
// that is none, or malformed, leaves ctx as it is.
func Under(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: traceparent})
}

// Parent is the traceparent of ctx's span, for what follows from it elsewhere; "" for
// none.
func Parent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c[header]
}

// Call starts the span of a request to somebody else, with the tracer of ctx's span: it
// is recorded if that is.
func Call(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer("latchkey").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
}

// End ends the span; err, if not nil, says why it failed.
func End(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
