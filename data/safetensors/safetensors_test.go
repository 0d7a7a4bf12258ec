package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/safetensors"
	"engram/data/vfs"
)

// golden is one file written by the reference implementation
// (scripts/golden_data.py).
type golden struct {
	Name     string
	Metadata map[string]string
	Tensors  map[string]struct {
		Type   string
		Shape  []int
		Values []string
	}
	File []byte
}

func goldens(t testing.TB) []golden {
	t.Helper()
	var cases []golden
	goldentest.Load(t, &cases)
	return cases
}

// want returns the tensors as a reader must find them.
func (g golden) want(t testing.TB) map[string]safetensors.Tensor {
	t.Helper()
	out := map[string]safetensors.Tensor{}
	for name, tensor := range g.Tensors {
		out[name] = safetensors.Tensor{Shape: tensor.Shape, Data: goldentest.Values(t, tensor.Type, tensor.Values)}
	}
	return out
}

func TestReadFileAgreesWithTheReference(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			path := writeTemp(t, g.File)
			tensors, metadata, err := safetensors.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.want(t), tensors, goldentest.SameFloats()); diff != "" {
				t.Errorf("tensors: (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(g.Metadata, metadata); diff != "" {
				t.Errorf("metadata: (-want +got)\n%s", diff)
			}
		})
	}
}

// What was read is written byte for byte as the reference wrote it.
func TestWriteFileAgreesWithTheReference(t *testing.T) {
	compared := 0
	for _, g := range goldens(t) {
		if g.Name == "every type" { // the 16-bit floats are read only
			continue
		}
		compared++
		path := filepath.Join(t.TempDir(), "a.safetensors")
		tensors, metadata, err := safetensors.ReadFile(writeTemp(t, g.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := safetensors.WriteFile(vfs.OS{}, path, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.File, got); diff != "" {
			t.Errorf("%s: (-reference +written)\n%s", g.Name, diff)
		}
	}
	if compared != 3 {
		t.Errorf("%d files compared, want 3", compared)
	}
}

func TestReader(t *testing.T) {
	g := goldens(t)[2]
	r, err := safetensors.Open(writeTemp(t, g.File))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cube", "empty", "scalar", "weird \"name\" <é>"}, r.Names()); diff != "" {
		t.Errorf("names: (-want +got)\n%s", diff)
	}
	if shape, ok := r.Shape("cube"); !ok || !cmp.Equal(shape, []int{2, 3, 4}) {
		t.Errorf("shape of cube is %v, %v", shape, ok)
	}
	if _, ok := r.Shape("none"); ok {
		t.Error("a tensor that is not there has a shape")
	}
	if _, err := r.Tensor("none"); err == nil || !strings.Contains(err.Error(), `there is no tensor "none" among 4`) {
		t.Errorf("error is %v", err)
	}
	if diff := cmp.Diff(g.Metadata, r.Metadata()); diff != "" {
		t.Errorf("metadata: (-want +got)\n%s", diff)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tensor("cube"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close the error is %v, want one that says so", err)
	}
}

func writeTemp(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// file returns a file of this header and n bytes of data.
func file(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, n)...)
}

