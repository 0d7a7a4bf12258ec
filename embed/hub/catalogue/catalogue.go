package catalogue

import (
	"cmp"
	"fmt"
	"strings"
)

// Precision names the number format of the weights of a published graph.
type Precision string

// The precisions. FP32 is what every entry has.
const (
	FP32 Precision = "fp32"
	FP16 Precision = "fp16"
	INT8 Precision = "int8"
)

// Entry is a published model.
type Entry struct {
	Name string // by which it is asked for, such as "clip-vit-b-32"
	// Repository has the image graph, and the text graph too where Text is nil.
	Repository Repository
	Text       *Repository // has the text graph, where that is published apart
	// Space is the checkpoint that the graphs were exported from, "owner/name". Models
	// of one Space embed into the same space, as far as the precision goes.
	Space   string
	Licence string // of the weights, as an SPDX identifier
	Dim     int    // elements of a vector
	Pixels  int    // side of the images that the model sees
	Words   bool   // has a text graph
	GoodFor string // a short phrase for a list
	// Download is the size of the graphs in bytes, rounded to a megabyte, for each
	// precision that the repository has.
	Download map[Precision]int64
}

// Repository is a repository of the hub at a commit.
type Repository struct {
	ID     string // "owner/name"
	Commit string // 40 hexadecimal digits
	// Files has the established files by their paths. See the package's comment.
	Files map[string]File
}

// File is a file's size in bytes and its SHA-256 in hexadecimal.
type File struct {
	Size   int64 // 0: not established
	SHA256 string
}

// Check compares what a hub lists of a file with what was established. A hub that
// lists no SHA-256 ("") or no size (negative) says nothing against it, and a file that was not
// established passes.
func (r Repository) Check(path string, size int64, sha256 string) error {
	known, ok := r.Files[path]
	if !ok {
		return nil
	}
	if sha256 != "" && sha256 != known.SHA256 {
		return fmt.Errorf("%s at commit %.12s: the hub lists %s with the SHA-256 %s, wanted %s", r.ID, r.Commit, path, sha256, known.SHA256)
	}
	if size >= 0 && known.Size > 0 && size != known.Size {
		return fmt.Errorf("%s at commit %.12s: the hub lists %s with %d bytes, wanted %d", r.ID, r.Commit, path, size, known.Size)
	}
	return nil
}

// Find returns the entry of a name.
func Find(name string) (Entry, bool) {
	return first(func(e Entry) bool { return e.Name == name })
}

// OfRepository returns the first entry whose image graph is published in the
// repository id, "owner/name".
func OfRepository(id string) (Entry, bool) {
	return first(func(e Entry) bool { return strings.EqualFold(e.Repository.ID, id) })
}

// WithWords returns a model that embeds texts into the space of the model whose source
// is given: the name of an entry, or a manifest's source such as
// "hf:owner/name@commit", of an entry's repository or of its checkpoint.
func WithWords(source string) (Entry, bool) {
	id := strings.TrimPrefix(source, "hf:")
	id, _, _ = strings.Cut(id, "@")
	of, ok := first(func(e Entry) bool {
		return e.Name == id || strings.EqualFold(e.Repository.ID, id) || strings.EqualFold(e.Space, id) ||
			e.Text != nil && strings.EqualFold(e.Text.ID, id)
	})
	if !ok {
		return Entry{}, false
	}
	return first(func(e Entry) bool { return e.Words && e.Space == of.Space })
}

// first returns the first entry that fits.
func first(fits func(Entry) bool) (Entry, bool) {
	for _, e := range Entries() {
		if fits(e) {
			return e, true
		}
	}
	return Entry{}, false
}

// Split takes a precision off the end of a name: "clip-vit-b-32-fp16" is clip-vit-b-32
// in FP16. A name without one is in FP32.
func Split(name string) (string, Precision) {
	for _, p := range []Precision{FP16, INT8} {
		if short, ok := strings.CutSuffix(name, "-"+string(p)); ok {
			return short, p
		}
	}
	return name, FP32
}

// Join is the reverse of Split.
func Join(name string, p Precision) string {
	if cmp.Or(p, FP32) == FP32 {
		return name
	}
	return name + "-" + string(p)
}
