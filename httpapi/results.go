package httpapi

import (
	"strconv"

	"engram/index"
	"engram/index/results"
)

// groupView is what has one value under a payload key beside the hit itself.
type groupView struct {
	Value  any       `json:"value"`
	Others []hitView `json:"others"`
}

// viewHit is a hit as visitors see it.
func (s *Server) viewHit(hit results.Hit) hitView {
	view := hitView{itemView: s.viewItem(hit.ID, hit.Payload), Score: hit.Score, Folded: viewIDs(hit.Folded)}
	if hit.Group != nil {
		view.Group = &groupView{Value: hit.Group.Value, Others: make([]hitView, len(hit.Group.Others))}
		for i, other := range hit.Group.Others {
			view.Group.Others[i] = s.viewHit(other)
		}
	}
	return view
}

// viewIDs are ids as decimal strings, nil for none.
func viewIDs(ids []index.ID) (list []string) {
	for _, id := range ids {
		list = append(list, strconv.FormatUint(uint64(id), 10))
	}
	return list
}
