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

// openCheckpoint fills state from the folder's checkpoint where there is one.
// One of another training is refused, so that it is not overwritten.
func (t *training) openCheckpoint(c Config, state *grad.State, params []*grad.Param) (*checkpoint, error) {
	k := &checkpoint{every: t.opts.CheckpointEvery, params: params, saved: time.Now(), about: checkpointAbout{
		Config: c, Seed: t.opts.Seed, Epochs: t.opts.Epochs, Batch: t.opts.Batch, LR: t.opts.LR,
		Decay: t.opts.WeightDecay, Tau: t.opts.Temperature, Data: t.data,
	}}
	if t.opts.Checkpoint == "" {
		return k, nil
	}
	if err := os.MkdirAll(t.opts.Checkpoint, 0o755); err != nil {
		return nil, fmt.Errorf("scan: checkpoint: %w", err)
	}
	k.path = filepath.Join(t.opts.Checkpoint, checkpointFile)
	tensors, metadata, err := safetensors.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("scan: checkpoint: %w", err)
	}
	var about checkpointAbout
	if err := json.Unmarshal([]byte(metadata["training"]), &about); err != nil {
		return nil, fmt.Errorf("scan: checkpoint %s has no description of its training: %w", k.path, err)
	}
	want := k.about
	want.Losses = about.Losses
	want.Steps = len(about.Losses) * (t.voxels.Rows / t.opts.Batch)
	if about.Data != want.Data {
		return nil, fmt.Errorf("scan: checkpoint %s is of a training on other trials or targets; name another folder or delete it", k.path)
	}
	if !reflect.DeepEqual(about, want) {
		return nil, fmt.Errorf("scan: checkpoint %s is of another training (%s with seed %d, %d epochs); name another folder or delete it",
			k.path, about.Config.Preset, about.Seed, about.Epochs)
	}
	for _, p := range params {
		for prefix, values := range arrays(state) {
			data, ok := tensors[prefix+p.Name].Data.([]float32)
			if !ok || len(data) != p.Size() {
				return nil, fmt.Errorf("scan: checkpoint %s: wanted %d float32 values of %s, found %d", k.path, p.Size(), prefix+p.Name, len(data))
			}
			values[p.Name] = data
		}
	}
	state.Steps, t.losses = about.Steps, about.Losses
	return k, nil
}

// arrays names the parts of a state as a checkpoint does.
func arrays(s *grad.State) map[string]map[string][]float32 {
	return map[string]map[string][]float32{"value/": s.Values, "m/": s.M, "v/": s.V}
}

// save writes the state after the epochs that losses has, unless the last one
// that was written is recent.
func (k *checkpoint) save(state *grad.State, losses []float32, epochs int) error {
	if k.path == "" || len(losses) < epochs && time.Since(k.saved) < k.every {
		return nil
	}
	k.about.Steps, k.about.Losses = state.Steps, losses
	tensors := map[string]safetensors.Tensor{}
	for _, p := range k.params {
		for prefix, values := range arrays(state) {
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
