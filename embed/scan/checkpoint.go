package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"engram/embed/grad"
	"engram/embed/train"
)

const checkpointFile = "checkpoint.safetensors"

// keeper keeps the state of a training in a file.
type keeper struct {
	path   string // "" keeps nothing
	every  time.Duration
	params []*grad.Param
	about  checkpointAbout
	saved  time.Time
}

// checkpointAbout says which training a checkpoint belongs to and how far it is.
type checkpointAbout struct {
	Config savedConfig `json:"config"`
	Seed   uint64      `json:"seed"`
	Epochs int         `json:"epochs"`
	Batch  int         `json:"batch"`
	LR     float64     `json:"learning_rate"`
	Decay  float64     `json:"weight_decay"`
	Tau    float64     `json:"temperature"`
	Data   string      `json:"data"` // see Data.fingerprint
	Losses []float32   `json:"losses"`
}

// openCheckpoint returns the state that the folder's checkpoint holds, or start
// where there is none. A checkpoint of another training is refused, so that it
// is not overwritten.
func (t *training) openCheckpoint(c Config, params []*grad.Param, start func() *grad.State) (*keeper, *grad.State, error) {
	k := &keeper{every: t.opts.CheckpointEvery, params: params, saved: time.Now(), about: checkpointAbout{
		Config: c.saved(), Seed: t.opts.Seed, Epochs: t.opts.Epochs, Batch: t.opts.Batch, LR: t.opts.LR,
		Decay: t.opts.WeightDecay, Tau: t.opts.Temperature, Data: t.data,
	}}
	if t.opts.Checkpoint == "" {
		return k, start(), nil
	}
	if err := os.MkdirAll(t.opts.Checkpoint, 0o755); err != nil {
		return nil, nil, fmt.Errorf("scan: checkpoint: %w", err)
	}
	k.path = filepath.Join(t.opts.Checkpoint, checkpointFile)
	var found checkpointAbout
	state, err := train.ReadCheckpoint(k.path, params, &found, func() error { return k.about.sameTraining(found) })
	if errors.Is(err, fs.ErrNotExist) {
		return k, start(), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("scan: %w", err)
	}
	t.losses = found.Losses
	return k, state, nil
}

// sameTraining refuses the checkpoint of another training.
func (a checkpointAbout) sameTraining(found checkpointAbout) error {
	a.Losses = found.Losses
	if found.Data != a.Data {
		return errors.New("it is of a training on other trials or targets; name another folder or delete it")
	}
	if !reflect.DeepEqual(found, a) {
		return fmt.Errorf("it is of another training (%s with seed %d, %d epochs); name another folder or delete it",
			found.Config.Preset, found.Seed, found.Epochs)
	}
	return nil
}

// save writes the state after the epochs that losses has, unless the last one
// that was written is recent.
func (k *keeper) save(state *grad.State, losses []float32, epochs int) error {
	if k.path == "" || len(losses) < epochs && time.Since(k.saved) < k.every {
		return nil
	}
	k.about.Losses = losses
	if err := train.WriteCheckpoint(k.path, k.params, state.Snapshot(), k.about); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	k.saved = time.Now()
	return nil
}
