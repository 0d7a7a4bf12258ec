package graph

import "engram/index/internal/column"

// Report says what a search did.
type Report struct {
	Walked, Scanned int     // rows of the parts
	Effort          int     // the largest one of a walk
	Filtered        bool    // a walk kept more rows than were asked for, and a filter chose among them
	GivenUp         bool    // a walk was given up, and its part scanned
	Recall          float64 // of the hits on average, by what was measured without a filter

	recall map[int]float64 // of the parts that were walked
}

// walked notes that a part was walked.
func (p *Report) walked(s Searcher, r *search, i int, part column.Part, k int) {
	if p.recall == nil {
		p.recall = map[int]float64{}
	}
	base, _ := s.Graphs[i].Efforts(k, s.Recall)
	effort := base.Near
	if r.distant {
		effort = base.Distant
	}
	p.recall[i] = s.Graphs[i].Recall(k, effort, r.distant)
	p.Walked += len(part.IDs)
	p.Effort = max(p.Effort, r.effort)
	p.Filtered = p.Filtered || part.Filter != nil || part.Possible != nil
}

// finish notes the parts that were scanned, and the recall of all hits together.
func (p *Report) finish(r *search) {
	for _, part := range r.rest {
		p.Scanned += len(part.IDs)
	}
	if p.Recall = 1; len(r.found) == 0 {
		return
	}
	p.Recall = 0
	for _, m := range r.found {
		recall, walked := p.recall[m.Part]
		if !walked {
			recall = 1
		}
		p.Recall += recall
	}
	p.Recall /= float64(len(r.found))
}
