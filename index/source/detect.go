package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"engram/data/images"
	"engram/data/laion"
	"engram/data/webdataset"
)

// detect finds out the kind of a place: by the names of files, or by what most of a
// folder is. Where a folder has something of another kind, too, taken says why it
// is taken for this one.
func detect(place string) (kind Kind, taken string, err error) {
	if strings.HasPrefix(place, scenesPrefix) {
		return Scenes, "", nil
	}
	info, err := os.Stat(place)
	switch {
	case err == nil && info.IsDir():
		return detectFolder(place)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("build: %w", err)
	}
	switch ext := filepath.Ext(place); {
	case webdataset.IsTar(place):
		return Tars, "", nil
	case ext == ".parquet":
		return Tables, "", nil
	case ext == ".npy":
		return Embeddings, "", nil
	case err != nil:
		return "", "", fmt.Errorf("build: %w", err)
	}
	switch found := images.SniffFile(place); found {
	case images.Tar:
		return Tars, "", nil
	case images.Parquet:
		return Tables, "", nil
	default:
		return "", "", fmt.Errorf("build: %s: wanted a folder, tars, npy or Parquet files, found a file of kind %s", place, found)
	}
}

// contents counts what a folder has.
type contents struct {
	embeddings, tars, tables int // in the folder itself
	images                   int // below it, too
}

// maxLooked bounds how many files are looked at to find out what a folder is. Most
// of a folder that has more shows in that many.
const maxLooked = 20_000

// look counts what a folder has. Embeddings are counted in img_emb/ too.
func look(dir string) (c contents, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return c, fmt.Errorf("build: %w", err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
		case e.IsDir() && (name == string(laion.Image) || name == string(laion.Text)):
			inside, _ := filepath.Glob(filepath.Join(dir, name, name+"_*.npy")) // the pattern is sound
			c.embeddings += len(inside)
		case e.IsDir():
		case isEmbeddings(name):
			c.embeddings++
		case webdataset.IsTar(name):
			c.tars++
		case path.Ext(name) == ".parquet":
			c.tables++
		}
	}
	looked := 0
	for file, err := range images.All(dir) {
		if looked++; looked > maxLooked {
			break
		}
		if err == nil && file.Image {
			c.images++
		}
	}
	return c, nil
}

// isEmbeddings reports whether a file is called as LAION's embeddings or their
// metadata are.
func isEmbeddings(name string) bool {
	for _, set := range []laion.Set{laion.Image, laion.Text} {
		if rest, is := strings.CutPrefix(name, string(set)+"_"); is && strings.HasSuffix(rest, ".npy") {
			return true
		}
	}
	return false
}

// detectFolder goes by what most of a folder is. An archive or a table among photos
// makes no other kind of them.
func detectFolder(dir string) (kind Kind, taken string, err error) {
	c, err := look(dir)
	if err != nil {
		return "", "", err
	}
	switch {
	case c.embeddings > 0 && c.embeddings >= c.images:
		return Embeddings, c.beside(Embeddings, c.images, c.tars), nil
	case c.tars > 0 && c.tars > c.images:
		return Tars, c.beside(Tars, c.images, 0), nil
	case c.tables > 0 && c.images == 0 && c.tars == 0:
		return Tables, "", nil
	}
	return Images, c.beside(Images, 0, c.tars), nil
}

// beside says what a folder of a kind has of others that could be read. Parquet
// files have no say: they belong to tars and embeddings, and describe photos.
func (c contents) beside(kind Kind, photos, tars int) string {
	counts := map[Kind]string{
		Images: plural(c.images, "image", "images"), Tars: plural(c.tars, "tar", "tars"), Embeddings: plural(c.embeddings, "file of embeddings", "files of embeddings"),
	}
	var others []string
	for _, other := range []struct {
		n         int
		one, many string
		kind      Kind
	}{{photos, "image", "images", Images}, {tars, "tar", "tars", Tars}} {
		if other.n > 0 {
			others = append(others, fmt.Sprintf("%s (--source %s)", plural(other.n, other.one, other.many), other.kind))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("taken for %s; not read: %s", counts[kind], strings.Join(others, ", "))
}
