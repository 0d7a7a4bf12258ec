package crashfs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Crash writes into a folder, which is empty or missing, a state that a power
// loss at this moment may leave. rng chooses it. The FS goes on as if nothing
// had happened.
func (f *FS) Crash(into string, rng *rand.Rand) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := crash{rng: rng, names: map[*node]map[string]entry{}}
	keep := c.chance()
	for _, change := range f.pending {
		if keep() {
			change.apply(c.namesOf)
		}
	}
	if err := c.write(f.top, into); err != nil {
		return fmt.Errorf("crashfs: %w", err)
	}
	return nil
}

// crash is a crash under way.
type crash struct {
	rng   *rand.Rand
	names map[*node]map[string]entry // of folders with changes that survive
}

// chance returns a function that says of each of many things whether it
// survives: all do, none does, or each does or does not.
func (c *crash) chance() func() bool {
	switch c.rng.IntN(3) {
	case 0:
		return func() bool { return true }
	case 1:
		return func() bool { return false }
	}
	return func() bool { return c.rng.IntN(2) == 0 }
}

func (c *crash) namesOf(dir *node) map[string]entry {
	if c.names[dir] == nil {
		c.names[dir] = maps.Clone(dir.kept)
	}
	return c.names[dir]
}

// write writes what is left of a folder.
func (c *crash) write(dir *node, path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	names := c.namesOf(dir)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n, at := names[name].node, filepath.Join(path, name)
		var err error
		switch {
		case n == nil:
		case n.isFolder():
			err = c.write(n, at)
		default:
			err = os.WriteFile(at, c.content(n), 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// content returns what is left of a file.
func (c *crash) content(n *node) []byte {
	content := slices.Clone(n.durable)
	edits := slices.Clone(n.edits)
	if len(edits) == 0 {
		return content
	}
	last := c.rng.IntN(len(edits))
	switch torn := &edits[last]; c.rng.IntN(4) {
	case 0: // none
		edits = nil
	case 1: // all
	case 2: // up to a byte of one of them
		if len(torn.data) > 0 {
			torn.data = torn.data[:c.rng.IntN(len(torn.data)+1)]
			edits = edits[:last+1]
		} else {
			edits = edits[:last]
		}
	case 3: // all but one, which has left room
		if len(torn.data) > 0 {
			torn.data = make([]byte, len(torn.data))
		}
	}
	for _, e := range edits {
		content = e.apply(content)
	}
	return content
}
