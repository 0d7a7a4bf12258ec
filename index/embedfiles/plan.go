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
	"engram/data/space"
	"engram/data/vfs"
	"engram/index/source"
)

// PlanName is the name of the file that records the pairs of a folder (see
// FORMAT.md).
const PlanName = "embed.json"

var (
	// ErrForeign says that the folder is of other settings or of another program.
	ErrForeign = errors.New("folder of something else")
	// ErrChanged says that a shard has changed since its pair was published.
	ErrChanged = errors.New("source has changed")
)

// Settings are what all pairs of a folder have in common.
type Settings struct {
	Set     laion.Set   // what is embedded: images or captions
	Dim     int         // elements of a vector
	Space   space.Space // of the vectors
	Float32 bool        // rather than float16
}

// plan says which shards make which pair. It is written before anything else,
// and only ever grows.
type plan struct {
	Settings
	root  string // see Job
	pairs []*pair
}

// planFile is the plan as it is written.
type planFile struct {
	Set         laion.Set `json:"set"`
	Dim         int       `json:"dim"`
	Fingerprint string    `json:"bundle"`
	Model       string    `json:"bundle_name"`
	Float32     bool      `json:"float32"`
	Root        string    `json:"root,omitempty"`
	Pairs       []*pair   `json:"pairs"`
}

// pair is one pair of files. Its number is its place in the plan.
type pair struct {
	number int
	Shards []shard `json:"shards"`
	// Finished: Rows and Bad are final. The files are there, or are about to get
	// their names.
	Finished bool `json:"finished,omitempty"`
	Rows     int  `json:"rows,omitempty"`
	Bad      int  `json:"bad,omitempty"` // rows of the shards that are not in the pair

	source []source.Shard // the shards as they are now
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
	var file planFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, ErrForeign)
	}
	model := space.Space{Name: file.Model, Fingerprint: file.Fingerprint}
	p := &plan{Settings: Settings{Set: file.Set, Dim: file.Dim, Space: model, Float32: file.Float32}, root: file.Root, pairs: file.Pairs}
	if p.Settings != s {
		return nil, fmt.Errorf("%s has %s, wanted %s: %w", dir, p.Settings, s, ErrForeign)
	}
	for n, pair := range p.pairs {
		if pair == nil {
			return nil, fmt.Errorf("%s: pair %d is missing: %w", path, n, ErrForeign)
		}
		pair.number = n
	}
	return p, nil
}

// Made says what the files of a folder were made of.
type Made struct {
	Space space.Space // of the vectors
	Dim   int         // elements of a vector
	Root  string      // as in Job, "" where it was not recorded
}

// ReadMade returns what the files in a folder were made of. It is fs.ErrNotExist
// where embedding did not write them, and ErrForeign where the record cannot be
// read.
func ReadMade(dir string) (Made, error) {
	path := filepath.Join(dir, PlanName)
	text, err := os.ReadFile(path)
	if err != nil {
		return Made{}, err
	}
	var file planFile
	if err := json.Unmarshal(text, &file); err != nil {
		return Made{}, fmt.Errorf("%s: %w: %w", path, err, ErrForeign)
	}
	return Made{Space: space.Space{Name: file.Model, Fingerprint: file.Fingerprint}, Dim: file.Dim, Root: file.Root}, nil
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
	return fmt.Sprintf("%s of %d %s by model %s", s.Set, s.Dim, element, s.Space)
}

// write replaces the plan in a folder.
func (p *plan) write(fsys vfs.FS, dir string) error {
	file := planFile{p.Set, p.Dim, p.Space.Fingerprint, p.Space.Name, p.Float32, p.root, p.pairs}
	return vfs.WriteFileFS(fsys, filepath.Join(dir, PlanName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(file)
	})
}

// extend gives the shards of a source to their pairs. New shards come into new
// pairs, each of at least this many rows except the last.
func (p *plan) extend(shards []source.Shard, rows int) error {
	unplanned := map[string]source.Shard{}
	for _, s := range shards {
		unplanned[s.Name] = s
	}
	for _, pair := range p.pairs {
		pair.source = nil
		for i := range pair.Shards {
			known := &pair.Shards[i]
			now, there := unplanned[known.Name]
			if !there || pair.Finished && now.Fingerprint != known.Fingerprint {
				return fmt.Errorf("%s is no longer what pair %d was made of: embed into another folder: %w", known.Name, pair.number, ErrChanged)
			}
			pair.source = append(pair.source, now)
			delete(unplanned, known.Name)
		}
	}
	var last *pair
	for _, s := range shards {
		if _, isNew := unplanned[s.Name]; !isNew {
			continue
		}
		if last == nil || last.estimate() >= rows {
			last = &pair{number: len(p.pairs)}
			p.pairs = append(p.pairs, last)
		}
		last.Shards = append(last.Shards, shard{s.Name, s.Fingerprint})
		last.source = append(last.source, s)
	}
	return nil
}

// shardRows is what a shard that does not say counts as: the rows that img2dataset
// puts into a tar.
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

// published reports whether nothing is left to do. present are the numbers of the
// pairs whose files are there.
func (p *pair) published(present []int) bool {
	return p.Finished && (p.Rows == 0 || slices.Contains(present, p.number))
}
