package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"engram/data/safetensors"
	"engram/embed/grad"
)

const checkpointFile = "checkpoint.safetensors"

// checkpoint keeps the state of a training in a file: every parameter and its
// moments as tensors "value/NAME", "m/NAME" and "v/NAME", and what else is
// needed to go on, as JSON, in the file's metadata.
type checkpoint struct {
	path   string // "" keeps nothing
	every  time.Duration
	params []*grad.Param
	about  checkpointAbout
	saved  time.Time
}

// checkpointAbout says which training a checkpoint belongs to and how far it is.
type checkpointAbout struct {
	Config Config    `json:"config"`
	Seed   uint64    `json:"seed"`
	Epochs int       `json:"epochs"`
	Batch  int       `json:"batch"`
	LR     float64   `json:"learning_rate"`
	Decay  float64   `json:"weight_decay"`
	Tau    float64   `json:"temperature"`
	Data   string    `json:"data"` // see Data.fingerprint
	Steps  int       `json:"steps"`
	Losses []float32 `json:"losses"`
}

// openCheckpoint returns the state that the folder's checkpoint holds, or start
// where there is none. A checkpoint of another training is refused, so that it
// is not overwritten.
func (t *training) openCheckpoint(c Config, params []*grad.Param, start func() *grad.State) (*checkpoint, *grad.State, error) {
	k := &checkpoint{every: t.opts.CheckpointEvery, params: params, saved: time.Now(), about: checkpointAbout{
		Config: c, Seed: t.opts.Seed, Epochs: t.opts.Epochs, Batch: t.opts.Batch, LR: t.opts.LR,
		Decay: t.opts.WeightDecay, Tau: t.opts.Temperature, Data: t.data,
	}}
	if t.opts.Checkpoint == "" {
		return k, start(), nil
	}
	if err := os.MkdirAll(t.opts.Checkpoint, 0o755); err != nil {
		return nil, nil, fmt.Errorf("scan: checkpoint: %w", err)
	}
	k.path = filepath.Join(t.opts.Checkpoint, checkpointFile)
	tensors, metadata, err := safetensors.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, start(), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("scan: checkpoint: %w", err)
	}
	var about checkpointAbout
	if err := json.Unmarshal([]byte(metadata["training"]), &about); err != nil {
		return nil, nil, fmt.Errorf("scan: checkpoint %s has no description of its training: %w", k.path, err)
	}
	want := k.about
	want.Losses = about.Losses
	want.Steps = len(about.Losses) * (t.voxels.Rows / t.opts.Batch)
	if about.Data != want.Data {
		return nil, nil, fmt.Errorf("scan: checkpoint %s is of a training on other trials or targets; name another folder or delete it", k.path)
	}
	if !reflect.DeepEqual(about, want) {
		return nil, nil, fmt.Errorf("scan: checkpoint %s is of another training (%s with seed %d, %d epochs); name another folder or delete it",
			k.path, about.Config.Preset, about.Seed, about.Epochs)
	}
	snapshot := grad.Snapshot{
		Values: map[string][]float32{}, M: map[string][]float32{}, V: map[string][]float32{}, Steps: about.Steps,
	}
	for _, p := range params {
		for prefix, values := range arrays(snapshot) {
			values[p.Name], _ = tensors[prefix+p.Name].Data.([]float32)
		}
	}
	state, err := grad.Restore(params, snapshot)
	if err != nil {
		return nil, nil, fmt.Errorf("scan: checkpoint %s: %w", k.path, err)
	}
	t.losses = about.Losses
	return k, state, nil
}

// arrays names the parts of a snapshot as a checkpoint does.
func arrays(s grad.Snapshot) map[string]map[string][]float32 {
	return map[string]map[string][]float32{"value/": s.Values, "m/": s.M, "v/": s.V}
}

// save writes the state after the epochs that losses has, unless the last one
// that was written is recent.
func (k *checkpoint) save(state *grad.State, losses []float32, epochs int) error {
	if k.path == "" || len(losses) < epochs && time.Since(k.saved) < k.every {
		return nil
	}
	snapshot := state.Snapshot()
	k.about.Steps, k.about.Losses = snapshot.Steps, losses
	tensors := map[string]safetensors.Tensor{}
	for _, p := range k.params {
		for prefix, values := range arrays(snapshot) {
			tensors[prefix+p.Name] = safetensors.Tensor{Shape: p.Shape, Data: values[p.Name]}
		}
	}
	about, err := json.Marshal(k.about)
	if err != nil {
		return err
	}
	if err := safetensors.WriteFile(k.path, tensors, map[string]string{"training": string(about)}); err != nil {
		return fmt.Errorf("scan: checkpoint: %w", err)
	}
	k.saved = time.Now()
	return nil
}
