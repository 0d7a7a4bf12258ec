package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"engram/data/atomicfile"
	"engram/index"
)

// originName is the file of an Origin in the folder of its index.
const originName = "origin.json"

// Origin says where an index came from, so that its images can be shown and
// its model can be opened again.
type Origin struct {
	// Source is the Base of the source it was built from.
	Source string `json:"source,omitempty"`
	Root   string `json:"root"`   // absolute path of the folder that "path" in payloads is relative to, "" where the images are in no files of their own
	Bundle string `json:"bundle"` // absolute path of the bundle's folder, which may have moved since
}

// WriteOrigin keeps o in the folder dir of an index, in place of the one there.
func WriteOrigin(dir string, o Origin) error {
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	err = atomicfile.Write(filepath.Join(dir, originName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// ReadOrigin returns the origin of the index in the folder dir: the zero
// Origin where none is recorded, and index.ErrCorrupt where it cannot be read.
func ReadOrigin(dir string) (Origin, error) {
	path := filepath.Join(dir, originName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Origin{}, nil
	}
	if err != nil {
		return Origin{}, fmt.Errorf("build: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var o Origin
	if err := dec.Decode(&o); err != nil {
		return Origin{}, fmt.Errorf("build: %s: %w: %w", path, err, index.ErrCorrupt)
	}
	return o, nil
}
