package pretrain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"engram/embed/bundle"
	"engram/embed/grad"
	"engram/embed/ort"
	"engram/embed/scan"
	"engram/embed/train"
)

// network is one of the models in training.
type network interface {
	// loss builds the training graph of one batch and returns its loss, a scalar.
	loss(n *net, batch int) *grad.Node
	// feed makes the Step inputs of an epoch from the seed and the epoch alone.
	feed(ctx context.Context, epoch int) (ort.Tensors, error)
	// models returns the model files to serve, by their names.
	models(values map[string][]float32) (map[string][]byte, error)
	// score measures models on held-out scenes; the last time on more of them.
	score(ctx context.Context, models map[string][]byte, last bool) ([]Score, error)
	// manifest describes the bundle in dir, where the models are, and writes what
	// else belongs there.
	manifest(dir string) (bundle.Manifest, error)
}

// training is one run of a network's training.
type training struct {
	rt    *ort.Runtime
	opts  Options
	net   network
	about about     // which training, and how far it is
	saved time.Time // when the last checkpoint was
}

// about is what a checkpoint says of its training.
type about struct {
	Model   Model     `json:"model"`
	Shape   string    `json:"shape"` // all sizes, as JSON
	Recipe  Recipe    `json:"recipe"`
	Seed    uint64    `json:"seed"`
	World   string    `json:"world"`   // see worldFingerprint
	Depends []string  `json:"depends"` // fingerprints of the bundles that the model is trained on
	Losses  []float32 `json:"losses"`  // of the epochs so far
	Seconds float64   `json:"seconds"`
}

// run trains all epochs that are not done yet and returns the weights.
func (t *training) run(ctx context.Context) (map[string][]float32, error) {
	n := newNet()
	epoch, err := grad.NewEpoch(t.rt, t.net.loss(n, t.about.Recipe.Batch), grad.EpochOptions{
		Optimizer: grad.AdamW{Beta2: beta2, WeightDecay: t.about.Recipe.WeightDecay}, Session: t.opts.Session,
	})
	if err != nil {
		return nil, err
	}
	defer epoch.Close()
	state, err := t.resume(n)
	if err != nil {
		return nil, err
	}
	var next ort.Tensors
	var ahead errgroup.Group // draws one epoch while another is trained
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		_ = ahead.Wait() // an error of it has been seen, or is that of cancel
	}()
	draw := func(e int) {
		if e == t.about.Recipe.Epochs {
			return
		}
		ahead.Go(func() (err error) {
			next, err = t.net.feed(ctx, e)
			return err
		})
	}
	first := len(t.about.Losses)
	draw(first)
	for e := first; e < t.about.Recipe.Epochs; e++ {
		start := time.Now()
		if err := ahead.Wait(); err != nil {
			return nil, err
		}
		inputs := t.inputs(e, next)
		draw(e + 1)
		losses, _, err := epoch.Run(ctx, state, inputs)
		if err != nil {
			return nil, fmt.Errorf("pretrain: %s: epoch %d of %d: %w", t.about.Model, e+1, t.about.Recipe.Epochs, err)
		}
		if err := t.finished(ctx, state, n, losses, start); err != nil {
			return nil, err
		}
	}
	return state.Snapshot().Values, nil
}

// inputs adds the schedule to an epoch's Step inputs.
func (t *training) inputs(epoch int, steps ort.Tensors) grad.Inputs {
	in := grad.Inputs{Steps: steps}
	schedule := scan.NewOneCycle(t.about.Recipe.LR, t.about.Recipe.Steps*t.about.Recipe.Epochs, warmUp)
	for s := range t.about.Recipe.Steps {
		lr, beta1 := schedule.At(epoch*t.about.Recipe.Steps + s)
		in.LR, in.Beta1 = append(in.LR, lr), append(in.Beta1, beta1)
	}
	return in
}

// finished keeps and reports an epoch.
func (t *training) finished(ctx context.Context, state *grad.State, n *net, losses []float32, start time.Time) error {
	var mean float32
	for _, x := range losses {
		mean += x / float32(len(losses))
	}
	if mean-mean != 0 {
		return fmt.Errorf("pretrain: %s: epoch %d of %d: the loss is %v; want a lower learning rate than %v",
			t.about.Model, len(t.about.Losses)+1, t.about.Recipe.Epochs, mean, t.about.Recipe.LR)
	}
	t.about.Losses = append(t.about.Losses, mean)
	t.about.Seconds += time.Since(start).Seconds()
	done := len(t.about.Losses)
	last := done == t.about.Recipe.Epochs
	if t.opts.Checkpoint != "" && (last || t.opts.checkpointAlways || time.Since(t.saved) > checkpointEvery) {
		if err := train.WriteCheckpoint(t.checkpoint(), n.graph.Params(), state.Snapshot(), t.about); err != nil {
			return fmt.Errorf("pretrain: %w", err)
		}
		t.saved = time.Now()
	}
	progress := Progress{Model: t.about.Model, Epoch: done, Epochs: t.about.Recipe.Epochs, Loss: mean}
	if t.opts.ScoreEvery > 0 && done%t.opts.ScoreEvery == 0 && !last {
		models, err := t.net.models(state.Snapshot().Values)
		if err != nil {
			return err
		}
		if progress.Scores, err = t.net.score(ctx, models, false); err != nil {
			return err
		}
	}
	if t.opts.Progress != nil {
		t.opts.Progress(progress)
	}
	return nil
}

// checkpoint returns the path of the model's checkpoint.
func (t *training) checkpoint() string {
	return filepath.Join(t.opts.Checkpoint, string(t.about.Model)+".safetensors")
}

// resume returns the state that the checkpoint holds, or a new one where there
// is none. A checkpoint of another training is refused, so that it is not
// overwritten.
func (t *training) resume(n *net) (*grad.State, error) {
	params := n.graph.Params()
	start := func() *grad.State { return grad.NewState(params, n.initialise(t.opts.Seed)) }
	if t.opts.Checkpoint == "" {
		return start(), nil
	}
	if err := os.MkdirAll(t.opts.Checkpoint, 0o755); err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	t.saved = time.Now()
	var found about
	state, err := train.ReadCheckpoint(t.checkpoint(), params, &found, func() error {
		if !found.same(t.about) {
			return fmt.Errorf("it is of another training or of another version's scenes (%s with seed %d and recipe %+v); name another folder or delete it",
				found.Model, found.Seed, found.Recipe)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return start(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	t.about = found
	return state, nil
}
