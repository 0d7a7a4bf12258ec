package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
)

// LinksName is the name of the file beside the manifest that lists the files which
// may be symbolic links out of the folder.
const LinksName = "links.json"

// linksFormat is the version of the layout of links.json.
const linksFormat = 1

// links is the content of a links.json.
type links struct {
	Format int      `json:"format"`
	Files  []string `json:"files"` // paths in the folder, with slashes
}

// WriteLinks lets the named files of the folder dir be symbolic links out of it, as
// to the cache of another program. Their content is checked like every other file's.
// Write and Open heed the list, so that it is written first. No names remove
// the list.
func WriteLinks(dir string, names []string) error {
	path := filepath.Join(dir, LinksName)
	if len(names) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("model: %w", err)
		}
		return nil
	}
	for _, name := range names {
		if err := checkPath(name); err != nil {
			return fmt.Errorf("model: %s: %w", path, err)
		}
	}
	list := links{Format: linksFormat, Files: slices.Compact(slices.Sorted(slices.Values(names)))}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	return writeText(vfs.OS{}, path, text)
}

// readLinks returns the files that links.json lists, none where there is no such
// file.
func readLinks(root *os.Root) (map[string]bool, error) {
	file, err := root.Open(LinksName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxManifestBytes))
	if err != nil {
		return nil, err
	}
	return parseLinks(text)
}

func parseLinks(text []byte) (map[string]bool, error) {
	var l links
	if err := decodeStrict(text, &l); err != nil {
		return nil, invalid("not a list of links: %v", err)
	}
	if l.Format != linksFormat {
		return nil, invalid("format is %d, this version reads format %d", l.Format, linksFormat)
	}
	listed := make(map[string]bool, len(l.Files))
	for _, name := range l.Files {
		if err := checkPath(name); err != nil {
			return nil, err
		}
		listed[name] = true
	}
	return listed, nil
}
