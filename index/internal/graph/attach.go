package graph

import "slices"

// attach links rows that no walk reaches: other links took the places of all that
// led to them.
func (b *builder) attach() {
	w := b.workers[0]
	reached := make([]bool, len(b.rows.IDs))
	b.reach(reached, b.Entries[:b.First]...)
	last := none // the row that was attached last
	for row := range uint32(len(reached)) {
		if reached[row] {
			continue
		}
		w.start(b.Graph, b.rows, b.code(row), buildEffort)
		w.finish(b.Graph, b.rows, b.code(row), buildEffort)
		attached := slices.ContainsFunc(w.beam, func(c candidate) bool { return b.add(c.row&^expanded, row) })
		if !attached && (last == none || !b.add(last, row)) {
			b.Entries = slices.Insert(b.Entries, b.First, row)
			b.First++
		}
		last = row
		b.reach(reached, row)
	}
}

// add adds a link where there is room.
func (b *builder) add(from, to uint32) bool {
	links := b.of(from)
	i := slices.Index(links, none)
	if i >= 0 {
		links[i] = to
	}
	return i >= 0
}

// reach marks rows, and all rows that links lead to from them.
func (b *builder) reach(reached []bool, rows ...uint32) {
	for _, row := range rows {
		reached[row] = true
	}
	frontier := slices.Clone(rows) // rows that are reached, whose links were not followed
	for len(frontier) > 0 {
		row := frontier[len(frontier)-1]
		frontier = frontier[:len(frontier)-1]
		for _, to := range b.of(row) {
			if to == none {
				break
			}
			if !reached[to] {
				reached[to] = true
				frontier = append(frontier, to)
			}
		}
	}
}
