package metrics

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// The dashboard in scripts asks for counters that there are, and for each of the server's.
func TestTheDashboardKnowsTheCounters(t *testing.T) {
	text, err := os.ReadFile("../../../scripts/grafana_dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	ours := namedInTheCode(t)
	if len(ours) < 13 {
		t.Errorf("%d counters in the code: %v", len(ours), ours)
	}
	known := maps.Clone(ours)
	families, err := New().registry.Gather() // with those of the Go runtime and the process
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		known[family.GetName()] = true
	}
	shown := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(engram|go|process)_[a-z_]+`).FindAllString(string(text), -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} { // of a histogram
			if whole, ok := strings.CutSuffix(name, part); ok && known[whole] {
				name = whole
			}
		}
		if shown[name] = true; !known[name] {
			t.Errorf("the dashboard asks for %s, which nothing counts", name)
		}
	}
	for name := range ours {
		if !shown[name] {
			t.Errorf("the dashboard shows no %s", name)
		}
	}
}

// namedInTheCode returns the server's counters by name: the strings in the code of the server
// and the command that look like one.
func namedInTheCode(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	literal := regexp.MustCompile(`"(engram_[a-z_]+)"`)
	for _, dir := range []string{"../..", "../../../cmd"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			code, err := os.ReadFile(path)
			for _, match := range literal.FindAllSubmatch(code, -1) {
				names[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
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
