package model

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"engram/embed/internal/message"
	"engram/embed/onnx"
)

// weights returns the files of the folder in which the models keep weights
// (external data). A file that is missing or lies outside the folder is an error.
func (m *Manifest) weights(f *folder) ([]string, error) {
	var all []string
	for _, graph := range m.Graphs {
		names, err := external(f, graph.File)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", graph.File, err)
		}
		for _, name := range names {
			file := path.Join(path.Dir(graph.File), name)
			if path.IsAbs(name) || checkPath(file) != nil {
				return nil, invalid("%s keeps weights in %q, wanted a file in its own folder", graph.File, name)
			}
			if _, err := f.stat(file); errors.Is(err, fs.ErrNotExist) {
				return nil, invalid("%s keeps weights in %q, which is not there", graph.File, name)
			} else if err != nil {
				return nil, err
			}
			all = append(all, file)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// external returns what an ONNX file says of files with its weights. A file that is
// no ONNX has none; who opens it is told so.
func external(f *folder, name string) ([]string, error) {
	if err := checkPath(name); err != nil {
		return nil, err
	}
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	names, err := onnx.External(file, info.Size())
	if errors.Is(err, message.ErrWire) {
		return nil, nil
	}
	return names, err
}

// CheckGraph refuses an ONNX file that keeps weights in a file that is missing or
// lies outside its folder.
func CheckGraph(file string) error {
	f, err := openFolder(filepath.Dir(file), nil)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	defer f.close()
	m := Manifest{Graphs: map[string]Graph{"": {File: filepath.Base(file)}}}
	if _, err := m.weights(f); err != nil {
		return fmt.Errorf("model: %s: %w", filepath.Dir(file), err)
	}
	return nil
}
