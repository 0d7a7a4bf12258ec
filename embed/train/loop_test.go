package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/progress"
	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/train"
)

const (
	steps = 4
	batch = 8
)

// regression trains a line through points of y = 3x - 1: four epochs on the
// squared error, then two on its double.
func regression() train.Loop {
	phase := func(until int, weight float32) train.Phase {
		g := grad.NewGraph()
		x, y := g.Step("x", onnx.Float, batch, 1), g.Step("y", onnx.Float, batch, 1)
		w, b := g.Param("w", true, 1, 1), g.Param("b", false, 1)
		miss := grad.Sub(grad.Add(grad.MatMul(x, w.Node()), b.Node()), y)
		return train.Phase{Until: until, Loss: grad.Scale(grad.Mean(grad.Mul(miss, miss)), weight), Inputs: points}
	}
	return train.Loop{
		Name: "regression", Stage: "fitting", Steps: steps, Phases: []train.Phase{phase(4, 1), phase(6, 2)},
		Schedule:   train.NewOneCycle(.3, steps*6, .25),
		Initialise: func(_ *grad.Param, values []float32) { values[0] = .5 },
	}
}

// points draws the points of an epoch from its number alone.
func points(_ context.Context, epoch int) (ort.Tensors, error) {
	rng := rand.New(rand.NewPCG(1, uint64(epoch)))
	x, y := make([]float32, steps*batch), make([]float32, steps*batch)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		y[i] = 3*x[i] - 1
	}
	shape := []int64{steps, batch, 1}
	return ort.Tensors{"x": {Shape: shape, Data: x}, "y": {Shape: shape, Data: y}}, nil
}

func TestALoopLearnsAndReports(t *testing.T) {
	var reports []progress.Report
	l := regression()
	l.Progress = func(r progress.Report) { reports = append(reports, r) }
	l.ScoreEvery = 3
	l.Score = func(_ context.Context, values map[string][]float32) ([]progress.Figure, error) {
		return []progress.Figure{{Name: "slope", Value: float64(values["w"][0])}}, nil
	}
	trained, err := l.Run(t.Context(), orttest.Runtime(t))
	if err != nil {
		t.Fatal(err)
	}
	if w, b := trained.Values["w"][0], trained.Values["b"][0]; math.Abs(float64(w)-3) > .4 || math.Abs(float64(b)+1) > .4 {
		t.Errorf("the line is %vx + %v, want 3x - 1; losses %v", w, b, trained.Losses)
	}
	if len(trained.Losses) != 6 || len(reports) != 7 {
		t.Fatalf("%d losses and %d reports, want 6 and 7", len(trained.Losses), len(reports))
	}
	for i, r := range reports {
		if r.Stage != "fitting" || r.Unit != "epochs" || r.Done != int64(i) || r.Total != 6 {
			t.Errorf("report %d is %+v", i, r)
		}
		want := min(i, 1) // the loss
		if i == 3 {
			want++ // the score, which is not measured after the last epoch
		}
		if len(r.Figures) != want || i > 0 && (r.Figures[0].Name != train.LossFigure || r.Figures[0].Value != float64(trained.Losses[i-1])) {
			t.Errorf("report %d has the figures %v, want %d with the loss first", i, r.Figures, want)
		}
	}
}

// TestAStoppedLoopGoesOn stops a training within and between its phases, and
// wants the weights of one that ran through.
func TestAStoppedLoopGoesOn(t *testing.T) {
	rt := orttest.Runtime(t)
	whole, err := regression().Run(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int64{2, 4, 5} {
		l := regression()
		l.Checkpoint = train.Checkpoint{Path: filepath.Join(t.TempDir(), "new", "c.safetensors"), Every: 1, Training: about{Seed: 1}}
		ctx, cancel := context.WithCancel(t.Context())
		l.Progress = func(r progress.Report) {
			if r.Done == stop {
				cancel()
			}
		}
		if _, err := l.Run(ctx, rt); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after epoch %d: %v", stop, err)
		}
		first := int64(-1)
		l.Progress = func(r progress.Report) {
			if first < 0 {
				first = r.Done
			}
		}
		resumed, err := l.Run(t.Context(), rt)
		if err != nil {
			t.Fatal(err)
		}
		if first != stop || !slices.Equal(resumed.Losses, whole.Losses) {
			t.Errorf("stopped after epoch %d: went on after %d with the losses %v, want %v", stop, first, resumed.Losses, whole.Losses)
		}
		if diff := cmp.Diff(whole.Values, resumed.Values); diff != "" {
			t.Errorf("stopped after epoch %d:\n%s", stop, diff)
		}
		l.Checkpoint.Check = func(json.RawMessage) error { return errors.New("it is another one") }
		if _, err := l.Run(t.Context(), rt); err == nil || !strings.Contains(err.Error(), "regression: checkpoint: ") {
			t.Errorf("a checkpoint of another training: %v", err)
		}
	}
}

func TestALoopEndsWithASentenceWhere(t *testing.T) {
	rt := orttest.Runtime(t)
	broken := errors.New("no points")
	for what, test := range map[string]struct {
		change func(l *train.Loop)
		says   string
	}{
		"the loss is not finite": {func(l *train.Loop) { l.Schedule.MaxLR = 1e30 },
			"regression: epoch 1 of 6: the loss is"},
		"inputs cannot be drawn": {func(l *train.Loop) {
			l.Phases[1].Inputs = func(context.Context, int) (ort.Tensors, error) { return nil, broken }
		}, broken.Error()},
		"a score cannot be measured": {func(l *train.Loop) {
			l.ScoreEvery = 2
			l.Score = func(context.Context, map[string][]float32) ([]progress.Figure, error) { return nil, broken }
		}, broken.Error()},
		"the rate cannot be used": {func(l *train.Loop) { l.Schedule.MaxLR = math.Inf(1) }, "regression: epoch 1 of 6: grad: "},
	} {
		l := regression()
		test.change(&l)
		if _, err := l.Run(t.Context(), rt); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", what, err, test.says)
		}
	}
}

func TestACheckpointKeepsTheMembersOfOlderOnes(t *testing.T) {
	g := grad.NewGraph()
	g.Param("w", true, 1)
	c := train.Checkpoint{Path: filepath.Join(t.TempDir(), "c.safetensors"), Training: about{Seed: 3, Epochs: 4}}
	one := map[string][]float32{"w": {1}}
	if err := c.Write(g.Params(), grad.Snapshot{Values: one, M: one, V: one}, train.History{Losses: []float32{.5}}); err != nil {
		t.Fatal(err)
	}
	c.Check = func(found json.RawMessage) error {
		if want := `{"Epochs":4,"Seed":3,"losses":[0.5],"seconds":0}`; string(found) != want {
			t.Errorf("the training is %s, want %s", found, want)
		}
		return nil
	}
	if _, _, err := c.Read(g.Params()); err != nil {
		t.Error(err)
	}
}
