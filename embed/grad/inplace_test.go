package grad_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// sharedLoss reads every kind of parameter in several ways: a cut matrix forwards,
// transposed and row by row, a gain, a bias, a scalar, and a penalty on the weights
// themselves. A block that was updated before one of its readers would show.
func sharedLoss() *grad.Node {
	g := grad.NewGraph()
	batch := g.Step("batch", onnx.Int64, wideBatch)
	x := grad.Rows(g.Data("x", onnx.Float, wideRows, wideIn), batch)
	w := g.Param("w", true, wideIn, wideOut).Node()
	bias := g.Param("bias", false, wideOut).Node()
	gain := g.Param("gain", false, wideOut).Node()
	hidden := grad.GELU(grad.LayerNorm(grad.Add(grad.MatMul(x, w), bias), gain, bias, 1e-5))
	hidden = grad.Add(hidden, grad.Scale(grad.Rows(w, batch), .5))
	square := g.Param("square", true, wideOut, wideOut).Node()
	hidden = grad.Dropout(grad.MatMul(hidden, grad.Transpose(square, 1, 0)), .25, g.Step("seed", onnx.Int64))
	back := grad.Mul(grad.MatMulT(hidden, w), grad.Exp(g.Param("scale", true).Node()))
	miss := grad.Sub(back, x)
	penalty := grad.Scale(grad.Mean(grad.Mul(w, w)), .1)
	return grad.Add(grad.Mean(grad.Mul(miss, miss)), grad.Add(penalty, grad.Mean(grad.Mul(square, grad.Transpose(square, 1, 0)))))
}

// TestUpdateInPlaceIsTheStandardUpdate trains with the operator AdamW, which writes the
// state in place, and with operators of the standard set, whose loop carries it, and
// wants equal bits: losses, values and moments, after epochs of several lengths.
func TestUpdateInPlaceIsTheStandardUpdate(t *testing.T) {
	rt := orttest.Runtime(t)
	for name, decay := range map[string]float64{"no decay": 0, "decay": .01} {
		for what, loss := range map[string]func() *grad.Node{"shared": sharedLoss, "wide": func() *grad.Node { return wideLoss(.25) }} {
			t.Run(name+" "+what, func(t *testing.T) {
				opts := grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: decay}}
				fused, fusedLosses := trainEpochs(t, rt, grad.NewEpoch, loss(), opts)
				standard, losses := trainEpochs(t, rt, grad.NewStandardEpoch, loss(), opts)
				if diff := cmp.Diff(losses, fusedLosses); diff != "" {
					t.Errorf("losses (-standard +in place):\n%s", diff)
				}
				for kind, pair := range map[string][2]map[string][]float32{
					"values": {standard.Values, fused.Values}, "M": {standard.M, fused.M}, "V": {standard.V, fused.V},
				} {
					for name := range pair[0] {
						if !slices.Equal(pair[0][name], pair[1][name]) {
							t.Errorf("%s of %s differ", kind, name)
						}
					}
				}
			})
		}
	}
}

type compile func(*ort.Runtime, *grad.Node, grad.EpochOptions) (*grad.Epoch, error)

func trainEpochs(t *testing.T, rt *ort.Runtime, compile compile, loss *grad.Node, opts grad.EpochOptions) (grad.Snapshot, []float32) {
	t.Helper()
	epoch, err := compile(rt, loss, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	state := grad.NewState(wideParams(loss), smallRandom)
	var all []float32
	rng := rand.New(rand.NewPCG(5, 6))
	for _, steps := range []int{1, 3, 2} {
		losses, err := epoch.Run(t.Context(), state, wideInputs(rng, steps))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, losses...)
	}
	return state.Snapshot(), all
}

// TestStateOfACancelledEpochIsRefused stops an epoch on its way, which leaves some
// blocks updated and others not.
func TestStateOfACancelledEpochIsRefused(t *testing.T) {
	rt := orttest.Runtime(t)
	loss := wideLoss(.25)
	epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer epoch.Close()
	state := grad.NewState(wideParams(loss), smallRandom)
	in := wideInputs(rand.New(rand.NewPCG(5, 6)), 5000)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := epoch.Run(ctx, state, in); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("an epoch of 5,000 steps that has 200 ms returned %v", err)
	}
	if _, err := epoch.Run(t.Context(), state, wideInputs(rand.New(rand.NewPCG(5, 6)), 1)); err == nil {
		t.Error("the state of an epoch that was cancelled on its way was trained further")
	}
}
