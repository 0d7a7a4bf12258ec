package webdataset

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"engram/data/pattern"
)

// Shard is one tar of a data set. Size and Modified tell whether it has changed.
type Shard struct {
	Path     string
	Size     int64 // bytes
	Modified time.Time
}

// suffixes are the names of tars.
var suffixes = []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"}

// stem returns a shard's path without the suffix.
func stem(path string) string {
	for _, suffix := range suffixes {
		if base, found := strings.CutSuffix(path, suffix); found && filepath.Base(path) != suffix {
			return base
		}
	}
	return path
}

// IsTar tells whether a file is called as a tar is: its name ends in .tar,
// .tar.gz, .tgz, .tar.zst or .tzst.
func IsTar(name string) bool { return stem(name) != name }

// StatsPath returns where img2dataset puts the shard's stats: 00042_stats.json
// beside 00042.tar.
func (s Shard) StatsPath() string { return stem(s.Path) + "_stats.json" }

// List returns the shards at where, a folder or a pattern. A folder gives its own
// tars (.tar, .tar.gz, .tgz, .tar.zst, .tzst), not the tars of folders inside, in
// the order of pattern.Compare. A pattern gives its files in its own order (see
// pattern.Paths), whatever their names are. A folder without tars is an error,
// fs.ErrNotExist.
func List(where string) ([]Shard, error) {
	paths, err := shardPaths(where)
	if err != nil {
		return nil, fmt.Errorf("webdataset: %w", err)
	}
	shards := make([]Shard, 0, len(paths))
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s: wanted a tar, found %s", path, info.Mode().Type())
		}
		if err != nil {
			return nil, fmt.Errorf("webdataset: %w", err)
		}
		shards = append(shards, Shard{Path: path, Size: info.Size(), Modified: info.ModTime()})
	}
	return shards, nil
}

func shardPaths(where string) ([]string, error) {
	if info, err := os.Stat(where); err != nil || !info.IsDir() {
		return pattern.Paths(where)
	}
	entries, err := os.ReadDir(where)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		name := entry.Name()
		if IsTar(name) && !strings.HasPrefix(name, ".") && !entry.IsDir() {
			paths = append(paths, filepath.Join(where, name))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: wanted tars, found none among %d files: %w", where, len(entries), fs.ErrNotExist)
	}
	slices.SortFunc(paths, pattern.Compare)
	return paths, nil
}
