package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"engram/embed/train"
)

const checkpointFile = "checkpoint.safetensors"

// checkpointed says which training a checkpoint belongs to.
type checkpointed struct {
	Config savedConfig `json:"config"`
	Seed   uint64      `json:"seed"`
	Epochs int         `json:"epochs"`
	Batch  int         `json:"batch"`
	LR     float64     `json:"learning_rate"`
	Decay  float64     `json:"weight_decay"`
	Tau    float64     `json:"temperature"`
	Data   string      `json:"data"` // see Data.Fingerprint
}

// checkpoint returns the checkpoint of a training of c, which keeps nothing
// where the options name no folder.
func (t *training) checkpoint(c Config) train.Checkpoint {
	if t.opts.Checkpoint == "" {
		return train.Checkpoint{}
	}
	this := checkpointed{
		Config: c.saved(), Seed: t.opts.Seed, Epochs: t.opts.Epochs, Batch: t.opts.Batch, LR: t.opts.LR,
		Decay: t.opts.WeightDecay, Tau: t.opts.Temperature, Data: t.source.Fingerprint(),
	}
	return train.Checkpoint{
		Path: filepath.Join(t.opts.Checkpoint, checkpointFile), Every: t.opts.CheckpointEvery, Training: this, Check: this.check,
	}
}

// check refuses the checkpoint of another training.
func (c checkpointed) check(description json.RawMessage) error {
	var found checkpointed
	if err := json.Unmarshal(description, &found); err != nil {
		return err
	}
	if found.Data != c.Data {
		return errors.New("it is of a training on other trials or targets; name another folder or delete it")
	}
	if found != c {
		return fmt.Errorf("it is of another training (%s with seed %d, %d epochs); name another folder or delete it",
			found.Config.Preset, found.Seed, found.Epochs)
	}
	return nil
}
