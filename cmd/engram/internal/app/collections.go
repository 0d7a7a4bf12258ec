package app

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"engram/index"
	"engram/index/plan"
	"engram/index/qdrant"
)

// CollectionSpec says how a collection is set up that a command makes. One that
// is there stays as it is.
type CollectionSpec struct {
	// Quantisation is what a search reads in memory: int8 (also for ""), binary or
	// none, which are the vectors themselves.
	Quantisation     string
	Shards, Replicas int // 0: as the server has it
	// PayloadIndexes has, by the key of a payload that filters use often, the kind
	// of its values: keyword, integer, number, bool or words.
	PayloadIndexes map[string]string
}

// codes are what a search reads of a collection, by the names that package plan
// has for it.
func codes() map[plan.Quantisation]qdrant.Codes {
	return map[plan.Quantisation]qdrant.Codes{plan.Int8: qdrant.Bytes, plan.Binary: qdrant.Bits, plan.None: qdrant.NoCodes}
}

// kinds are the kinds of payload indexes.
func kinds() map[string]qdrant.Kind {
	return map[string]qdrant.Kind{
		"keyword": qdrant.Keyword, "integer": qdrant.Integer, "number": qdrant.Number, "bool": qdrant.Bool, "words": qdrant.Words,
	}
}

// Check refuses a spec that cannot be followed, and any for a target that is no
// collection.
func (s CollectionSpec) Check(name string) error {
	if isCollection(name) {
		_, err := s.schema(index.Info{Dim: 1})
		return err
	}
	found := "the folder " + name
	if name == "" {
		found = "no --out"
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"quantisation", s.Quantisation != ""}, {"shards", s.Shards != 0}, {"replicas", s.Replicas != 0}, {"payload-index", len(s.PayloadIndexes) > 0},
	} {
		if flag.set {
			return fmt.Errorf("--%s is for a collection, wanted %s, found %s", flag.name, CollectionForm, found)
		}
	}
	return nil
}

// schema returns the collection of an index.
func (s CollectionSpec) schema(info index.Info) (qdrant.Schema, error) {
	made := qdrant.Schema{Dim: info.Dim, Space: info.Space, Shards: s.Shards, Replicas: s.Replicas}
	var known bool
	if made.Codes, known = codes()[cmp.Or(plan.Quantisation(s.Quantisation), plan.Int8)]; !known {
		return made, fmt.Errorf("--quantisation is %q, wanted int8, binary or none", s.Quantisation)
	}
	if s.Shards < 0 || s.Replicas < 0 {
		return made, fmt.Errorf("--shards is %d and --replicas %d, wanted 1 or more, or 0 for the server's own", s.Shards, s.Replicas)
	}
	kinds := kinds()
	for _, key := range slices.Sorted(maps.Keys(s.PayloadIndexes)) {
		kind := s.PayloadIndexes[key]
		switch {
		case key == "":
			return made, fmt.Errorf("--payload-index =%s: wanted a key of the payload before the =", kind)
		case kinds[kind] == 0:
			return made, fmt.Errorf("--payload-index %s=%s: wanted one of %s", key, kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		if made.Indexes == nil {
			made.Indexes = map[string]qdrant.Kind{}
		}
		made.Indexes[key] = kinds[kind]
	}
	return made, nil
}
