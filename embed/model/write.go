package model

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
)

// Write computes the checksum of every file that m names, validates m and
// writes the manifest of the folder dir, in which the files lie already. Keys
// of m.Files add files that no model names, such as a licence or external
// weights; their values, and m.Format where it is 0, are filled in. A manifest
// that was there is replaced, and kept as it was where Write fails.
func Write(dir string, m Manifest) (*Model, error) { return WriteFS(vfs.OS{}, dir, m) }

// WriteFS is Write on a file system.
func WriteFS(fsys vfs.FS, dir string, m Manifest) (*Model, error) {
	if err := m.fillIn(dir); err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	text, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	if err := writeText(fsys, filepath.Join(dir, FileName), text); err != nil {
		return nil, err
	}
	return &Model{Manifest: m, dir: dir, fingerprint: m.Fingerprint()}, nil
}

// WriteGraph writes a model of one graph into the folder dir, in place of what is there:
// first the graph as file, which m names, and the manifest last.
func WriteGraph(dir, file string, graph []byte, m Manifest) error {
	err := vfs.RemoveAllFS(vfs.OS{}, dir)
	if err == nil {
		err = vfs.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = vfs.WriteFile(filepath.Join(dir, file), func(w io.Writer) error {
			_, err := w.Write(graph)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	_, err = Write(dir, m)
	return err
}

// writeText writes a file of one text and a line break, as a whole.
func writeText(fsys vfs.FS, path string, text []byte) error {
	err := vfs.WriteFileFS(fsys, path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// Wrap makes a model of one bare ONNX file: it creates the folder dir if need
// be, copies the file graph there under its own name, and writes the manifest
// m, in which every graph gets that file. Files in which it keeps weights
// (external data) come along under their own names. m.Files is ignored. A manifest
// that is not valid, and a file of weights that is missing or lies outside the
// folder of graph, are refused before anything is copied.
func Wrap(dir, graph string, m Manifest) (*Model, error) {
	name := filepath.Base(graph)
	graphs := make(map[string]Graph, len(m.Graphs))
	for role, tensors := range m.Graphs {
		tensors.File = name
		graphs[role] = tensors
	}
	m.Graphs, m.Files = graphs, nil
	if err := m.fillIn(filepath.Dir(graph)); err != nil {
		return nil, fmt.Errorf("model: %s: %w", graph, err)
	}
	if err := vfs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for _, file := range slices.Sorted(maps.Keys(m.Files)) {
		if err := copyFile(dir, filepath.Dir(graph), file); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	return Write(dir, m)
}

// copyFile copies a file of a manifest from one folder to another.
func copyFile(to, from, name string) error {
	path := filepath.Join(to, filepath.FromSlash(name))
	if err := vfs.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(from, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer in.Close()
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// fillIn computes the checksums of a folder's files and validates m.
func (m *Manifest) fillIn(dir string) error {
	if m.Format == 0 {
		m.Format = Format
	}
	f, err := openFolder(dir, nil)
	if err != nil {
		return err
	}
	defer f.close()
	names := slices.AppendSeq(m.namedFiles(), maps.Keys(m.Files))
	weights, err := m.weights(f)
	if err != nil {
		return err
	}
	names = append(names, weights...)
	m.Files = make(map[string]string, len(names))
	for _, name := range names {
		if err := checkPath(name); err != nil {
			return err
		}
		if m.Files[name], err = f.checksum(name); err != nil {
			return err
		}
	}
	return m.validate()
}
