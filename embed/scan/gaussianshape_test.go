package scan

import (
	"math"
	"testing"
)

// A report has no infinite penalties and no parts of one.
func TestGaussianShapeInWords(t *testing.T) {
	t.Parallel()
	for want, shape := range map[string]gaussianShape{
		"all components, each component's own slope, covariance shrinkage 1":              {1, math.Inf(1), 1},
		"the leading 1/4 of the components, slope penalty 0.01, covariance shrinkage 0.3": {4, .01, .3},
	} {
		if got := shape.String(); got != want {
			t.Errorf("shape %+v is %q, want %q", shape, got, want)
		}
	}
}
