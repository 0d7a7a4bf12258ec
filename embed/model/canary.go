package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"engram/data/vfs"
)

// CanaryName is the name of the file beside the manifest that holds the canary.
const CanaryName = "canary.json"

// canaryFormat is the version of the layout of canary.json.
const canaryFormat = 1

// Canary holds vectors that a model gave when it was made, for pictures and texts
// that this program always has (see package clip). A model that gives other vectors
// on another machine does not fit the indexes that were built before. The canary is
// no part of the fingerprint.
type Canary struct {
	Format int `json:"format"`
	// Fingerprint is the model's when the canary was made.
	Fingerprint string  `json:"fingerprint"`
	Machine     Machine `json:"machine"`
	// Images and Texts are unit vectors of D elements, in the order of the pictures
	// and texts. Texts is empty for models without a text graph. A text without a word
	// that the tokenizer knows has an empty vector.
	Images [][]float32 `json:"images"`
	Texts  [][]float32 `json:"texts,omitempty"`
}

// Machine is what a graph ran on.
type Machine struct {
	ONNXRuntime string `json:"onnxruntime"` // version
	OS          string `json:"os"`          // as Go names it
	Arch        string `json:"arch"`        // as Go names it
	CPU         string `json:"cpu"`         // name of the processor, "" where it is not known
	Device      string `json:"device"`      // "cpu" or "cuda:N"
}

// WriteCanary writes the canary of the model in the folder dir.
func WriteCanary(dir string, c Canary) error {
	c.Format = canaryFormat
	path := filepath.Join(dir, CanaryName)
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	return writeText(vfs.OS{}, path, text)
}

// maxCanaryBytes is far above the canary of every known encoder.
const maxCanaryBytes = 16 << 20

// Canary reads the model's canary, nil where it has none.
func (m *Model) Canary() (*Canary, error) {
	path := filepath.Join(m.dir, CanaryName)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCanaryBytes))
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	c, err := parseCanary(text, m.D)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return c, nil
}

// parseCanary decodes a canary of vectors of d elements.
func parseCanary(text []byte, d int) (*Canary, error) {
	var c Canary
	if err := decodeStrict(text, &c); err != nil {
		return nil, invalid("not a canary: %v", err)
	}
	if c.Format != canaryFormat {
		return nil, invalid("format is %d, this version reads format %d", c.Format, canaryFormat)
	}
	for _, part := range []struct {
		name    string
		vectors [][]float32
	}{{"images", c.Images}, {"texts", c.Texts}} {
		for i, v := range part.vectors {
			if len(v) != d && (len(v) != 0 || part.name == "images") {
				return nil, invalid("%s: vector %d has %d elements, wanted %d", part.name, i+1, len(v), d)
			}
		}
	}
	return &c, nil
}
