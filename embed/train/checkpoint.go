// Package checkpoint keeps the state of a training in one file, so that it can
// go on after it was stopped in any way.
package train

import (
	"encoding/json"
	"fmt"
	"strconv"

	"engram/data/safetensors"
	"engram/embed/grad"
)

// Keys of the file's metadata.
const (
	aboutKey = "training"
	stepsKey = "steps"
)

// WriteCheckpoint replaces the file at path, a safetensors file, as a whole: every
// parameter and its moments as tensors "value/NAME", "m/NAME" and "v/NAME",
// and about, which says which training this is and how far it is, as JSON.
func WriteCheckpoint(path string, params []*grad.Param, state grad.Snapshot, about any) error {
	text, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, p := range params {
		for prefix, values := range arrays(state) {
			tensors[prefix+p.Name] = safetensors.Tensor{Shape: p.Shape, Data: values[p.Name]}
		}
	}
	metadata := map[string]string{aboutKey: string(text), stepsKey: strconv.Itoa(state.Steps)}
	if err := safetensors.WriteFile(path, tensors, metadata); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// ReadCheckpoint reads what Write wrote: about is filled in, a pointer, and the state of
// params is returned where resume, which is called in between, says that it is
// the right training. Where there is no file the error wraps fs.ErrNotExist.
func ReadCheckpoint(path string, params []*grad.Param, about any, resume func() error) (*grad.State, error) {
	tensors, metadata, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := json.Unmarshal([]byte(metadata[aboutKey]), about); err != nil {
		return nil, fmt.Errorf("checkpoint: %s has no description of its training: %w", path, err)
	}
	if err := resume(); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	snapshot := grad.Snapshot{Values: map[string][]float32{}, M: map[string][]float32{}, V: map[string][]float32{}}
	if snapshot.Steps, err = strconv.Atoi(metadata[stepsKey]); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	for _, p := range params {
		for prefix, values := range arrays(snapshot) {
			values[p.Name], _ = tensors[prefix+p.Name].Data.([]float32) // Restore finds what is missing
		}
	}
	state, err := grad.Restore(params, snapshot)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return state, nil
}

// arrays names the parts of a snapshot as the file does.
func arrays(s grad.Snapshot) map[string]map[string][]float32 {
	return map[string]map[string][]float32{"value/": s.Values, "m/": s.M, "v/": s.V}
}
