package metrics

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Names and units keep to Prometheus's conventions, by its own check.
func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	m := New()
	m.Begin()
	m.End(Request{"GET", "/v1/items", 200, 10, time.Millisecond})
	m.Stage("engine", time.Millisecond)
	m.Refused("rate")
	m.Gauge("engram_queue_waiting", "Requests that wait.", func() float64 { return 3 })
	faults, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Errorf("%s: %s", fault.Metric, fault.Text)
	}
}

func ExampleMetrics() {
	m := New()
	m.Begin()
	m.End(Request{"GET", "", 404, 10, time.Millisecond})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "engram_http_requests") {
			fmt.Print(line)
		}
	}
	// Output:
	// engram_http_requests_in_flight 0
	// engram_http_requests_total{code="404",method="GET",route="none"} 1
}
