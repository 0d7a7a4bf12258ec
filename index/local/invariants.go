package local

import (
	"engram/index/internal/disk"
	"engram/index/internal/invariants"
)

// checkParts panics where parts are not what a snapshot is made of (see package
// invariants).
func checkParts(parts []part) {
	if !invariants.Enabled {
		return
	}
	memory := false
	for _, p := range parts {
		p.segment.CheckLayout()
		rows := len(p.segment.IDs)
		invariants.Check(rows > 0 && p.live >= 0, "a part of %d rows, %d of them live", rows, p.live)
		invariants.Check(p.live == rows-p.dead.Count(), "%d of %d rows are dead and %d live", p.dead.Count(), rows, p.live)
		for row := rows; row < 64*len(p.dead); row++ {
			invariants.Check(!p.dead.Has(row), "row %d of %d is dead", row, rows)
		}
		invariants.Check(!memory || p.inMemory(), "segment %d follows one in memory", p.segment.file)
		memory = p.inMemory()
	}
}

// checkSegment panics where a new segment is not in order.
func checkSegment(s *disk.Segment) {
	s.CheckLayout()
	s.CheckIDs()
}
