package pretrain

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"engram/data/progress"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/ort"
	"engram/embed/train"
)

// network is one of the models in training.
type network interface {
	// loss builds the training graph of one batch and returns its loss, a scalar.
	loss(n *nn.Net, batch int) *grad.Node
	// inputs makes the Step inputs of an epoch from the seed and the epoch alone.
	inputs(ctx context.Context, epoch int) (ort.Tensors, error)
	// export returns the model files to serve, by their names.
	export(values map[string][]float32) (map[string][]byte, error)
	// score measures models on held-out scenes; the last time on more of them.
	score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error)
	// manifest describes the model in dir, where the models are, and writes what
	// else belongs there.
	manifest(dir string) (model.Manifest, error)
}

// training is one run of a network's training.
type training struct {
	rt    *ort.Runtime
	opts  Options
	net   network
	about about
	from  map[string][]float32 // what parameters begin with that a model before had, by their names
	begun string               // fingerprint of that model, where the card is to tell it
}

// about says which training a checkpoint belongs to.
type about struct {
	Model   Model    `json:"model"`
	Shape   string   `json:"shape"` // all sizes, as JSON
	Recipe  Recipe   `json:"recipe"`
	Seed    uint64   `json:"seed"`
	World   string   `json:"world"`   // see worldFingerprint
	Depends []string `json:"depends"` // fingerprints of the models that the model is trained on
}

// same reports whether two checkpoints are of one training.
func (a about) same(b about) bool {
	return a.Model == b.Model && a.Shape == b.Shape && a.Recipe == b.Recipe && a.Seed == b.Seed &&
		a.World == b.World && slices.Equal(a.Depends, b.Depends)
}

// check refuses the checkpoint of another training.
func (a about) check(description json.RawMessage) error {
	var found about
	if err := json.Unmarshal(description, &found); err != nil {
		return err
	}
	if !found.same(a) {
		return fmt.Errorf("it is of another training or of another version's scenes (%s with seed %d and recipe %+v); name another folder or delete it",
			found.Model, found.Seed, found.Recipe)
	}
	return nil
}

// run trains all epochs that are not done yet.
func (t *training) run(ctx context.Context) (*train.Trained, error) {
	n, recipe := newNet(), t.about.Recipe
	return train.Loop{
		Name: "pretrain: " + string(t.about.Model), Stage: string(t.about.Model), Steps: recipe.Steps,
		Phases:     []train.Phase{{Until: recipe.Epochs, Loss: t.net.loss(n, recipe.Batch), Inputs: t.net.inputs}},
		Optimizer:  grad.AdamW{Beta2: beta2, WeightDecay: recipe.WeightDecay},
		Schedule:   train.NewOneCycle(recipe.LR, recipe.Steps*recipe.Epochs, warmUp),
		Session:    t.opts.Session,
		Initialise: t.initialise(n),
		Checkpoint: t.checkpoint(),
		Score:      t.scoreWeights, ScoreEvery: t.opts.ScoreEvery,
		Progress: t.opts.Progress,
	}.Run(ctx, t.rt)
}

// initialise fills a parameter's first values: the ones of the model before, where it has some.
func (t *training) initialise(n *nn.Net) func(*grad.Param, []float32) {
	byName := n.InitialiseByName(t.opts.Seed)
	return func(p *grad.Param, values []float32) {
		if from, ok := t.from[p.Name]; ok && len(from) == len(values) {
			copy(values, from)
			return
		}
		byName(p, values)
	}
}

// scoreWeights measures weights in the midst of their training.
func (t *training) scoreWeights(ctx context.Context, values map[string][]float32) ([]progress.Figure, error) {
	models, err := t.net.export(values)
	if err != nil {
		return nil, err
	}
	return t.net.score(ctx, models, false)
}

// checkpoint returns the checkpoint of the training, which keeps nothing where
// the options name no folder.
func (t *training) checkpoint() train.Checkpoint {
	if t.opts.Checkpoint == "" {
		return train.Checkpoint{}
	}
	return train.Checkpoint{
		Path:  filepath.Join(t.opts.Checkpoint, string(t.about.Model)+".safetensors"),
		Every: t.opts.checkpointEvery, Training: t.about, Check: t.about.check,
	}
}
