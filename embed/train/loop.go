package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/embed/grad"
	"engram/embed/ort"
)

// Loop says how a network is trained.
type Loop struct {
	Name   string // begins every error, such as "scan"
	Stage  string // of the progress reports, such as "training"
	Phases []Phase
	Data   ort.Tensors // the Data leaves that the losses have
	Steps  int         // optimiser steps of an epoch

	Optimizer grad.AdamW
	Schedule  OneCycle // over the steps of all epochs
	Session   ort.SessionOptions
	// Initialise fills a parameter's first values; see grad.NewState.
	Initialise func(p *grad.Param, values []float32)

	Checkpoint Checkpoint
	// Score measures the weights after every ScoreEvery epochs but the last; its
	// figures are reported behind the loss. ScoreEvery 0 never measures.
	Score      func(ctx context.Context, values map[string][]float32) ([]progress.Figure, error)
	ScoreEvery int
	// Progress is told of every finished epoch, with its mean loss as the first
	// figure. Before them comes one report without figures.
	Progress progress.Func
}

// Phase is a span of epochs that have one loss. All phases of a Loop train the
// same parameters.
type Phase struct {
	Until int        // epochs of the training that are done when the phase ends
	Loss  *grad.Node // a scalar
	// Inputs draws the Step leaves of an epoch, counted from 0. It is called for
	// one epoch while another one is trained.
	Inputs func(ctx context.Context, epoch int) (ort.Tensors, error)
}

// History says how far a training is.
type History struct {
	Losses  []float32 `json:"losses"`  // mean over the steps of each finished epoch
	Seconds float64   `json:"seconds"` // of all epochs together
}

// Trained is what a training has come to.
type Trained struct {
	History
	Values map[string][]float32 // of every parameter, by its name
}

// LossFigure is the name of the first figure of an epoch's progress report.
const LossFigure = "loss"

// run is one call of Run.
type run struct {
	Loop
	state   *grad.State
	params  []*grad.Param
	history History
	saved   time.Time // when the last checkpoint was written
	ahead   errgroup.Group
	next    ort.Tensors // what ahead draws
}

// Run trains the epochs that the checkpoint does not have yet. A cancelled
// training returns the context's error; its checkpoint stays. An epoch whose
// loss is not finite ends the training with an error.
func (l Loop) Run(ctx context.Context, rt *ort.Runtime) (*Trained, error) {
	r := &run{Loop: l, params: l.Phases[0].Loss.Graph().Params(), saved: time.Now()}
	if err := r.resume(); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		_ = r.ahead.Wait() // its error has been returned, or is the one of cancel
	}()
	r.report(nil)
	r.draw(ctx, len(r.history.Losses))
	for _, p := range l.Phases {
		if len(r.history.Losses) >= p.Until {
			continue
		}
		if err := r.phase(ctx, rt, p); err != nil {
			return nil, err
		}
	}
	return &Trained{History: r.history, Values: r.state.Values()}, nil
}

// resume reads the checkpoint, or begins anew where there is none.
func (r *run) resume() (err error) {
	if r.Checkpoint.Path != "" {
		// A folder that cannot be made is found now and not after an epoch.
		if err := vfs.MkdirAllFS(r.Checkpoint.fileSystem(), filepath.Dir(r.Checkpoint.Path), 0o755); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		r.state, r.history, err = r.Checkpoint.Read(r.params)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r.state = grad.NewState(r.params, r.Initialise)
	return nil
}

// epochs returns the number of epochs of the training.
func (l Loop) epochs() int { return l.Phases[len(l.Phases)-1].Until }

// draw begins to draw the inputs of an epoch, if there is such an epoch.
func (r *run) draw(ctx context.Context, epoch int) {
	for _, p := range r.Phases {
		if epoch < p.Until {
			r.ahead.Go(func() (err error) {
				r.next, err = p.Inputs(ctx, epoch)
				return err
			})
			return
		}
	}
}

// phase trains the epochs of a phase that are not done yet.
func (r *run) phase(ctx context.Context, rt *ort.Runtime, p Phase) error {
	epoch, err := grad.NewEpoch(rt, p.Loss, grad.EpochOptions{Optimizer: r.Optimizer, Session: r.Session})
	if err != nil {
		return err
	}
	defer epoch.Close()
	for len(r.history.Losses) < p.Until {
		if err := r.epoch(ctx, epoch); err != nil {
			return err
		}
	}
	return nil
}

// epoch trains one epoch, keeps the state and reports.
func (r *run) epoch(ctx context.Context, epoch *grad.Epoch) error {
	start, e := time.Now(), len(r.history.Losses)
	if err := r.ahead.Wait(); err != nil {
		return err
	}
	inputs := r.inputs(e)
	r.draw(ctx, e+1)
	losses, err := epoch.Run(ctx, r.state, inputs)
	if err != nil {
		return r.epochError(e, err)
	}
	mean := meanOf(losses)
	if mean-mean != 0 { // NaN or infinite
		return r.epochError(e, fmt.Errorf("the loss is %v; want a lower learning rate than %v", mean, r.Schedule.MaxLR))
	}
	r.history.Losses = append(r.history.Losses, mean)
	r.history.Seconds += time.Since(start).Seconds()
	if err := r.keep(); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	figures := []progress.Figure{{Name: LossFigure, Value: float64(mean)}}
	if done := e + 1; r.ScoreEvery > 0 && done%r.ScoreEvery == 0 && done < r.epochs() {
		scores, err := r.Score(ctx, r.state.Values())
		if err != nil {
			return err
		}
		figures = append(figures, scores...)
	}
	r.report(figures)
	return nil
}

func (r *run) epochError(epoch int, err error) error {
	return fmt.Errorf("%s: epoch %d of %d: %w", r.Name, epoch+1, r.epochs(), err)
}

// inputs adds data and schedule to what was drawn for an epoch.
func (r *run) inputs(epoch int) grad.Inputs {
	in := grad.Inputs{Data: r.Data, Steps: r.next}
	for s := range r.Steps {
		lr, beta1 := r.Schedule.At(epoch*r.Steps + s)
		in.LR, in.Beta1 = append(in.LR, lr), append(in.Beta1, beta1)
	}
	return in
}

// keep writes the checkpoint after the last epoch, and after the others unless
// the one before is recent.
func (r *run) keep() error {
	last := len(r.history.Losses) == r.epochs()
	if r.Checkpoint.Path == "" || !last && time.Since(r.saved) < r.Checkpoint.every() {
		return nil
	}
	if err := r.Checkpoint.Write(r.params, r.state.Snapshot(), r.history); err != nil {
		return err
	}
	r.saved = time.Now()
	return nil
}

func (r *run) report(figures []progress.Figure) {
	r.Progress.Report(progress.Report{
		Stage: r.Stage, Unit: "epochs", Done: int64(len(r.history.Losses)), Total: int64(r.epochs()), Figures: figures,
	})
}

func meanOf(losses []float32) float32 {
	var mean float32
	for _, x := range losses {
		mean += x / float32(len(losses))
	}
	return mean
}
