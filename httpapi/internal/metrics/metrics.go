package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	sent     *prometheus.HistogramVec
	running  prometheus.Gauge
	stages   *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	panics   prometheus.Counter
}

// New returns counters at zero, with the process's and the Go runtime's.
func New() *Metrics {
	// From .1 ms, about what a search of a small index takes, to 30 s, the default limit.
	seconds := []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "engram_http_requests_total", Help: "Requests that were answered."}, []string{"method", "route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "engram_http_request_duration_seconds", Help: "Time until a request was answered.", Buckets: seconds}, []string{"method", "route"}),
		sent: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "engram_http_response_size_bytes", Help: "Bytes of the bodies of answers.",
			Buckets: prometheus.ExponentialBuckets(256, 8, 7)}, []string{"method", "route"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "engram_http_requests_in_flight", Help: "Requests that are being answered."}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "engram_stage_duration_seconds", Help: "Time of the stages of requests.", Buckets: seconds}, []string{"stage"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "engram_http_refused_total", Help: "Requests that were refused before they were read: key, role, rate, queue."}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "engram_http_panics_total", Help: "Handlers that panicked."}),
	}
	m.registry.MustRegister(m.requests, m.took, m.sent, m.running, m.stages, m.refused, m.panics,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers with all counters as text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Add shows counters beside these. It fails where two have one name.
func (m *Metrics) Add(counters ...prometheus.Collector) error {
	for _, c := range counters {
		if err := m.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Gauge has value asked each time that the counters are read.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Begin counts a request that begins.
func (m *Metrics) Begin() { m.running.Inc() }

// Request is what is counted of a request that was answered.
type Request struct {
	Method, Route string // the route's pattern, "" where there is none
	Code, Bytes   int
	Took          time.Duration
}

// End counts a request that was answered.
func (m *Metrics) End(r Request) {
	m.running.Dec()
	if r.Route == "" {
		r.Route = "none"
	}
	switch r.Method { // a client may send any word, and each would be kept for ever
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
	default:
		r.Method = "other"
	}
	m.requests.WithLabelValues(r.Method, r.Route, strconv.Itoa(r.Code)).Inc()
	m.took.WithLabelValues(r.Method, r.Route).Observe(r.Took.Seconds())
	m.sent.WithLabelValues(r.Method, r.Route).Observe(float64(r.Bytes))
}

// Stage counts the time of a stage of a request.
func (m *Metrics) Stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}

// Refused counts a request that was refused before it was read.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// Panicked counts a handler that panicked.
func (m *Metrics) Panicked() { m.panics.Inc() }
