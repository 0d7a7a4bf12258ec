package webdataset_test

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/webdataset"
)

// Whatever is read, samples are within the limit, have a key and are numbered,
// keys of good samples differ, and every error is one that the package declares.
func FuzzRead(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.file)
	}
	f.Add(pack(f, file{"a.jpg", "1"}, file{"a.jpg", "2"}, file{"b.txt", "3"}, file{"a.txt", "4"}))
	const limit = 1 << 14
	f.Fuzz(func(t *testing.T, content []byte) {
		got := collect(t, bytes.NewReader(content), webdataset.Options{MaxBytes: limit})
		if got.err != nil && !errors.Is(got.err, webdataset.ErrTruncated) && !errors.Is(got.err, webdataset.ErrCorrupt) {
			t.Errorf("unexpected error %v", got.err)
		}
		for _, err := range got.bad {
			if !errors.Is(err, webdataset.ErrTooLarge) && !errors.Is(err, webdataset.ErrDuplicate) {
				t.Errorf("unexpected error %v", err)
			}
		}
		keys := map[string]bool{}
		for s, err := range webdataset.Read(bytes.NewReader(content), webdataset.Options{MaxBytes: limit}) {
			if s == nil {
				break
			}
			if keys[s.Key] && err == nil {
				t.Errorf("key %q comes twice without an error", s.Key)
			}
			keys[s.Key] = true
			size := 0
			for _, file := range s.Files {
				size += len(file.Data) + 512
			}
			if size > limit {
				t.Errorf("sample %q has %d bytes", s.Key, size)
			}
		}
	})
}

// keyed is the expression by which webdataset's base_plus_ext parts a name.
var keyed = regexp.MustCompile(`(?s)^((?:.*/|)[^.]+)[.]([^/]*)$`)

// grouped is what collect should find in a tar of files, done slowly: the good
// samples and how many are bad.
func grouped(files []file) (good []string, bad int) {
	type group struct {
		key   string
		files []webdataset.File
		bad   bool
	}
	var groups []*group
	seen := map[string]bool{}
	for _, f := range files {
		m := keyed.FindStringSubmatch(f.name)
		top, _, _ := strings.Cut(f.name, "/")
		isMeta := len(top) >= 4 && strings.HasPrefix(top, "__") && strings.HasSuffix(top, "__")
		if m == nil || isMeta || strings.HasPrefix(path.Base(f.name), ".") {
			continue
		}
		if len(groups) == 0 || groups[len(groups)-1].key != m[1] {
			groups = append(groups, &group{key: m[1], bad: seen[m[1]]})
			seen[m[1]] = true
		}
		g := groups[len(groups)-1]
		g.files = append(g.files, webdataset.File{Ext: strings.ToLower(m[2]), Data: []byte(f.content)})
		for _, other := range g.files[:len(g.files)-1] {
			g.bad = g.bad || other.Ext == strings.ToLower(m[2])
		}
	}
	for _, g := range groups {
		if g.bad {
			bad++
		} else {
			good = append(good, fmt.Sprintf("%s %q", g.key, g.files))
		}
	}
	return good, bad
}

// Files are grouped as the slow way does it, whatever their names.
func FuzzGroup(f *testing.F) {
	f.Add("a.jpg\na.txt\nb.jpg\nb.TXT")
	f.Add("d/a.jpg\nd/a.seg.png\nd.x/a.jpg\n__m__\n__m__/a.txt\n__m__.txt\nd/__m__.txt\n____/x.y")
	f.Add("a.jpg\n.a\nd/.a.b\n./a.txt\n../a.txt\n/a.txt\na\na.\na.jpg\na.jpg\nb.x\nb.X")
	f.Fuzz(func(t *testing.T, names string) {
		var files []file
		for name := range strings.SplitSeq(names, "\n") {
			if name != "" && !strings.HasSuffix(name, "/") && !strings.Contains(name, "\x00") && len(name) < 200 && len(files) < 50 {
				files = append(files, file{name, fmt.Sprint(len(files))})
			}
		}
		got := collect(t, bytes.NewReader(pack(t, files...)), webdataset.Options{})
		good, bad := grouped(files)
		if diff := cmp.Diff(good, got.good); diff != "" || len(got.bad) != bad || got.err != nil {
			t.Errorf("%d are bad, want %d, error %v, (-want +got)\n%s", len(got.bad), bad, got.err, diff)
		}
	})
}

// Whatever the json file says, there is an error or values that an index takes.
func FuzzMetadata(f *testing.F) {
	for _, s := range named(f, "json").Samples {
		f.Add(s.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := sample("json", string(text)).Metadata()
		if err != nil && !errors.Is(err, webdataset.ErrMetadata) {
			t.Errorf("unexpected error %v", err)
		}
		for name, value := range values {
			switch value.(type) {
			case string, bool, int64, float64, []string:
			default:
				t.Errorf("%s is %T", name, value)
			}
		}
	})
}

// Whatever the stats say, there is an error or counts that fit together.
func FuzzStats(f *testing.F) {
	f.Add(named(f, "img2dataset 00000").Stats)
	f.Add(named(f, "img2dataset 00001").Stats)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := webdataset.ParseStats(text)
		if err != nil {
			return
		}
		if min(s.Successes, s.FailedToDownload, s.FailedToResize) < 0 || s.Successes > s.Count-s.FailedToDownload-s.FailedToResize {
			t.Errorf("counts do not fit: %+v", s)
		}
	})
}