func TestBadFilesAreRefusedWithOneSentence(t *testing.T) {
	const a = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for want, content := range map[string][]byte{
		"the header's length takes 8 bytes, the file has 3":             []byte("abc"),
		"the header takes 18446744073709551615 bytes, at most 33554432": bytes.Repeat([]byte{0xff}, 20),
		"the header takes 100 bytes, the file has 2 after its length":   append(binary.LittleEndian.AppendUint64(nil, 100), "{}"...),
		"wanted a JSON object, found \"[1]\"":                           file("[1]", 0),
		"wanted a JSON object, found \"\"":                              file("", 0),
		"bytes of JSON end early":                                       file(`{"a":`, 0),
		"wanted nothing after the JSON object, found \"  x\"":           file("{}  x", 0),
		`"a" comes twice`: file("{"+a+","+a+"}", 8),
		`"a": wanted dtype, shape and two data_offsets`:                   file(`{"a":{"dtype":"F32","shape":[2]}}`, 0),
		`"b": wanted dtype, shape and two data_offsets`:                   file(`{"b":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4),
		`"a": type "F8_E4M3" is not read`:                                 file(strings.Replace("{"+a+"}", "F32", "F8_E4M3", 1), 8),
		`"a": shape -2 has a negative axis`:                               file(strings.Replace("{"+a+"}", "[2]", "[-2]", 1), 8),
		`"a": shape 4294967296×4294967296 is larger than any memory`:      file(strings.Replace("{"+a+"}", "[2]", "[4294967296,4294967296]", 1), 8),
		`"a": 3 F32 takes 12 bytes, the offsets are 0 to 8`:               file(strings.Replace("{"+a+"}", "[2]", "[3]", 1), 8),
		`"a": 2 F32 takes 8 bytes, the offsets are 8 to 0`:                file(strings.Replace("{"+a+"}", "[0,8]", "[8,0]", 1), 8),
		`"a": 2 F32 takes 8 bytes, the offsets are -8 to 0`:               file(strings.Replace("{"+a+"}", "[0,8]", "[-8,0]", 1), 8),
		`"a" begins at byte 8, the tensor before it ends at 0`:            file(strings.Replace("{"+a+"}", "[0,8]", "[8,16]", 1), 16),
		`"b" begins at byte 4, the tensor before it ends at 8`:            file("{"+a+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12),
		"header says 8 bytes of tensors, the file has 7":                  file("{"+a+"}", 7),
		"header says 8 bytes of tensors, the file has 9":                  file("{"+a+"}", 9),
		`"__metadata__": json: cannot unmarshal number into Go value of`:  file(`{"__metadata__":{"epoch":3}}`, 0),
		`"a": json: unknown field "data"`:                                 file(`{"a":{"data":[]}}`, 0),
		"cannot unmarshal number 1.5 into Go struct field .shape of type": file(`{"c":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4),
	} {
		path := writeTemp(t, content)
		_, _, err := safetensors.ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "safetensors: "+path) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
	if _, err := safetensors.Open(t.TempDir()); err == nil {
		t.Error("Open accepts a folder")
	}
	if _, err := safetensors.Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

func TestWriteFileRefusesWhatItCannotWrite(t *testing.T) {
	for want, tensors := range map[string]map[string]safetensors.Tensor{
		`tensor "w": shape 2×2 does not fit 3 elements`: {"w": {Shape: []int{2, 2}, Data: make([]float32, 3)}},
		`tensor "w": shape -1 has a negative axis`:      {"w": {Shape: []int{-1}, Data: []float32{}}},
		`tensor "w": wanted a slice of booleans`:        {"w": {Shape: []int{1}, Data: []string{"a"}}},
		`tensor "__metadata__": the name is kept`:       {"__metadata__": {Data: []float32{1}}},
		`the name is kept for the metadata or is not`:   {"\xff": {Data: []float32{1}}},
	} {
		path := filepath.Join(t.TempDir(), "a.safetensors")
		err := safetensors.WriteFile(vfs.OS{}, path, tensors, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a refused write leaves a file behind: %v", err)
		}
	}
}

// readAll reads everything; the sizes must fit the shapes.
func readAll(t *testing.T, content []byte) error {
	t.Helper()
	r, err := safetensors.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	for _, name := range r.Names() {
		tensor, err := r.Tensor(name)
		if err != nil {
			t.Errorf("a checked header leads to %v", err)
			return err
		}
		count := 1
		for _, n := range tensor.Shape {
			count *= n
		}
		if got := reflect.ValueOf(tensor.Data).Len(); got != count {
			t.Errorf("shape %v has %d elements", tensor.Shape, got)
		}
	}
	return nil
}

// Every truncation is an error; no flipped bit leads beyond the file.
func TestDamagedFiles(t *testing.T) {
	for _, g := range goldens(t)[1:3] {
		for cut := range g.File {
			if err := readAll(t, g.File[:cut]); err == nil {
				t.Errorf("%s: %d of %d bytes are accepted", g.Name, cut, len(g.File))
			}
		}
		for bit := range 8 * len(g.File) {
			damaged := bytes.Clone(g.File)
			damaged[bit/8] ^= 1 << (bit % 8)
			_ = readAll(t, damaged)
		}
	}
}

func FuzzNewReader(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.File)
	}
	f.Fuzz(func(t *testing.T, content []byte) { _ = readAll(t, content) })
}
