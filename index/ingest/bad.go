package ingest

import (
	"maps"
	"slices"
)

// Bad returns all unusable rows in the ledger, sorted by shard and row. A damaged
// shard is among them, under its own name and the number of the first row that
// cannot be read.
func (l *Ledger) Bad() ([]Bad, error) {
	found := map[string][]Bad{}
	err := l.each(func(e entry) error {
		r := e.Shard
		switch {
		case r == nil:
			return nil
		case r.Gone:
			delete(found, r.Name)
			return nil
		case r.From == 0: // begun anew
			found[r.Name] = nil
		}
		found[r.Name] = append(found[r.Name], r.Bad...)
		if r.Damaged != "" {
			found[r.Name] = append(found[r.Name], Bad{Row: r.Next, Name: r.Name, Reason: r.Damaged})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Bad
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name]...)
	}
	return all, nil
}
