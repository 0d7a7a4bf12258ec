package source

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"path"
	"strings"

	"engram/data/images"
	"engram/data/webdataset"
	"engram/index"
)

// castagnoli is the table of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// tars is the source of webdataset's and img2dataset's tars. A shard is a tar;
// rows are known by its name and their keys.
type tars struct {
	place    string
	findings *Findings
}

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
	s.findings.keepPlace(Summary{LeftOut: leftOutOf(s.place, isOfTar)})
	for i, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := tar{path: f.Path, name: below(base, f.Path), findings: s.findings}
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
	findings   *Findings
}

// isOfTar reports whether a file is a tar, or of what img2dataset puts beside one.
func isOfTar(name string) bool {
	return webdataset.IsTar(name) || strings.HasSuffix(name, "_stats.json") || path.Ext(name) == ".parquet"
}

// read yields the samples of a tar from number from on. It has to read the
// samples before as well.
func (t tar) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var rows []Row
		size, n := 0, 0
		var findings shardFindings
		defer func() { t.findings.keepShard(t.name, findings) }()
		notice := func(text string) { findings.notices = append(findings.notices, text) }
		for sample, err := range webdataset.ReadFile(t.path, webdataset.Options{Notice: notice}) {
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
			row, held := t.row(sample, err, &findings)
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
// the bytes of its image. Metadata that cannot be read costs itself alone.
func (t tar) row(sample *webdataset.Sample, err error, findings *shardFindings) (Row, int) {
	name := path.Join(t.name, sample.Key)
	row := Row{ID: nameID(name), Name: name, Err: err}
	if err != nil {
		return row, 0
	}
	ext, image, err := sample.Image()
	if row.Err = err; err != nil {
		return row, 0
	}
	metadata, err := sample.Metadata()
	if err != nil {
		findings.oddly(Odd{File: t.name, Place: sample.Key + ".json", Reason: err.Error()})
	}
	row.Payload = index.Payload(metadata)
	if row.Payload == nil {
		row.Payload = index.Payload{}
	}
	if text, found := sample.Caption(); found && row.Payload[index.KeyCaption] == nil {
		row.Payload[index.KeyCaption] = text
	}
	texts, others := sample.Parts(ext)
	for key, value := range texts {
		if row.Payload[key] == nil {
			row.Payload[key] = value
		}
	}
	for _, ext := range others {
		reason := "a part of samples that is no text"
		if images.IsImage("x." + ext) {
			reason = "a further image of samples"
		}
		findings.leaveOut("."+ext, reason)
	}
	row.Payload[index.KeyShard], row.Payload[index.KeyKey] = t.name, sample.Key
	row.Payload[index.KeySize] = int64(len(image))
	row.Payload[index.KeyChecksum] = int64(crc32.Checksum(image, castagnoli))
	row.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(image)), nil }
	return row, len(image)
}
