package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"engram/data/laion"
	"engram/data/parquet"
	"engram/index"
)

// vectors is the source of embeddings that were made before: npy files with
// their metadata, as clip-retrieval writes and LAION publishes them, or Parquet
// files with a column of them. Their rows have no names of their own that are
// sure to be unique, and are known by the shard's name and their number in it.
type vectors struct {
	place  string
	set    laion.Set
	table  bool
	column string

	findings *Findings
}

// Origin implements Source.
func (s vectors) Origin() Origin {
	o := Origin{Source: baseOf(s.place), Place: s.place, Kind: Embeddings, Set: s.set}
	if s.table {
		o.Kind, o.Column = Tables, s.column
	}
	return placed(o)
}

// Shards implements Source. A shard that cannot be used says so when it is read.
func (s vectors) Shards(ctx context.Context) ([]Shard, error) {
	var found []laion.Shard
	var err error
	if s.table {
		found, err = laion.ListParquet(s.place, parquet.VectorOptions{Column: s.column})
	} else {
		found, err = laion.List(s.place, s.set)
	}
	if err != nil {
		return nil, err
	}
	base := baseOf(s.place)
	if s.table {
		s.findings.keepPlace(Summary{LeftOut: leftOutOf(s.place, func(name string) bool { return filepath.Ext(name) == ".parquet" })})
	}
	shards := make([]Shard, len(found))
	for i, f := range found {
		version := NewFingerprint()
		size := int64(0)
		for _, file := range []laion.File{f.Vectors, f.Metadata} {
			version.Add(below(base, file.Path))
			version.stat(file.Size, file.ModTime)
			size += file.Size
		}
		if f.Err != nil {
			version.Add(f.Err.Error())
		}
		path := f.Vectors.Path
		if path == "" {
			path = f.Metadata.Path
		}
		t := embeddings{shard: f, name: below(base, path), findings: s.findings}
		shards[i] = Shard{Name: t.name, Fingerprint: version.String(), Rows: f.Rows, Bytes: size, Dim: f.Dim, Read: t.read}
		if f.Dim == 0 {
			shards[i].Dim = -1
		}
	}
	return shards, checkNumbered(shards)
}

// embeddings is one shard.
type embeddings struct {
	shard    laion.Shard
	name     string
	findings *Findings
}

// read yields the rows of a shard.
func (e embeddings) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		source, err := laion.Open(e.shard, laion.Options{})
		if err != nil {
			yield(nil, err)
			return
		}
		defer source.Close()
		var findings shardFindings
		for _, c := range source.Dropped() {
			findings.columns = append(findings.columns, Column{Name: c.Name, Reason: c.Reason})
		}
		e.findings.keepShard(e.name, findings)
		id := numberedIDs(e.name)
		block := laion.NewBlock(min(vectorsAtOnce, max(1, e.shard.Rows)), e.shard.Dim)
		rows := make([]Row, 0, vectorsAtOnce)
		for n := 0; ; {
			if !checkContext(ctx, yield) {
				return
			}
			count, err := source.Read(block)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			rows = rows[:0]
			for i := max(0, from-n); i < count; i++ {
				rows = append(rows, e.row(&block.Rows[i], id(n+i), n+i))
			}
			if n += count; len(rows) > 0 && !yield(rows, nil) {
				return
			}
		}
	}
}

// row describes row n.
func (e embeddings) row(r *laion.Row, id index.ID, n int) Row {
	payload := index.Payload(r.Payload)
	if payload == nil {
		payload = make(index.Payload, 1)
	}
	payload[index.KeyShard] = e.name
	row := Row{ID: id, Payload: payload, Err: r.Err, Vector: r.Vector, Norm: r.Norm}
	if r.Norm == 0 && r.Err == nil {
		row.Err = fmt.Errorf("the vector is zero: %w", index.ErrVector)
	}
	if row.Err != nil {
		row.Name = RowName(e.name, n)
	}
	return row
}
