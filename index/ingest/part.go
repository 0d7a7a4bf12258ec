package ingest

import (
	"fmt"

	"engram/index/source"
)

// Part is one of several builds that share the shards of a source among
// themselves without talking to each other. The zero Part is all of it.
type Part struct {
	Number int `json:"number"` // from 1
	Of     int `json:"of"`
}

// ParsePart reads "2/8".
func ParsePart(text string) (Part, error) {
	var p Part
	var rest string
	if n, _ := fmt.Sscanf(text, "%d/%d%s", &p.Number, &p.Of, &rest); n != 2 || p.Number < 1 || p.Number > p.Of {
		return Part{}, fmt.Errorf("part %q: wanted one such as 2/8", text)
	}
	return p, nil
}

func (p Part) String() string { return fmt.Sprintf("%d/%d", p.Number, p.Of) }

// of returns the part's shards: every Of-th, so that shards that are appended
// to a source leave the others in their parts.
func (p Part) of(shards []source.Shard) []source.Shard {
	if p.Of <= 1 {
		return shards
	}
	var own []source.Shard
	for i := p.Number - 1; i < len(shards); i += p.Of {
		own = append(own, shards[i])
	}
	return own
}
