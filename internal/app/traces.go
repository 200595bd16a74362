package app

import (
	"context"
	"fmt"
	"os"
	"strings"

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
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(url, "/")+"/v1/traces"))
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
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { a.log.Warn("traces cannot be sent", "error", err) }))
	a.traces = sdk.NewTracerProvider(options...)
	return a.traces.Tracer("latchkey"), nil
}
