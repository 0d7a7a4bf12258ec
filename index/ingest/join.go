package ingest

import (
	"fmt"
	"path/filepath"
)

// CheckParts makes sure that ledgers record all parts of one source, each built to
// its end, and no shard twice. The error says what is wrong with which.
func CheckParts(parts []*Ledger) error {
	folders := make([]string, len(parts)+1) // by number of the part
	shards := map[string]string{}           // folder by name of the shard
	for _, l := range parts {
		dir := filepath.Dir(l.file.Name())
		own, first := l.end, parts[0].end
		switch {
		case own == nil:
			return fmt.Errorf("build: %s was not built to its end: build it again", dir)
		case own.Part.Of == 0:
			return fmt.Errorf("build: %s is a whole index and no part of one", dir)
		case own.Part.Of != len(parts):
			return fmt.Errorf("build: %s is part %s, and there are %d to join", dir, own.Part, len(parts))
		case folders[own.Part.Number] != "":
			return fmt.Errorf("build: %s and %s are both part %s", folders[own.Part.Number], dir, own.Part)
		case own.List != first.List:
			return fmt.Errorf("build: %s was built from other shards than %s, or from the same before they changed: build it again",
				dir, filepath.Dir(parts[0].file.Name()))
		}
		folders[own.Part.Number] = dir
		for name, s := range l.shards {
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

// Finished reports whether a build has come to its end.
func (l *Ledger) Finished() bool { return l.end != nil }

// Join makes the ledger, which records no finished build, say what the ledgers of
// all parts say together. The parts have passed CheckParts, and their rows are in
// the store.
func (l *Ledger) Join(parts []*Ledger) error {
	if l.Finished() {
		return fmt.Errorf("build: %s is that of a finished build", l.file.Name())
	}
	l.shards = map[string]*state{}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	l.size = 0
	var entries []entry
	for _, part := range parts {
		err := part.each(func(e entry) error {
			if e.Shard != nil {
				entries = append(entries, e)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	all := *parts[0].end
	all.Part = Part{}
	if err := l.append(append(entries, entry{End: &all})...); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
