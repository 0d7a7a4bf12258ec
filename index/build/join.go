package build

import (
	"fmt"
	"io"
	"path/filepath"
)

// CheckParts makes sure that manifests are those of all parts of one source,
// each built to its end, and of nothing twice. The error says which is not.
func CheckParts(parts []*Manifest) error {
	owner := make([]string, len(parts)+1) // of each part
	shards := map[string]string{}
	for _, m := range parts {
		dir := filepath.Dir(m.file.Name())
		e, first := m.end, parts[0].end
		switch {
		case e == nil:
			return fmt.Errorf("build: %s was not built to its end: build it again", dir)
		case e.Part.Of == 0:
			return fmt.Errorf("build: %s is a whole index and no part of one", dir)
		case e.Part.Of != len(parts):
			return fmt.Errorf("build: %s is part %s, and there are %d to join", dir, e.Part, len(parts))
		case owner[e.Part.Number] != "":
			return fmt.Errorf("build: %s and %s are both part %s", owner[e.Part.Number], dir, e.Part)
		case e.List != first.List:
			return fmt.Errorf("build: %s was built from other shards than %s, or from the same before they changed: build it again",
				dir, filepath.Dir(parts[0].file.Name()))
		}
		owner[e.Part.Number] = dir
		for name, s := range m.shards {
			switch {
			case !s.Done:
				return fmt.Errorf("build: shard %s of %s is not finished: build it again", name, dir)
			case shards[name] != "":
				return fmt.Errorf("build: shard %s is in %s and in %s: build the latter again with --prune", name, shards[name], dir)
			}
			shards[name] = dir
		}
	}
	if want := parts[0].end.Shards; len(shards) != want {
		return fmt.Errorf("build: the parts have %d shards, the source has %d: build them again with --prune", len(shards), want)
	}
	return nil
}

// Finished reports whether m is that of a build that came to its end.
func (m *Manifest) Finished() bool { return m.end != nil }

// Join makes m, which is that of no finished build, say what the manifests of
// all parts say together. They have passed CheckParts, and their rows are in the
// store.
func (m *Manifest) Join(parts []*Manifest) error {
	if m.Finished() {
		return fmt.Errorf("build: %s is that of a finished build", m.file.Name())
	}
	m.shards = map[string]*state{}
	if err := m.file.Truncate(0); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	var lines []line
	for _, part := range parts {
		err := part.each(func(l line) error {
			if l.Shard != nil {
				lines = append(lines, l)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	whole := *parts[0].end
	whole.Part = Part{}
	if err := m.append(append(lines, line{End: &whole})...); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
