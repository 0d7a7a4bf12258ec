package webdataset_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/webdataset"
)

// golden is a tar and what Python finds in it (scripts/golden_webdataset.py).
type golden struct {
	Name    string
	Samples []goldenSample
	Stats   []byte // img2dataset's _stats.json, of some
	Packed  []byte // the file, once more compressed
	file    []byte
}

type goldenSample struct {
	Key      string
	Files    []webdataset.File
	Caption  *string
	Metadata map[string][]string // type and value
}

func goldens(t testing.TB) []golden {
	t.Helper()
	var cases []golden
	goldentest.Load(t, &cases)
	for i := range cases {
		r, err := gzip.NewReader(bytes.NewReader(cases[i].Packed))
		if err != nil {
			t.Fatal(err)
		}
		if cases[i].file, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return cases
}

// named returns the golden with a name.
func named(t testing.TB, name string) golden {
	t.Helper()
	for _, g := range goldens(t) {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("there is no golden %q", name)
	return golden{}
}

// write puts files into a temporary folder, which it returns.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSamplesAgreeWithPython(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			path := filepath.Join(write(t, map[string][]byte{"x": g.file}), "x")
			i := 0
			for s, err := range webdataset.ReadFile(path, webdataset.Options{}) {
				if err != nil {
					t.Fatal(err)
				}
				if i == len(g.Samples) {
					t.Fatalf("there are more than %d samples", i)
				}
				if s.Index != i {
					t.Errorf("sample %d has index %d", i, s.Index)
				}
				checkSample(t, g.Samples[i], s)
				i++
			}
			if i != len(g.Samples) {
				t.Errorf("there are %d samples, want %d", i, len(g.Samples))
			}
		})
	}
}

func checkSample(t *testing.T, want goldenSample, got *webdataset.Sample) {
	t.Helper()
	if got.Key != want.Key {
		t.Errorf("key is %q, want %q", got.Key, want.Key)
	}
	if diff := cmp.Diff(want.Files, got.Files); diff != "" {
		t.Errorf("%s: files (-want +got)\n%s", want.Key, diff)
	}
	caption, found := got.Caption()
	if found != (want.Caption != nil) || found && caption != *want.Caption {
		t.Errorf("%s: caption is %q, %t", want.Key, caption, found)
	}
	metadata, err := got.Metadata()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(values(t, want.Metadata), metadata); diff != "" {
		t.Errorf("%s: metadata (-want +got)\n%s", want.Key, diff)
	}
}

// values parses what the golden says of a json file.
func values(t *testing.T, texts map[string][]string) map[string]any {
	t.Helper()
	if texts == nil {
		return nil
	}
	out := map[string]any{}
	for name, text := range texts {
		var err error
		switch text[0] {
		case "string":
			out[name] = text[1]
		case "[]string":
			out[name] = text[1:]
		case "bool":
			out[name], err = strconv.ParseBool(text[1])
		case "int64":
			out[name], err = strconv.ParseInt(text[1], 10, 64)
		case "float64":
			out[name], err = strconv.ParseFloat(text[1], 64)
		default:
			t.Fatalf("golden has unknown type %s", text[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestReadersThatDeliverLittle(t *testing.T) {
	for _, g := range goldens(t) {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "the end with the data": iotest.DataErrReader,
		} {
			got := collect(t, wrap(bytes.NewReader(g.file)), webdataset.Options{})
			if got.err != nil || len(got.good) != len(g.Samples) {
				t.Errorf("%s, %s: %d samples, want %d, error %v", g.Name, name, len(got.good), len(g.Samples), got.err)
			}
		}
	}
}

// result is what came of reading a tar.
type result struct {
	good []string // content of the good samples
	bad  []error
	err  error // that ended it
}

// collect reads a tar and checks what holds for all of them: positions count
// up, and nothing follows the error that ends it.
func collect(t testing.TB, r io.Reader, o webdataset.Options) result {
	t.Helper()
	var out result
	next := 0
	for s, err := range webdataset.Read(r, o) {
		if out.err != nil {
			t.Fatalf("something follows %v", out.err)
		}
		if s == nil {
			var archive *webdataset.ArchiveError
			if !errors.As(err, &archive) || archive.Samples != len(out.good) || (archive.After == "") != (next == 0) {
				t.Errorf("error is %v, want an ArchiveError after %d good of %d samples", err, len(out.good), next)
			}
			out.err = err
			continue
		}
		if s.Index != next || s.Key == "" {
			t.Errorf("sample %d has index %d and key %q", next, s.Index, s.Key)
		}
		next++
		if err != nil {
			out.bad = append(out.bad, err)
		} else {
			out.good = append(out.good, fmt.Sprintf("%s %q", s.Key, s.Files))
		}
	}
	return out
}
