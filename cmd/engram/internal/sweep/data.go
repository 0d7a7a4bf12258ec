package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"engram/data/npy"
	"engram/index"
	"engram/index/verify"
)

// source has the vectors of items, in order of their ids.
type source interface {
	count() int
	dim() int
	// read returns vectors lo to lo+n-1.
	read(ctx context.Context, lo, n int) ([][]float32, error)
}

// file is vectors in a NumPy file.
type file struct {
	*npy.Rows
	shape []int
}

func openFile(path string) (*file, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	f := &file{rows, rows.Shape()}
	if len(f.shape) != 2 || f.shape[0] == 0 || f.shape[1] == 0 {
		return nil, errors.Join(fmt.Errorf("%s has the shape %v, wanted [vectors, elements]", path, f.shape), rows.Close())
	}
	return f, nil
}

func (f *file) count() int { return f.shape[0] }
func (f *file) dim() int   { return f.shape[1] }

func (f *file) read(_ context.Context, lo, n int) ([][]float32, error) {
	all := make([]float32, n*f.dim())
	if err := f.Read(all, lo, n); err != nil {
		return nil, err
	}
	return split(all, f.dim()), nil
}

// split cuts an array into rows.
func split(all []float32, dim int) [][]float32 {
	rows := make([][]float32, len(all)/dim)
	for i := range rows {
		rows[i] = all[i*dim:][:dim:dim]
	}
	return rows
}

// querySet is queries of one distribution.
type querySet struct {
	name    string // see Point.Queries
	vectors [][]float32
	truth   [][]index.ID // of each the nearest items, the nearest first
}

// generatedQueries is how many queries are made where no file has them.
const generatedQueries = 1000

// querySets reads the queries, or makes them.
func querySets(ctx context.Context, spec Spec, store index.Store, generated *hard) ([]querySet, error) {
	var sets []querySet
	for _, given := range []struct{ name, path string }{{"in", spec.Queries}, {"out", spec.Outside}} {
		if given.path == "" {
			continue
		}
		f, err := openFile(given.path)
		if err != nil {
			return nil, err
		}
		vectors, err := f.read(ctx, 0, f.count())
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		sets = append(sets, querySet{name: given.name, vectors: vectors})
	}
	switch {
	case len(sets) > 0:
	case generated != nil:
		sets = []querySet{{name: "in", vectors: generated.queries(false)}, {name: "out", vectors: generated.queries(true)}}
	default:
		near, err := turned(ctx, store, spec.Seed)
		if err != nil {
			return nil, err
		}
		sets = []querySet{{name: "in", vectors: near}}
	}
	if spec.Truth != "" {
		var err error
		if sets[0].truth, err = readTruth(spec.Truth, len(sets[0].vectors)); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// readTruth reads the ids of the nearest items of each query.
func readTruth(path string, queries int) ([][]index.ID, error) {
	a, err := npy.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(a.Shape) != 2 || a.Shape[0] != queries || a.Shape[1] < hitsAsked {
		return nil, fmt.Errorf("%s has the shape %v, wanted [%d queries, %d or more ids]", path, a.Shape, queries, hitsAsked)
	}
	ids, err := a.Int64s()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	truth := make([][]index.ID, queries)
	for i := range truth {
		for _, id := range ids[i*a.Shape[1]:][:hitsAsked] {
			truth[i] = append(truth[i], index.ID(id))
		}
	}
	return truth, nil
}

// turned returns queries made of items (see verify.Turned).
func turned(ctx context.Context, store index.Store, seed uint64) ([][]float32, error) {
	rng := rand.New(rand.NewPCG(seed, 3))
	info, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	keep := min(1, float64(generatedQueries)/float64(max(1, info.Count)))
	var queries [][]float32
	for item, err := range store.All(ctx) {
		if err != nil {
			return nil, err
		}
		if len(queries) > 0 && rng.Float64() >= keep {
			continue
		}
		queries = append(queries, verify.Turned(rng, item.Vector))
	}
	return queries, nil
}

// resident is the memory of this process in bytes, and what it has mapped of files, 0
// where the system does not tell.
func resident() (memory, mapped int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		var name string
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "%s %d kB", &name, &kilobytes); n < 2 {
			continue
		}
		switch name {
		case "RssAnon:":
			memory = kilobytes << 10
		case "RssFile:":
			mapped = kilobytes << 10
		}
	}
	return memory, mapped
}
