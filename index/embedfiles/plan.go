package embedfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"engram/data/laion"
	"engram/data/vfs"
	"engram/index/source"
)

// PlanName is the name of the file in which a folder of pairs says what it has.
const PlanName = "embed.json"

var (
	// ErrForeign says that the folder has something else than the pairs of such
	// a job.
	ErrForeign = errors.New("folder of something else")
	// ErrChanged says that a shard is not what it was when its pair was made.
	ErrChanged = errors.New("source has changed")
)

// Settings are what all pairs of a folder have in common.
type Settings struct {
	Set        laion.Set `json:"set"`    // whose vectors: the images' or the captions'
	Dim        int       `json:"dim"`    // elements of a vector
	Bundle     string    `json:"bundle"` // fingerprint of the model bundle
	BundleName string    `json:"bundle_name"`
	Float32    bool      `json:"float32"` // rather than float16
}

// plan says which shards make which pair. It is written before anything else
// is, and only ever grows.
type plan struct {
	Settings
	Pairs []*pair `json:"pairs"`
}

// pair is one pair of files. Its number is its place in the plan.
type pair struct {
	number int
	Shards []shard `json:"shards"`
	// Finished: Rows and Bad are final. The pair is there, or about to be.
	Finished bool `json:"finished,omitempty"`
	Rows     int  `json:"rows,omitempty"`
	Bad      int  `json:"bad,omitempty"` // rows of the shards that are not in the pair

	source []source.Shard // the shards of Shards
}

// shard is a shard as it was when it came into the plan.
type shard struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
}

// readPlan reads the plan in a folder, or begins one in an empty one.
func readPlan(dir string, s Settings) (*plan, error) {
	path := filepath.Join(dir, PlanName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &plan{Settings: s}, checkEmpty(dir)
	}
	if err != nil {
		return nil, err
	}
	p := &plan{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, ErrForeign)
	}
	if p.Settings != s {
		return nil, fmt.Errorf("%s has %s, wanted %s: %w", dir, p.Settings, s, ErrForeign)
	}
	for n, pair := range p.Pairs {
		if pair == nil {
			return nil, fmt.Errorf("%s: pair %d is missing: %w", path, n, ErrForeign)
		}
		pair.number = n
	}
	return p, nil
}

// checkEmpty refuses a folder with files that are not hidden.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' {
			return fmt.Errorf("%s is not empty and has no %s: it holds %s: %w", dir, PlanName, name, ErrForeign)
		}
	}
	return err
}

func (s Settings) String() string {
	element := "float16"
	if s.Float32 {
		element = "float32"
	}
	return fmt.Sprintf("%s of %d %s by bundle %s (%.12s)", s.Set, s.Dim, element, s.BundleName, s.Bundle)
}

func (p *plan) write(dir string) error {
	return vfs.WriteFile(filepath.Join(dir, PlanName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(p)
	})
}

// extend gives the shards of a source to their pairs, and makes new pairs, of
// at least rows rows where there are as many, for shards that are new.
func (p *plan) extend(shards []source.Shard, rows int) error {
	fresh := map[string]source.Shard{}
	for _, s := range shards {
		fresh[s.Name] = s
	}
	for _, pair := range p.Pairs {
		pair.source = nil
		for i := range pair.Shards {
			known := &pair.Shards[i]
			now, there := fresh[known.Name]
			if !there || pair.Finished && now.Fingerprint != known.Fingerprint {
				return fmt.Errorf("%s is no longer what pair %d was made of: embed into another folder: %w", known.Name, pair.number, ErrChanged)
			}
			pair.source = append(pair.source, now)
			delete(fresh, known.Name)
		}
	}
	var last *pair
	for _, s := range shards {
		if _, isNew := fresh[s.Name]; !isNew {
			continue
		}
		if last == nil || last.estimate() >= rows {
			last = &pair{number: len(p.Pairs)}
			p.Pairs = append(p.Pairs, last)
		}
		last.Shards = append(last.Shards, shard{s.Name, s.Fingerprint})
		last.source = append(last.source, s)
	}
	return nil
}

// shardRows is how many rows a shard is taken to have that does not say: those
// of a tar by img2dataset.
const shardRows = 10_000

// estimate returns about how many rows the pair has.
func (p *pair) estimate() int {
	rows := 0
	for _, s := range p.source {
		if s.Rows < 0 {
			rows += shardRows
		} else {
			rows += s.Rows
		}
	}
	return rows
}

// published reports whether nothing is left to do; whole are the numbers of
// the pairs that are there.
func (p *pair) published(whole []int) bool {
	return p.Finished && (p.Rows == 0 || slices.Contains(whole, p.number))
}
