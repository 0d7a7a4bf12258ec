package laion

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// List finds the shards of a set, in the order of their numbers. The place is
//
//	a folder with img_emb/ and metadata/, or with all files in itself,
//	the folder img_emb/, beside metadata/,
//	or a pattern of embedding files, such as /data/*/img_emb_*.npy.
//
// Numbers may be padded with zeros or not, and need not agree in that between
// embeddings and metadata. Only headers and footers are read. A shard that is
// broken, incomplete or unlike the first one is listed with its Err; the error
// of List itself is for a place that cannot be read or has nothing (ErrNoShards).
func List(place string, set Set) ([]Shard, error) {
	vectors, err := vectorFiles(place, set)
	if err != nil {
		return nil, fmt.Errorf("laion: %w", err)
	}
	metadata, err := metadataFiles(place, vectors)
	if err != nil {
		return nil, fmt.Errorf("laion: %w", err)
	}
	if len(vectors) == 0 && len(metadata) == 0 {
		return nil, fmt.Errorf("laion: %s: wanted %s_N.npy there or in %s/: %w", place, set, set, ErrNoShards)
	}
	shards := pair(vectors, metadata, set)
	for i := range shards {
		shards[i].check()
	}
	checkDims(shards)
	return shards, nil
}

// numbered is a file and the number in its name.
type numbered struct {
	path   string
	number int
}

// numberedFiles returns the paths of a pattern whose name is the prefix, a
// number and the suffix, in the order of the numbers.
func numberedFiles(pattern, prefix, suffix string) ([]numbered, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	var out []numbered
	for _, path := range paths {
		digits, ok := strings.CutPrefix(filepath.Base(path), prefix+"_")
		digits, isKind := strings.CutSuffix(digits, suffix)
		number, err := strconv.ParseUint(digits, 10, 63)
		if ok && isKind && err == nil {
			out = append(out, numbered{path, int(number)})
		}
	}
	slices.SortStableFunc(out, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	return out, nil
}

// vectorFiles returns the embedding files at a place.
func vectorFiles(place string, set Set) ([]numbered, error) {
	if isPattern(place) {
		return numberedFiles(place, string(set), ".npy")
	}
	info, err := os.Stat(place)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: wanted a folder or a pattern, found a file: %w", place, ErrNoShards)
	}
	for _, dir := range []string{filepath.Join(place, string(set)), place} {
		files, err := numberedFiles(literal(dir, string(set)+"_*.npy"), string(set), ".npy")
		if err != nil || len(files) > 0 {
			return files, err
		}
	}
	return nil, nil
}

// isPattern says whether place is a pattern and not the name of something.
func isPattern(place string) bool {
	if !strings.ContainsAny(place, "*?[") {
		return false
	}
	_, err := os.Stat(place)
	return err != nil
}

// literal returns the pattern for names in a folder whose own name may have
// characters with a meaning in patterns.
func literal(dir, name string) string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)
	return filepath.Join(escape.Replace(dir), name)
}

// metadataFiles returns the metadata files that go with the embeddings: in
// their folders, in metadata/ there or in metadata/ beside.
func metadataFiles(place string, vectors []numbered) ([]numbered, error) {
	var homes []string
	for _, v := range vectors {
		homes = append(homes, filepath.Dir(v.path))
	}
	if len(homes) == 0 && !isPattern(place) {
		homes = []string{place}
	}
	slices.Sort(homes)
	var out []numbered
	seen := map[string]bool{}
	for _, home := range slices.Compact(homes) {
		for _, dir := range []string{home, filepath.Join(home, "metadata"), filepath.Join(home, "..", "metadata")} {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			files, err := numberedFiles(literal(dir, "metadata_*.parquet"), "metadata", ".parquet")
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
	}
	return out, nil
}

// pair puts embeddings and metadata of the same number together.
func pair(vectors, metadata []numbered, set Set) []Shard {
	partner := map[int]string{}
	twice := map[int]string{}
	for _, m := range metadata {
		if partner[m.number] != "" {
			twice[m.number] = m.path
			continue
		}
		partner[m.number] = m.path
	}
	var shards []Shard
	known := map[int]string{}
	for _, v := range vectors {
		s := Shard{Name: filepath.Base(v.path), Number: v.number, Vectors: File{Path: v.path}, Metadata: File{Path: partner[v.number]}}
		switch {
		case known[v.number] != "":
			s.Err = fmt.Errorf("%s has the number of %s: %w", v.path, known[v.number], ErrTwice)
		case twice[v.number] != "":
			s.Err = fmt.Errorf("%s has the number of %s: %w", twice[v.number], partner[v.number], ErrTwice)
		}
		known[v.number] = v.path
		shards = append(shards, s)
	}
	for _, m := range metadata {
		if known[m.number] != "" {
			continue
		}
		known[m.number] = m.path
		shards = append(shards, Shard{
			Name: filepath.Base(m.path), Number: m.number, Metadata: File{Path: m.path},
			Err: fmt.Errorf("%s: wanted %s_%d.npy with its vectors: %w", m.path, set, m.number, ErrNoVectors),
		})
	}
	slices.SortStableFunc(shards, func(a, b Shard) int { return cmp.Compare(a.Number, b.Number) })
	return shards
}
