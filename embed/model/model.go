package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/embed/internal/jsonkind"
)

// ErrInvalid reports a manifest that does not describe a model.
var ErrInvalid = errors.New("invalid model")

// ErrChecksum reports a file whose content is not the one that the manifest
// was written for.
var ErrChecksum = errors.New("checksum mismatch")

// maxManifestBytes is far above every manifest with fewer than a thousand
// files.
const maxManifestBytes = 1 << 20

// Model is an opened model: its manifest is valid, and every file had the
// content that it states when Open looked. It holds no open files, and is safe
// for concurrent use as long as nobody writes to the manifest.
type Model struct {
	Manifest
	dir         string
	fingerprint string
}

// Open reads the manifest of the folder dir and checks it and every file. Its
// error is one sentence that names the manifest or the file, and wraps
// ErrInvalid, ErrChecksum or the error of the file system.
func Open(dir string) (*Model, error) { return open(dir, nil) }

// open is Open with a memory of hashes, which may be nil.
func open(dir string, known *Verified) (*Model, error) {
	f, err := openFolder(dir, known)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer f.close()
	m, err := readManifest(f.root)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", filepath.Join(dir, FileName), err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		sum, err := f.checksum(name)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", dir, err)
		}
		if sum != m.Files[name] {
			return nil, fmt.Errorf("model: %s: %s says sha256 %s, the file has %s: %w",
				f.path(name), FileName, m.Files[name], sum, ErrChecksum)
		}
	}
	weights, err := m.weights(f)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	for _, name := range weights {
		if _, ok := m.Files[name]; !ok {
			return nil, fmt.Errorf("model: %s: %w", filepath.Join(dir, FileName), invalid("files: %q has weights of a graph and no checksum", name))
		}
	}
	return &Model{Manifest: *m, dir: dir, fingerprint: m.Fingerprint()}, nil
}

// ReadManifest reads the manifest of the folder dir and validates it. The files are
// not looked at, so that it takes no time; Open checks them.
func ReadManifest(dir string) (*Manifest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer root.Close()
	m, err := readManifest(root)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", filepath.Join(dir, FileName), err)
	}
	return m, nil
}

// Dir returns the folder as it was given to Open.
func (m *Model) Dir() string { return m.dir }

// GraphPath returns the path of the named graph's file, such as "image".
func (m *Model) GraphPath(graph string) string { return m.Path(m.Graphs[graph].File) }

// Path returns the path of a file of the manifest.
func (m *Model) Path(file string) string { return filepath.Join(m.dir, filepath.FromSlash(file)) }

// Fingerprint returns the SHA-256 of the manifest's content, in hexadecimal.
// It does not depend on the layout of the JSON text, the order of its keys or
// the place of the folder, and, through the checksums, changes with every byte
// of every file.
func (m *Model) Fingerprint() string { return m.fingerprint }

// hubSource begins the source of a model that comes from the Hugging Face hub.
const hubSource = "hf:"

// Fingerprint returns the SHA-256 of the compact JSON of m, in hexadecimal. The fields
// are in the order of the struct, the keys of maps sorted, and numbers in their
// shortest form. The licence of a model of the hub counts as empty: the cache of another
// program has the same files and need not have the page that states it.
func (m *Manifest) Fingerprint() string {
	if strings.HasPrefix(m.Source, hubSource) {
		unlicensed := *m
		unlicensed.Licence = ""
		m = &unlicensed
	}
	text, err := json.Marshal(m)
	if err != nil {
		// Only NaN and infinities cannot be marshalled, and JSON has none.
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// readManifest reads and validates the manifest of the folder.
func readManifest(root *os.Root) (*Manifest, error) {
	file, err := root.Open(FileName)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxManifestBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxManifestBytes {
		return nil, invalid("has more than %d bytes", maxManifestBytes)
	}
	return parse(text)
}

// parse decodes a manifest strictly and validates it.
func parse(text []byte) (*Manifest, error) {
	var m Manifest
	if err := decodeStrict(text, &m); err != nil {
		return nil, invalid("not a manifest: %v", err)
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	return &m, nil
}

// decodeStrict decodes one JSON object without unknown fields and with nothing
// after it.
func decodeStrict(text []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return jsonkind.Explain(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the JSON object")
	}
	return nil
}
