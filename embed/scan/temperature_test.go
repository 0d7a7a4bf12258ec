package scan

import (
	"testing"

	"engram/embed/embedtest"
)

func TestSoftTemperatureEqualsPyTorch(t *testing.T) {
	g := embedtest.Read(t, "soft_temperature")
	for name, want := range g.Outputs {
		got := make([]float64, len(want.Data))
		for epoch := range got {
			got[epoch] = SoftTemperature(epoch, len(got))
		}
		embedtest.Near(t, name, got, want.Data, 1e-11)
	}
	if tau := SoftTemperature(0, 1); tau != 0.004 {
		t.Errorf("a single epoch uses %v", tau)
	}
}
