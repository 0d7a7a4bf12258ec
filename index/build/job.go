package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"engram/index"
)

// ErrImage marks an error of Encoder.Encode that one of the images caused. The
// job then encodes the batch one by one and passes over the bad one; any other
// error ends it.
var ErrImage = errors.New("unusable image")

// Encoder turns image files into vectors. Its methods are called concurrently.
type Encoder[I any] interface {
	// Decode reads one image file. Its error is about the file.
	Decode(file io.Reader) (I, error)
	// Size returns how many bytes of memory a decoded image takes.
	Size(image I) int
	// Encode returns the vector of each image, of the store's dimension.
	Encode(ctx context.Context, images []I) ([][]float32, error)
}

// Job brings a store in line with a source. I is what the encoder decodes
// files into.
type Job[I any] struct {
	Entries []Entry
	Encoder Encoder[I]
	Store   index.Store

	Batch int  // most images of one Encode, fewer where they are large; 0 means 16
	Prune bool // delete the items that the source has no longer

	// Progress is called before the first image that has to be encoded, after
	// every batch and after every bad image. Calls do not overlap.
	Progress func(Progress)
}

// Progress says how far a job is.
type Progress struct {
	Done, Total int // images that had to be encoded
	Bad         int // of those done
}

// Bad is an image that could not be indexed, and why.
type Bad struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Report says what a job did.
type Report struct {
	Added     int      `json:"added"`     // items that are new
	Changed   int      `json:"changed"`   // items replaced because the file or what is said of it changed
	Unchanged int      `json:"unchanged"` // items left as they are
	Bad       []Bad    `json:"bad"`       // by path
	Vanished  []string `json:"vanished"`  // paths of items that the source has no longer
	Pruned    int      `json:"pruned"`    // of those, deleted

	Encoded int     `json:"encoded"` // images that went through the encoder
	Seconds float64 `json:"seconds"`
}

// Rate returns encoded images per second.
func (r *Report) Rate() float64 {
	if r.Seconds == 0 {
		return 0
	}
	return float64(r.Encoded) / r.Seconds
}

// Run does the job and flushes the store. Where it ends early, because ctx
// ends, the store refuses or the encoder breaks, the report says what was done
// until then; that is in the store, and another Run goes on from there.
func (j Job[I]) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	report := &Report{Bad: []Bad{}, Vanished: []string{}}
	err := j.run(ctx, report)
	slices.SortFunc(report.Bad, func(a, b Bad) int { return strings.Compare(a.Path, b.Path) })
	report.Seconds = time.Since(start).Seconds()
	if err != nil {
		return report, fmt.Errorf("build: %w", err)
	}
	return report, nil
}

func (j Job[I]) run(ctx context.Context, report *Report) error {
	p, err := j.plan(ctx)
	if err != nil {
		return err
	}
	report.Unchanged = p.unchanged
	report.Vanished = append(report.Vanished, slices.Sorted(maps.Values(p.vanished))...)
	if err := j.encodeAll(ctx, p, report); err != nil {
		return err
	}
	if err := j.relabel(ctx, p.relabel, report); err != nil {
		return err
	}
	if j.Prune && len(p.vanished) > 0 {
		if report.Pruned, err = j.Store.Delete(ctx, slices.Collect(maps.Keys(p.vanished))); err != nil {
			return err
		}
	}
	return j.Store.Flush(ctx)
}

// plan is what is to be done.
type plan struct {
	encode    []*Entry            // new, or the file changed
	relabel   []*Entry            // the same file with another payload
	known     map[index.ID]bool   // ids in the store before
	vanished  map[index.ID]string // items without an entry, with their paths
	unchanged int
}

// plan compares the entries with the store.
func (j Job[I]) plan(ctx context.Context) (*plan, error) {
	p := &plan{known: map[index.ID]bool{}, vanished: map[index.ID]string{}}
	stored := map[index.ID]index.Payload{}
	for item, err := range j.Store.All(ctx) {
		if err != nil {
			return nil, err
		}
		stored[item.ID] = item.Payload
		p.known[item.ID] = true
		name, _ := item.Payload[keyPath].(string)
		p.vanished[item.ID] = name
	}
	seen := make(map[index.ID]*Entry, len(j.Entries))
	for i := range j.Entries {
		e := &j.Entries[i]
		if other, taken := seen[e.ID]; taken {
			return nil, fmt.Errorf("%s and %s have the same id %d: rename one of them", other.path(), e.path(), e.ID)
		}
		seen[e.ID] = e
		delete(p.vanished, e.ID)
		old, known := stored[e.ID]
		switch {
		case !known || old[keySize] != e.Payload[keySize] || old[keyModified] != e.Payload[keyModified]:
			p.encode = append(p.encode, e)
		case !reflect.DeepEqual(old, e.Payload):
			p.relabel = append(p.relabel, e)
		default:
			p.unchanged++
		}
	}
	return p, nil
}

// relabel replaces the payloads of items whose vectors stay.
func (j Job[I]) relabel(ctx context.Context, entries []*Entry, report *Report) error {
	const chunk = 1024
	for part := range slices.Chunk(entries, chunk) {
		ids := make([]index.ID, len(part))
		payloads := make(map[index.ID]index.Payload, len(part))
		for i, e := range part {
			ids[i], payloads[e.ID] = e.ID, e.Payload
		}
		items, err := j.Store.Get(ctx, ids)
		if err != nil {
			return err
		}
		for i := range items {
			items[i].Payload = payloads[items[i].ID]
		}
		if err := j.Store.Upsert(ctx, items); err != nil {
			return err
		}
		report.Changed += len(items)
	}
	return nil
}
