package webdataset_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/webdataset"
)

// file is an entry of a tar.
type file struct{ name, content string }

func pack(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Files that no sample can have are counted; folders and what programs keep for
// themselves are no loss.
func TestFilesOfNoSample(t *testing.T) {
	var shard bytes.Buffer
	w := tar.NewWriter(&shard)
	for _, h := range []tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir}, {Name: "d/photo"}, {Name: "1.jpg"}, {Name: "d/._1.jpg"}, {Name: "__meta__/x"},
		{Name: "2.jpg", Typeflag: tar.TypeSymlink, Linkname: "1.jpg"}, {Name: "3.jpg", Typeflag: tar.TypeLink, Linkname: "1.jpg"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var notices []string
	got := collect(t, &shard, webdataset.Options{Notice: func(text string) { notices = append(notices, text) }})
	if len(got.good) != 1 || got.err != nil {
		t.Errorf("%d samples, error %v; want one", len(got.good), got.err)
	}
	if diff := cmp.Diff([]string{`links and files without an ending are left out: 3, the first is d/photo`}, notices); diff != "" {
		t.Errorf("notices (-want +got)\n%s", diff)
	}
	if got := collect(t, bytes.NewReader(pack(t, file{"1.jpg", "x"})), webdataset.Options{Notice: func(text string) { t.Error(text) }}); got.err != nil {
		t.Error(got.err)
	}
}

// Wherever a tar is cut, what comes before is delivered and nothing is made up. An
// error follows, or, where the cut is between two files, a notice.
func TestTruncated(t *testing.T) {
	for _, g := range goldens(t) {
		whole := collect(t, bytes.NewReader(g.file), webdataset.Options{})
		end := len(g.file)
		if rest := bytes.TrimRight(g.file, "\x00"); !strings.Contains(g.Name, "gzip") && !strings.Contains(g.Name, "zstd") {
			end = (len(rest)+511)/512*512 + 1024 // what follows is padding
		}
		for cut := 0; cut < end; cut += 1 + cut/200 {
			notice := ""
			got := collect(t, bytes.NewReader(g.file[:cut]), webdataset.Options{Notice: func(text string) { notice = text }})
			if !errors.Is(got.err, webdataset.ErrTruncated) && (got.err != nil || notice == "") {
				t.Fatalf("%s cut to %d of %d bytes: error is %v, want ErrTruncated", g.Name, cut, len(g.file), got.err)
			}
			n := len(got.good)
			if got.err == nil && n > 0 && n <= len(whole.good) {
				n-- // the last may lack the files that would have followed
				if last := strings.TrimSuffix(got.good[n], "]"); !strings.HasPrefix(whole.good[n], last) {
					t.Fatalf("%s cut to %d bytes: the last sample is %s, want the beginning of %s", g.Name, cut, last, whole.good[n])
				}
			}
			if n > len(whole.good) || !slices.Equal(got.good[:n], whole.good[:n]) || got.bad != nil {
				t.Fatalf("%s cut to %d bytes: samples differ", g.Name, cut)
			}
		}
	}
}

func TestTruncatedDeliversWhatWasComplete(t *testing.T) {
	shard := pack(t, file{"a.jpg", "1"}, file{"a.txt", "2"}, file{"b.jpg", "3"}, file{"b.txt", "4"})
	for _, c := range []struct {
		blocks int // of 512 bytes: a file has two
		good   []string
		says   string // "": nothing is wrong, but a notice says that the zeros at the end are missing
	}{
		{0, nil, "before the first sample was complete: the file is empty: the tar is truncated"},
		{3, nil, "before the first sample was complete: the tar is truncated"},
		{4, []string{`a [{"jpg" "1"} {"txt" "2"}]`}, ""},
		{5, []string{`a [{"jpg" "1"} {"txt" "2"}]`}, "after sample a, 1 good ones so far: the tar is truncated"},
		{8, []string{`a [{"jpg" "1"} {"txt" "2"}]`, `b [{"jpg" "3"} {"txt" "4"}]`}, ""},
		{9, []string{`a [{"jpg" "1"} {"txt" "2"}]`, `b [{"jpg" "3"} {"txt" "4"}]`}, ""},
	} {
		notice := ""
		got := collect(t, bytes.NewReader(shard[:c.blocks*512]), webdataset.Options{Notice: func(text string) { notice = text }})
		if diff := cmp.Diff(c.good, got.good); diff != "" {
			t.Errorf("%d blocks: (-want +got)\n%s", c.blocks, diff)
		}
		if c.says == "" {
			if got.err != nil || notice != "it lacks the zeros that end a tar" {
				t.Errorf("%d blocks: error is %v, notice %q", c.blocks, got.err, notice)
			}
			continue
		}
		if !errors.Is(got.err, webdataset.ErrTruncated) || !strings.Contains(got.err.Error(), c.says) {
			t.Errorf("%d blocks: error is %v, want one that says %q", c.blocks, got.err, c.says)
		}
	}
	if got := collect(t, bytes.NewReader(shard[:10*512]), webdataset.Options{}); got.err != nil || len(got.good) != 2 {
		t.Errorf("without padding: %d samples, error %v", len(got.good), got.err)
	}
}

// Tapes and archives pad compressed files with zeros; pigz and cat write several
// members.
func TestPaddingAndMembersOfGzip(t *testing.T) {
	plain := named(t, "webdataset").file
	var packed bytes.Buffer
	for _, half := range [][]byte{plain[:len(plain)/2], plain[len(plain)/2:]} {
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(half); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	packed.Write(make([]byte, 10240))
	want := collect(t, bytes.NewReader(plain), webdataset.Options{})
	got := collect(t, &packed, webdataset.Options{})
	if got.err != nil || !slices.Equal(got.good, want.good) {
		t.Errorf("samples %v, error %v; want %v", got.good, got.err, want.good)
	}
}

// A changed byte of a compressed tar is an error or makes no difference.
func TestDamagedGzip(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(named(t, "webdataset").file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := collect(t, bytes.NewReader(packed.Bytes()), webdataset.Options{})
	damaged := 0
	for i := range packed.Bytes() {
		changed := bytes.Clone(packed.Bytes())
		changed[i] ^= 0x10
		got := collect(t, bytes.NewReader(changed), webdataset.Options{})
		switch {
		case got.err != nil:
			damaged++
			if !errors.Is(got.err, webdataset.ErrCorrupt) && !errors.Is(got.err, webdataset.ErrTruncated) {
				t.Errorf("byte %d: unexpected error %v", i, got.err)
			}
		case !slices.Equal(got.good, whole.good):
			t.Errorf("byte %d: samples differ without an error", i)
		}
	}
	if len(whole.good) != 3 || damaged < packed.Len()*9/10 { // the time, say, means nothing
		t.Errorf("%d of %d changes were noticed", damaged, packed.Len())
	}
}

// Tars that were joined by cat are read one after the other, whatever zeros lie
// between them; gzip may be padded, and may have several members.
func TestJoinedAndPadded(t *testing.T) {
	a, b := pack(t, file{"a.jpg", "1"}), pack(t, file{"b.jpg", "2"}, file{"c.jpg", "3"})
	zipped := func(content []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	for name, content := range map[string][]byte{
		"joined":          slices.Concat(a, b),
		"far apart":       slices.Concat(a, make([]byte, 20480), b),
		"without zeros":   slices.Concat(a[:1024], b[:2048]),
		"gzip":            zipped(slices.Concat(a, b)),
		"gzip, padded":    append(zipped(slices.Concat(a, b)), make([]byte, 10240)...),
		"two of gzip":     slices.Concat(zipped(a), zipped(b)),
		"odd padding":     append(slices.Concat(a, b), make([]byte, 100)...),
		"gzip of the cut": zipped(slices.Concat(a, b)[:len(a)+2048]),
	} {
		got := collect(t, bytes.NewReader(content), webdataset.Options{})
		if got.err != nil || len(got.good) != 3 {
			t.Errorf("%s: %d samples, error %v, want a, b and c", name, len(got.good), got.err)
		}
	}
}

func TestNoTar(t *testing.T) {
	one := pack(t, file{"a.jpg", "1"})
	for name, content := range map[string][]byte{
		"text":         []byte(strings.Repeat("no tar at all\n", 100)),
		"zip":          append([]byte("PK\x03\x04"), make([]byte, 1000)...),
		"bad checksum": append([]byte("b"), one[1:]...),
		"gzip of text": append([]byte("\x1f\x8b\x08\x00"), make([]byte, 1000)...),
		"zstd of text": append([]byte("\x28\xb5\x2f\xfd"), []byte(strings.Repeat("x", 1000))...),
		"text after":   append(bytes.Clone(one), "text"...),
	} {
		got := collect(t, bytes.NewReader(content), webdataset.Options{})
		if !errors.Is(got.err, webdataset.ErrCorrupt) {
			t.Errorf("%s: error is %v, want ErrCorrupt", name, got.err)
		}
	}
}

func TestErrorsOfTheDisk(t *testing.T) {
	want := errors.New("the disk is broken")
	for _, name := range []string{"webdataset", "webdataset gzip", "webdataset zstd"} {
		g := named(t, name)
		for _, n := range []int{0, 1, 100, len(g.file) / 2, len(g.file) - 1} {
			r := io.MultiReader(bytes.NewReader(g.file[:n]), iotest.ErrReader(want))
			got := collect(t, r, webdataset.Options{})
			if !errors.Is(got.err, want) || errors.Is(got.err, webdataset.ErrTruncated) || errors.Is(got.err, webdataset.ErrCorrupt) {
				t.Errorf("%s after %d bytes: error is %v, want the disk's error alone", name, n, got.err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "none.tar")
	for s, err := range webdataset.ReadFile(path, webdataset.Options{}) {
		var archive *webdataset.ArchiveError
		if s != nil || !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &archive) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want fs.ErrNotExist in an ArchiveError", err)
		}
	}
}

func TestBadSamples(t *testing.T) {
	big := strings.Repeat("x", 3000)
	got := collect(t, bytes.NewReader(pack(t,
		file{"a.jpg", "1"}, file{"a.txt", "2"},
		file{"b.jpg", "1"}, file{"b.JPG", "2"}, file{"b.txt", big},
		file{"c.jpg", big}, file{"c.txt", "3"},
		file{"a.txt", "4"},
		file{"d.jpg", big[:1000]}, file{"d.png", big[:1000]},
		file{"e.jpg", big[:1488]},
		file{"f.jpg", big[:1489]},
		file{"g.txt", "5"},
	)), webdataset.Options{MaxBytes: 2000})
	if got.err != nil {
		t.Fatal(got.err)
	}
	if n := len(got.good); n != 3 {
		t.Errorf("%d samples are good, want a, e and g", n)
	}
	want := []struct {
		kind error
		says string
	}{
		{webdataset.ErrDuplicate, "webdataset: sample b: the name comes twice: it has two files .jpg"},
		{webdataset.ErrTooLarge, "webdataset: sample c: the sample is too large: with the 3000 bytes of .jpg it exceeds 2000"},
		{webdataset.ErrDuplicate, "webdataset: sample a: the name comes twice: its key came before, the files of a sample must follow each other"},
		{webdataset.ErrTooLarge, "webdataset: sample d: the sample is too large: with the 1000 bytes of .png it exceeds 2000"},
		{webdataset.ErrTooLarge, "webdataset: sample f: the sample is too large: with the 1489 bytes of .jpg it exceeds 2000"},
	}
	if len(got.bad) != len(want) {
		t.Fatalf("%d samples are bad, want %d: %v", len(got.bad), len(want), got.bad)
	}
	for i, w := range want {
		if !errors.Is(got.bad[i], w.kind) || got.bad[i].Error() != w.says {
			t.Errorf("error is %v, want %q", got.bad[i], w.says)
		}
	}
}

func TestBadSamplesKeepWhatCouldBeRead(t *testing.T) {
	shard := pack(t, file{"a.jpg", strings.Repeat("x", 5000)}, file{"a.txt", "a zebra"})
	for s, err := range webdataset.Read(bytes.NewReader(shard), webdataset.Options{MaxBytes: 4096}) {
		if caption, _ := s.Caption(); caption != "a zebra" || !errors.Is(err, webdataset.ErrTooLarge) {
			t.Errorf("caption is %q, error is %v", caption, err)
		}
		if _, _, err := s.Image(); !errors.Is(err, webdataset.ErrNoImage) {
			t.Errorf("error is %v, want ErrNoImage", err)
		}
	}
}

func TestTooManyFiles(t *testing.T) {
	var files []file
	for i := range 4097 {
		files = append(files, file{fmt.Sprintf("video.%04d.jpg", i), ""})
	}
	got := collect(t, bytes.NewReader(pack(t, files[:4096]...)), webdataset.Options{})
	if len(got.good) != 1 || got.err != nil {
		t.Errorf("4096 files: %v, %v", got.bad, got.err)
	}
	got = collect(t, bytes.NewReader(pack(t, files...)), webdataset.Options{})
	if len(got.bad) != 1 || !errors.Is(got.bad[0], webdataset.ErrTooLarge) {
		t.Errorf("4097 files: %v, %v", got.bad, got.err)
	}
}

// Beyond a megabyte a file is read in steps.
func TestLargeFiles(t *testing.T) {
	content := make([]byte, 5<<20+3)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content) // never fails
	for _, size := range []int{1 << 20, 1<<20 + 1, 2 << 20, 4<<20 - 1, len(content)} {
		shard := pack(t, file{"a.jpg", string(content[:size])}, file{"a.txt", "1"})
		for s, err := range webdataset.Read(bytes.NewReader(shard), webdataset.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			if _, data, err := s.Image(); err != nil || !bytes.Equal(data, content[:size]) {
				t.Errorf("%d bytes: there are %d, or others; error %v", size, len(data), err)
			}
		}
		cut := collect(t, bytes.NewReader(shard[:size]), webdataset.Options{})
		if !errors.Is(cut.err, webdataset.ErrTruncated) || len(cut.good) > 0 {
			t.Errorf("%d bytes, cut: error is %v, want ErrTruncated", size, cut.err)
		}
	}
}

// A header may promise much more than there is: little is allocated for it.
func TestSizesThatLie(t *testing.T) {
	var shard bytes.Buffer
	if err := tar.NewWriter(&shard).WriteHeader(&tar.Header{Name: "a.jpg", Size: 63 << 20}); err != nil {
		t.Fatal(err)
	}
	var got result
	used := goldentest.AllocatedBytes(func() { got = collect(t, &shard, webdataset.Options{}) })
	if !errors.Is(got.err, webdataset.ErrTruncated) {
		t.Errorf("error is %v, want ErrTruncated", got.err)
	}
	if used > 4<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

// Hidden files have no key, in no folder. Python finds one with the key "d/".
func TestHiddenFiles(t *testing.T) {
	got := collect(t, bytes.NewReader(pack(t,
		file{"d/a.jpg", "1"}, file{"d/._a.jpg", "2"}, file{"d/.DS_Store", "3"}, file{"d/a.txt", "4"},
	)), webdataset.Options{})
	want := []string{`d/a [{"jpg" "1"} {"txt" "4"}]`}
	if diff := cmp.Diff(want, got.good); diff != "" || got.err != nil {
		t.Errorf("error %v, (-want +got)\n%s", got.err, diff)
	}
}

func TestStopping(t *testing.T) {
	shard := pack(t, file{"a.jpg", "1"}, file{"b.jpg", "2"}, file{"c.jpg", "3"})
	n := 0
	for range webdataset.Read(bytes.NewReader(shard), webdataset.Options{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d samples came, want 2", n)
	}
}
