package app

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"
)

// traces sends spans to an OpenTelemetry collector.
type traces struct{ *sdktrace.TracerProvider }

// openTraces opens the way to the collector whose OTLP/HTTP endpoint this is. Nothing is
// sent before the first span.
func openTraces(ctx context.Context, endpoint string) (*traces, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, err
	}
	return &traces{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("engram"))))}, nil
}

// Close sends what was not sent yet, for a few seconds at most. Spans that the collector
// does not take are lost, which is no fault of the server that ends.
func (t *traces) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.Shutdown(ctx)
	return nil
}
