package scan

import (
	"testing"

	"engram/embed/embedtest"
	"engram/embed/internal/matrix"
)

// TestFirstStageEqualsNumPy compares queries with scripts/golden_first_stage.py: of the
// regression, and of the first token in its place.
func TestFirstStageEqualsNumPy(t *testing.T) {
	for _, name := range []string{"first_stage_ridge", "first_stage_token"} {
		t.Run(name, func(t *testing.T) {
			g := embedtest.Read(t, name)
			fit := firstStageFit{
				scores:  leftOutScores{predicted: g.Inputs["predicted"].Matrix(), images: g.Inputs["images"].Ints()},
				vectors: g.Inputs["vectors"].Matrix(),
			}
			if token, ok := g.Inputs["token"]; ok {
				first := token.Matrix()
				fit.token = &first
			}
			axes, err := fit.principalAxes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r, err := fit.regress(axes)
			if err != nil {
				t.Fatal(err)
			}
			m := r.power(g.Number("power"))
			var got []float64
			for i := range 4 {
				query, err := m.query(matrix.Row(fit.scores.predicted, i))
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range query {
					got = append(got, float64(x))
				}
			}
			embedtest.Near(t, "query", got, g.Outputs["query"].Data, 1e-5)
		})
	}
}
