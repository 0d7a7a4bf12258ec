package train

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"engram/data/safetensors"
	"engram/data/vfs"
	"engram/embed/grad"
)

// Keys of the file's metadata, see FORMAT.md.
const (
	trainingKey = "training"
	stepsKey    = "steps"
)

// checkpointEvery is the least time between two checkpoints by default.
const checkpointEvery = 20 * time.Second

// Checkpoint is the file that keeps the state of a training, so that it goes on
// after it was stopped in any way.
type Checkpoint struct {
	Path  string        // of the file; Run makes its folder; "" keeps none
	Every time.Duration // the least time between two, 0 for 20 seconds; the last epoch is always kept
	// Training says which training this is: anything that is a JSON object
	// without the members losses and seconds.
	Training any
	// Check refuses the checkpoint of another training, so that it is not
	// overwritten. found is what its Training was; other members are to be
	// ignored. nil accepts every one.
	Check func(found json.RawMessage) error

	fsys vfs.FS // of the file; nil means vfs.OS
}

func (c Checkpoint) fileSystem() vfs.FS {
	if c.fsys == nil {
		return vfs.OS{}
	}
	return c.fsys
}

func (c Checkpoint) every() time.Duration {
	if c.Every == 0 {
		return checkpointEvery
	}
	return c.Every
}

// Write replaces the file as a whole by the state of params and how far the
// training is.
func (c Checkpoint) Write(params []*grad.Param, state grad.Snapshot, history History) error {
	description, err := describe(c.Training, history)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, p := range params {
		for prefix, values := range arrays(state) {
			tensors[prefix+p.Name] = safetensors.Tensor{Shape: p.Shape, Data: values[p.Name]}
		}
	}
	metadata := map[string]string{trainingKey: string(description), stepsKey: strconv.Itoa(state.Steps)}
	if err := safetensors.WriteFile(c.fileSystem(), c.Path, tensors, metadata); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// describe returns the JSON object of a training with its history as members.
func describe(training any, history History) ([]byte, error) {
	members := map[string]json.RawMessage{}
	for _, part := range []any{training, history} {
		text, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

// Read returns the state of params that Write kept, and how far the training is.
// Where there is no file the error wraps fs.ErrNotExist.
func (c Checkpoint) Read(params []*grad.Param) (*grad.State, History, error) {
	state, history, err := c.read(params)
	if err != nil {
		return nil, History{}, fmt.Errorf("checkpoint: %w", err)
	}
	return state, history, nil
}

func (c Checkpoint) read(params []*grad.Param) (*grad.State, History, error) {
	var history History
	tensors, metadata, err := safetensors.ReadFile(c.Path)
	if err != nil {
		return nil, history, err
	}
	if err := json.Unmarshal([]byte(metadata[trainingKey]), &history); err != nil {
		return nil, history, fmt.Errorf("%s has no description of its training: %w", c.Path, err)
	}
	if c.Check != nil {
		if err := c.Check(json.RawMessage(metadata[trainingKey])); err != nil {
			return nil, history, fmt.Errorf("%s: %w", c.Path, err)
		}
	}
	snapshot := grad.Snapshot{Values: map[string][]float32{}, M: map[string][]float32{}, V: map[string][]float32{}}
	if snapshot.Steps, err = strconv.Atoi(metadata[stepsKey]); err != nil {
		return nil, history, fmt.Errorf("%s: %w", c.Path, err)
	}
	for _, p := range params {
		for prefix, values := range arrays(snapshot) {
			values[p.Name], _ = tensors[prefix+p.Name].Data.([]float32) // Restore finds what is missing
		}
	}
	state, err := grad.Restore(params, snapshot)
	if err != nil {
		return nil, history, fmt.Errorf("%s: %w", c.Path, err)
	}
	return state, history, nil
}

// arrays names the parts of a snapshot as the file does.
func arrays(s grad.Snapshot) map[string]map[string][]float32 {
	return map[string]map[string][]float32{"value/": s.Values, "m/": s.M, "v/": s.V}
}
