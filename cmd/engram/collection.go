package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"engram/index"
	"engram/index/plan"
	"engram/index/qdrant"

	"github.com/spf13/pflag"
)

// collectionFlags say how a collection is set up that a command makes. One that
// is there stays as it is.
type collectionFlags struct {
	quantisation     string
	shards, replicas int
	payloadIndexes   map[string]string
}

var (
	// codes are what a search reads of a collection, by the names that engram plan
	// has for it.
	codes = map[plan.Quantisation]qdrant.Codes{plan.Int8: qdrant.Bytes, plan.Binary: qdrant.Bits, plan.None: qdrant.NoCodes}
	kinds = map[string]qdrant.Kind{
		"keyword": qdrant.Keyword, "integer": qdrant.Integer, "number": qdrant.Number, "bool": qdrant.Bool, "words": qdrant.Words,
	}
)

// add adds the flags, whose help begins alike.
func (f *collectionFlags) add(flags *pflag.FlagSet) {
	const made = "of a new collection: "
	flags.StringVar(&f.quantisation, "quantisation", "", made+"what a search reads in memory, int8, binary or none, which are the vectors themselves (default int8)")
	flags.IntVar(&f.shards, "shards", 0, made+"parts that a cluster spreads over its nodes (default: as the server has it)")
	flags.IntVar(&f.replicas, "replicas", 0, made+"copies of each shard, on different nodes (default: as the server has it)")
	flags.StringToStringVar(&f.payloadIndexes, "payload-index", nil, made+"`key=kind` of a payload that filters use often, the kind being keyword, integer, number, bool or words")
	flags.Lookup("payload-index").DefValue = "" // in the help, or else []
}

// check refuses flags for a target that is no collection.
func (f *collectionFlags) check(name string) error {
	if isCollection(name) {
		_, err := f.schema(index.Info{Dim: 1})
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
		{"quantisation", f.quantisation != ""}, {"shards", f.shards != 0}, {"replicas", f.replicas != 0}, {"payload-index", len(f.payloadIndexes) > 0},
	} {
		if flag.set {
			return fmt.Errorf("--%s is for a collection, wanted %s, found %s", flag.name, collectionForm, found)
		}
	}
	return nil
}

// schema returns the collection of an index.
func (f *collectionFlags) schema(info index.Info) (qdrant.Schema, error) {
	s := qdrant.Schema{Dim: info.Dim, Space: info.Space, Shards: f.shards, Replicas: f.replicas}
	var known bool
	if s.Codes, known = codes[cmp.Or(plan.Quantisation(f.quantisation), plan.Int8)]; !known {
		return s, fmt.Errorf("--quantisation is %q, wanted int8, binary or none", f.quantisation)
	}
	if f.shards < 0 || f.replicas < 0 {
		return s, fmt.Errorf("--shards is %d and --replicas %d, wanted 1 or more, or 0 for the server's own", f.shards, f.replicas)
	}
	for _, key := range slices.Sorted(maps.Keys(f.payloadIndexes)) {
		kind := f.payloadIndexes[key]
		switch {
		case key == "":
			return s, fmt.Errorf("--payload-index =%s: wanted a key of the payload before the =", kind)
		case kinds[kind] == 0:
			return s, fmt.Errorf("--payload-index %s=%s: wanted one of %s", key, kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		if s.Indexes == nil {
			s.Indexes = map[string]qdrant.Kind{}
		}
		s.Indexes[key] = kinds[kind]
	}
	return s, nil
}
