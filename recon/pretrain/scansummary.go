package pretrain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/scenes"
	"engram/embed/scan"
)

const (
	// kindPenalty is the λ of the ridge regression onto the kinds, in mean squared lengths of
	// centred predictions. Among .003, .03, .1, .3 and 3 it names most kinds for a subject that
	// was left out (see NOTES.md).
	kindPenalty = .1
	// kindSharpness is what a standardised ridge prediction counts as a logit. It has the least
	// cross-entropy of the kinds for a subject that was left out.
	kindSharpness = 4
)

// What nn.Net.Linear adds to the name of a layer for its parameters.
const (
	weightSuffix = ".weight"
	biasSuffix   = ".bias"
)

// beginSummary adds to t.from what the summary begins with: the ridge regression of the kinds on
// predictions (Hoerl and Kennard 1970, Technometrics 12(1)). It has one solution, takes no
// epoch, and names the kinds of another subject better than a training of the whole denoiser
// made the summary do. The hidden layer holds the regression of each kind twice, with either
// sign, for GELU(z) - GELU(-z) = z. The units that are left begin with random weights.
func (t *training) beginSummary(ctx context.Context, n *scansNetwork) error {
	t.from[summaryMean] = n.mean()
	flat, right := n.flat(t.from[summaryMean])
	var length float64
	for _, x := range flat.Data {
		length += float64(x) * float64(x) / float64(flat.Rows)
	}
	ridge, err := scan.FitRidge(ctx, flat, right, scan.RidgeOptions{Lambda: kindPenalty * length, Progress: n.progress})
	if err != nil {
		return fmt.Errorf("pretrain: the kinds of what was seen: %w", err)
	}
	known, err := ridge.Predict(ctx, flat)
	if err != nil {
		return fmt.Errorf("pretrain: the kinds of what was seen: %w", err)
	}
	width, kinds := n.shape.SummaryWidth, right.Cols
	in := normals(rand.New(rand.NewPCG(n.seed, uint64(width))), flat.Cols*width, 1/(summaryPace*math.Sqrt(float64(flat.Cols))))
	bias, out := make([]float32, width), make([]float32, width*kinds)
	for k := range min(kinds, width/2) {
		mean := float64(ridge.TargetMean[k])
		spread := deviation(known, k, mean)
		if spread == 0 {
			continue // a kind that no subject saw
		}
		var shift float64
		for i := range flat.Cols {
			w := float64(ridge.Weights.Data[i*ridge.Weights.Stride+k]) / spread
			in[i*width+2*k], in[i*width+2*k+1] = float32(w/summaryPace), float32(-w/summaryPace)
			shift -= w * float64(ridge.VoxelMean[i])
		}
		bias[2*k], bias[2*k+1] = float32(shift), float32(-shift)
		sharp := float32(kindSharpness * spread / math.Sqrt(mean))
		out[2*k*kinds+k], out[(2*k+1)*kinds+k] = sharp, -sharp
	}
	t.from[summaryIn+weightSuffix], t.from[summaryIn+biasSuffix] = in, bias
	t.from[kindsName+weightSuffix], t.from[kindsName+biasSuffix] = out, make([]float32, kinds)
	return nil
}

// flat returns the predictions of the images that are trained on as the summary sees them,
// [n, T·D], and which kinds are in these images, [n, kinds] of 0 and 1.
func (d *scansNetwork) flat(mean []float32) (predicted, right blas32.General) {
	all, width := scenes.Kinds(), len(mean)
	predicted, right = blas32.General{Cols: width, Stride: width}, blas32.General{Cols: len(all), Stride: len(all)}
	size := float32(math.Sqrt(float64(d.shape.Dim)))
	for _, p := range d.pairs {
		rows := p.trained()
		from := len(predicted.Data)
		predicted.Data = append(predicted.Data, make([]float32, rows*width)...)
		widen(predicted.Data[from:], p.predicted)
		for i := range rows * width {
			predicted.Data[from+i] = predicted.Data[from+i]*size - mean[i%width]
		}
		for i := range rows {
			row := make([]float32, len(all))
			for _, k := range placesOf(all, &p.scenes[i]) {
				row[k] = 1
			}
			right.Data = append(right.Data, row...)
		}
		predicted.Rows, right.Rows = predicted.Rows+rows, right.Rows+rows
	}
	return predicted, right
}

// deviation returns the standard deviation of a column of m around its mean.
func deviation(m blas32.General, col int, mean float64) float64 {
	var sum float64
	for i := range m.Rows {
		d := float64(m.Data[i*m.Stride+col]) - mean
		sum += d * d
	}
	return math.Sqrt(sum / float64(m.Rows))
}

// normals returns n draws of a normal distribution around 0.
func normals(rng *rand.Rand, n int, deviation float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(deviation * rng.NormFloat64())
	}
	return out
}
