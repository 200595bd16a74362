package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"latchkey/internal/tracing"
)

// startTraces makes the tracer: one that records and sends, where an endpoint is set.
// Spans that cannot be sent are dropped; nothing waits for them.
func (a *App) startTraces(ctx context.Context) (trace.Tracer, error) {
	url := a.o.Config.TracesURL
	if url == "" {
		return tracing.Off(), nil
	}
	// OpenTelemetry's own log quotes what it cannot read, credentials too, and goes to
	// standard error past ours.
	otel.SetLogger(logr.FromSlogHandler(wordsAlone{a.log.With("part", "opentelemetry").Handler()}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		text, _, _ := strings.Cut(err.Error(), " (body:") // what the collector answers may quote what it was sent
		a.log.Warn("traces cannot be sent", "error", text)
	}))
	to := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(strings.TrimSuffix(url, "/") + "/v1/traces")}
	if secrets := a.o.Config.TracesHeaders; len(secrets) > 0 {
		headers := map[string]string{}
		for name, value := range secrets {
			headers[name] = value.Reveal()
		}
		to = append(to, otlptracehttp.WithHeaders(headers))
	}
	exporter, err := otlptracehttp.New(ctx, to...)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	name := "latchkey"
	switch {
	case !a.o.Worker:
		name = "latchkey-ingest"
	case !a.o.Ingest:
		name = "latchkey-worker"
	}
	options := []sdk.TracerProviderOption{
		sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", name), attribute.String("service.version", version()))),
	}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		// Whether we record is not Zoom's to say, whose traceparent has a flag for it.
		options = append(options, sdk.WithSampler(sdk.AlwaysSample()))
	}
	a.traces = sdk.NewTracerProvider(options...)
	return a.traces.Tracer("latchkey"), nil
}

// wordsAlone is a log without attributes.
type wordsAlone struct{ slog.Handler }

// Handle logs what is said, and not of what.
func (h wordsAlone) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(ctx, slog.NewRecord(r.Time, r.Level, r.Message, r.PC))
}

// WithAttrs drops them.
func (h wordsAlone) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup has nothing to group.
func (h wordsAlone) WithGroup(string) slog.Handler { return h }
