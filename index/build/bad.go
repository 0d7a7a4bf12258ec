package build

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Bad returns all rows that the manifest has as unusable, sorted by shard and
// row. A shard that could not be read to its end is among them, under its own
// name and the number of the row at which it broke off.
func (m *Manifest) Bad() ([]Bad, error) {
	size, err := m.file.Seek(0, io.SeekCurrent) // where the next line goes
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	found := map[string][]Bad{}
	reader := bufio.NewReaderSize(io.NewSectionReader(m.file, 0, size), 1<<16)
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var l line
		if err == nil {
			err = l.parse(text)
		}
		if err != nil {
			return nil, fmt.Errorf("build: a line of %s: %w", m.file.Name(), err)
		}
		r := l.Shard
		switch {
		case r == nil:
			continue
		case r.Gone:
			delete(found, r.Name)
			continue
		case r.From == 0: // begun anew
			found[r.Name] = nil
		}
		found[r.Name] = append(found[r.Name], r.Bad...)
		if r.Damaged != "" {
			found[r.Name] = append(found[r.Name], Bad{Row: r.Next, Name: r.Name, Reason: r.Damaged})
		}
	}
	var all []Bad
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name]...)
	}
	return all, nil
}
