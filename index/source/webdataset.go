package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"path"

	"engram/data/webdataset"
	"engram/index"
)

// castagnoli is the table of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// tars is the source of webdataset's and img2dataset's tars. A shard is a tar;
// rows are known by its name and their keys.
type tars struct{ place string }

// Origin implements Source.
func (s tars) Origin() Origin {
	return placed(Origin{Source: baseOf(s.place), Place: s.place, Kind: Tars})
}

// Shards implements Source. How many samples a tar has is taken from the stats
// that img2dataset puts beside it.
func (s tars) Shards(ctx context.Context) ([]Shard, error) {
	found, err := webdataset.List(s.place)
	if err != nil {
		return nil, err
	}
	base := baseOf(s.place)
	shards := make([]Shard, len(found))
	for i, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := tar{path: f.Path, name: below(base, f.Path)}
		version := NewFingerprint()
		version.stat(f.Size, f.Modified)
		rows := -1
		if stats, err := webdataset.ReadStats(f.StatsPath()); err == nil {
			rows, t.stats = stats.Successes, stats
			version.Add(fmt.Sprint(rows))
		}
		shards[i] = Shard{Name: t.name, Fingerprint: version.String(), Rows: rows, Bytes: f.Size, Read: t.read}
	}
	return shards, nil
}

// tar is one tar.
type tar struct {
	path, name string
	stats      *webdataset.Stats // nil where there are none
}

// read yields the samples of a tar from number from on. It has to read the
// samples before as well.
func (t tar) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var rows []Row
		size, n := 0, 0
		for sample, err := range webdataset.ReadFile(t.path, webdataset.Options{}) {
			if !checkContext(ctx, yield) {
				return
			}
			if sample == nil {
				if len(rows) == 0 || yield(rows, nil) {
					yield(nil, err)
				}
				return
			}
			if n++; n <= from {
				continue
			}
			row, held := t.row(sample, err)
			rows, size = append(rows, row), size+held
			if len(rows) < imagesAtOnce && size < bytesAtOnce {
				continue
			}
			if !yield(rows, nil) {
				return
			}
			rows, size = nil, 0
		}
		if len(rows) > 0 && !yield(rows, nil) || t.stats == nil {
			return
		}
		if err := t.stats.Check(n); err != nil {
			yield(nil, err)
		}
	}
}

// row describes a sample, which may have been read with an error, and returns
// the bytes of its image.
func (t tar) row(sample *webdataset.Sample, err error) (Row, int) {
	name := path.Join(t.name, sample.Key)
	row := Row{ID: nameID(name), Name: name, Err: err}
	if err != nil {
		return row, 0
	}
	_, image, err := sample.Image()
	metadata, err2 := sample.Metadata()
	if row.Err = errors.Join(err, err2); row.Err != nil {
		return row, 0
	}
	row.Payload = index.Payload(metadata)
	if row.Payload == nil {
		row.Payload = index.Payload{}
	}
	if text, found := sample.Caption(); found && row.Payload[index.KeyCaption] == nil {
		row.Payload[index.KeyCaption] = text
	}
	row.Payload[index.KeyShard], row.Payload[index.KeyKey] = t.name, sample.Key
	row.Payload[index.KeySize] = int64(len(image))
	row.Payload[index.KeyChecksum] = int64(crc32.Checksum(image, castagnoli))
	row.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(image)), nil }
	return row, len(image)
}
