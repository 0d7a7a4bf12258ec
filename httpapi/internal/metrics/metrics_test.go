package metrics

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
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

// The dashboard in scripts asks for counters that there are.
func TestTheDashboardKnowsTheCounters(t *testing.T) {
	text, err := os.ReadFile("../../../scripts/grafana_dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	m := New()
	m.Begin()
	m.End(Request{"GET", "/v1/items", 200, 10, time.Millisecond})
	m.Stage("engine", time.Millisecond)
	m.Refused("rate")
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"engram_queue_running": true, "engram_queue_waiting": true, "engram_index_items": true} // of httpapi
	for _, family := range families {
		known[family.GetName()] = true
	}
	asked := regexp.MustCompile(`\b(engram|go|process)_[a-z_]+`).FindAllString(string(text), -1)
	if len(asked) < 15 {
		t.Errorf("the dashboard asks for %d counters", len(asked))
	}
	for _, name := range asked {
		if !known[name] && !known[strings.TrimSuffix(name, "_bucket")] && !known[strings.TrimSuffix(name, "_sum")] {
			t.Errorf("the dashboard asks for %s, which nothing counts", name)
		}
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
