package npy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/npy"
	"engram/data/realtest"
)

// file returns a version 1.0 file of this header and data.
func file(header, data string) []byte {
	out := []byte("\x93NUMPY\x01\x00")
	out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	return append(append(out, header...), data...)
}

func TestHeadersThatNumPyWroteOverTheYears(t *testing.T) {
	for name, header := range map[string]string{
		"today":            "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1), }          \n",
		"no final comma":   "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1)}\n",
		"Python 2 long":    "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 1L), }\n",
		"double quotes":    `{"descr": "<i2", "fortran_order": False, "shape": (2, 1)}`,
		"another order":    "{'shape': (2, 1), 'fortran_order': True, 'descr': '<i2'}\n",
		"no spaces at all": "{'descr':'<i2','fortran_order':False,'shape':(2,1,)}",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := npy.Read(bytes.NewReader(file(header, "\x01\x00\x02\x80")), 100)
			if err != nil {
				t.Fatal(err)
			}
			want := &npy.Array{Shape: []int{2, 1}, Data: []int16{1, -32766}}
			if diff := cmp.Diff(want, a); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestBadFilesAreRefusedWithOneSentence(t *testing.T) {
	good := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
	with := func(old, new string) []byte {
		return file(strings.Replace(good, old, new, 1), strings.Repeat("\x00", 24))
	}
	for want, content := range map[string][]byte{
		"the magic and version take 8 bytes, there are 3":                      []byte("\x93NU"),
		"wanted the magic \"\\x93NUMPY\" of an npy file, found \"PK\\x03\\x04": []byte("PK\x03\x04zipfile"),
		"format version 4.0 is not known":                                      []byte("\x93NUMPY\x04\x00\x00\x00"),
		"format version 1.1 is not known":                                      []byte("\x93NUMPY\x01\x01\x00\x00"),
		"the header's length takes 4 bytes, there are 2":                       []byte("\x93NUMPY\x02\x00\x00\x00"),
		"the header takes 4294967295 bytes, at most 65536":                     []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"),
		"the header takes 200 bytes, there are 1":                              []byte("\x93NUMPY\x01\x00\xc8\x00{"),
		"header says 2×3 float32 = 24 bytes, the file has 23":                  file(good, strings.Repeat("\x00", 23)),
		"header says 2×3 float32 = 24 bytes, the file has 25":                  file(good, strings.Repeat("\x00", 25)),
		"holds Python objects":                                                 with("<f4", "|O"),
		"structured types are not read":                                        with("'<f4'", "[('x', '<f4')]"),
		"type \"<c8\" is not read":                                             with("<f4", "<c8"),
		"type \"<U3\" is not read":                                             with("<f4", "<U3"),
		"type \"<M8[ns]\" is not read":                                         with("<f4", "<M8[ns]"),
		"type \"f4\" is not read":                                              with("<f4", "f4"),
		"type \"\" is not known":                                               with("<f4", ""),
		"type \"|f4\" does not say its byte order":                             with("<f4", "|f4"),
		"wanted a string, found \"None":                                        with("'<f4'", "None"),
		"wanted True or False, found \"0":                                      with("False", "0"),
		"wanted the length of an axis, found \"-2":                             with("(2,", "(-2,"),
		"wanted the length of an axis, found \"None":                           with("(2,", "(None,"),
		"wanted , or ), found \"3":                                             with("2, 3", "2 3"),
		"wanted a tuple as shape, found (6)":                                   with("(2, 3)", "(6)"),
		"wanted '(', found \"[2":                                               with("(2, 3)", "[2, 3]"),
		"axis \"99999999999999999999\" is larger than any memory":              with("2, 3", "99999999999999999999"),
		"shape 4294967296×4294967296 is larger than any memory":                with("2, 3", "4294967296, 4294967296"),
		"shape has more than 64 axes":                                          with("2, 3", strings.Repeat("1, ", 65)),
		"key \"descr\" is missing":                                             with("'descr': '<f4', ", ""),
		"key \"shape\" comes twice":                                            with("'descr': '<f4'", "'shape': (1,)"),
		"key \"order\" is not known":                                           with("'descr'", "'order'"),
		"wanted nothing after the dict, found \"import os":                     with("}", "} import os"),
		"wanted '}', found the end":                                            with(", }\n", ""),
		"wanted a plain string, found \"'descr":                                file("{'descr", ""),
		"wanted '{', found the end":                                            file("", ""),
	} {
		path := writeTemp(t, content)
		_, err := npy.ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "npy: "+path) {
			t.Errorf("ReadFile: error is %v, want one that says %q", err, want)
		}
		if _, err := npy.Read(bytes.NewReader(content), 1000); err == nil {
			t.Errorf("Read accepts the file that should fail with %q", want)
		}
		if _, err := npy.OpenRows(path); err == nil {
			t.Errorf("OpenRows accepts the file that should fail with %q", want)
		}
	}
}

func TestReadStopsAtItsLimit(t *testing.T) {
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }\n"
	_, err := npy.Read(bytes.NewReader(file(header, "")), 1<<20)
	if !errors.Is(err, npy.ErrTooLarge) {
		t.Errorf("error is %v, want ErrTooLarge", err)
	}
}

// A sender who claims much and sends little must not cost what he claims.
func TestReadAllocatesWhatArrivesNotWhatIsClaimed(t *testing.T) {
	content := file("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000,), }\n", "12345678")
	got := goldentest.AllocatedBytes(func() {
		if _, err := npy.Read(bytes.NewReader(content), 1<<30); err == nil {
			t.Error("a truncated array is accepted")
		}
	})
	if got > 2<<20 {
		t.Errorf("reading %d bytes allocates %d", len(content), got)
	}
}

// Every truncation is an error; every flipped bit is an error or an array that
// fits its shape.
func TestDamagedFiles(t *testing.T) {
	for _, g := range goldens(t)[:12] {
		for cut := range g.File {
			if _, err := npy.Read(bytes.NewReader(g.File[:cut]), 1<<20); err == nil {
				t.Errorf("%s: Read accepts %d of %d bytes", g.Name, cut, len(g.File))
			}
		}
		for bit := range 8 * len(g.File) {
			damaged := bytes.Clone(g.File)
			damaged[bit/8] ^= 1 << (bit % 8)
			a, err := npy.Read(bytes.NewReader(damaged), 1<<20)
			if err == nil {
				checkShape(t, a)
			}
		}
	}
}

func checkShape(t *testing.T, a *npy.Array) {
	t.Helper()
	count := 1
	for _, n := range a.Shape {
		count *= n
	}
	if got := len(a.Float32s()); got != count {
		t.Errorf("shape %v has %d elements", a.Shape, got)
	}
}

func TestInt64s(t *testing.T) {
	for _, g := range goldens(t) {
		a, err := npy.Read(bytes.NewReader(g.File), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Int64s()
		switch g.Dtype {
		case "bool", "float16", "float32", "float64":
			if err == nil {
				t.Errorf("%s: Int64s accepts %s", g.Name, g.Dtype)
			}
		case "uint64": // holds the largest uint64
			if err == nil {
				t.Errorf("%s: Int64s accepts values above the largest int64", g.Name)
			}
		default:
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(goldentest.Values(t, "int64", g.Values), any(got)); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", g.Name, diff)
			}
		}
	}
}

func TestWriteIsReadBackAndAligned(t *testing.T) {
	long := make([]float64, 3*chunkOfFloat64+5)
	for i := range long {
		long[i] = math.Sqrt(float64(i))
	}
	for name, want := range map[string]*npy.Array{
		"bool":    {Shape: []int{3}, Data: []bool{true, false, true}},
		"int8":    {Shape: []int{1, 2}, Data: []int8{-128, 127}},
		"int16":   {Shape: []int{1, 2}, Data: []int16{-32768, 5}},
		"int32":   {Shape: []int{2}, Data: []int32{math.MinInt32, 5}},
		"int64":   {Shape: []int{2}, Data: []int64{math.MinInt64, 5}},
		"uint8":   {Shape: []int{2}, Data: []uint8{255, 5}},
		"uint16":  {Shape: []int{2}, Data: []uint16{65535, 5}},
		"uint32":  {Shape: []int{2}, Data: []uint32{math.MaxUint32, 5}},
		"uint64":  {Shape: []int{2}, Data: []uint64{math.MaxUint64, 5}},
		"float32": {Shape: []int{2, 1, 1}, Data: []float32{1.5, float32(math.NaN())}},
		"float64": {Shape: []int{len(long)}, Data: long},
		"scalar":  {Shape: []int{}, Data: []float32{3}},
		"empty":   {Shape: []int{4, 0}, Data: []float32{}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.npy")
			if err := npy.WriteFile(path, want.Shape, want.Data); err != nil {
				t.Fatal(err)
			}
			got, err := npy.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, goldentest.SameFloats()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if end := bytes.IndexByte(content, '\n') + 1; end%64 != 0 {
				t.Errorf("data starts at byte %d, want a multiple of 64", end)
			}
		})
	}
}

// chunkOfFloat64 is how many elements are encoded at a time.
const chunkOfFloat64 = 1 << 13

// NumPy's own files of these types and layout are what Write writes.
func TestWriteWritesNumPysBytes(t *testing.T) {
	same := 0
	for _, g := range goldens(t) {
		if !strings.Contains(g.Name, " C 1.0") || g.Name[0] == '>' || g.Dtype == "float16" {
			continue
		}
		var got bytes.Buffer
		if err := npy.Write(&got, g.Shape, goldentest.Values(t, g.Dtype, g.Values)); err != nil {
			t.Fatal(err)
		}
		same++
		if !strings.HasPrefix(g.Dtype, "float") && !bytes.Equal(got.Bytes(), g.File) {
			t.Errorf("%s: wrote\n%q\nNumPy wrote\n%q", g.Name, got.Bytes(), g.File)
		}
		// A NaN's bits may differ; the header and all before it may not.
		if !bytes.Equal(got.Bytes()[:128], g.File[:128]) {
			t.Errorf("%s: header is %q, NumPy's is %q", g.Name, got.Bytes()[:128], g.File[:128])
		}
	}
	if same != 11 {
		t.Errorf("%d types compared, want 11", same)
	}
}

func TestWriteRefusesWhatItCannotWrite(t *testing.T) {
	for want, write := range map[string]func(path string) error{
		"shape 2×2 does not fit 3 elements": func(p string) error { return npy.WriteFile(p, []int{2, 2}, make([]float32, 3)) },
		"shape -1×2 has a negative axis":    func(p string) error { return npy.WriteFile(p, []int{-1, 2}, make([]float32, 2)) },
		"found []string":                    func(p string) error { return npy.WriteFile(p, []int{1}, []string{"a"}) },
	} {
		path := filepath.Join(t.TempDir(), "a.npy")
		if err := write(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a refused write leaves a file behind: %v", err)
		}
	}
}

func TestRowsRefuseWhatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := npy.WriteFile(path, []int{3, 2}, make([]float32, 6)); err != nil {
		t.Fatal(err)
	}
	rows, err := npy.OpenRows(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, ask := range [][2]int{{-1, 1}, {0, 4}, {3, 1}, {2, math.MaxInt}, {0, -1}} {
		if err := rows.Read(make([]float32, 100), ask[0], ask[1]); err == nil {
			t.Errorf("Read of %d rows from row %d of 3 is accepted", ask[1], ask[0])
		}
	}
	if err := rows.Read(make([]float32, 3), 0, 2); err == nil {
		t.Error("Read into a short buffer is accepted")
	}
	if err := npy.WriteFile(path, []int{}, []float32{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := npy.OpenRows(path); err == nil {
		t.Error("OpenRows accepts a scalar")
	}
}

func TestAFolderIsNotAnArray(t *testing.T) {
	if _, err := npy.ReadFile(t.TempDir()); err == nil {
		t.Error("ReadFile accepts a folder")
	}
	if _, err := npy.ReadFile(filepath.Join(t.TempDir(), "none.npy")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

func TestDigits69(t *testing.T) {
	dir := realtest.Path(t, "scans/digits69")
	read := func(name string) *npy.Array {
		a, err := npy.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	voxels, stimuli, labels := read("voxels.npy"), read("stimuli.npy"), read("labels.npy")
	if diff := cmp.Diff([][]int{{90, 3092}, {90, 28, 28}, {90}}, [][]int{voxels.Shape, stimuli.Shape, labels.Shape}); diff != "" {
		t.Errorf("shapes: (-want +got)\n%s", diff)
	}
	counts := map[int64]int{}
	ids, err := labels.Int64s()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		counts[id]++
	}
	if diff := cmp.Diff(map[int64]int{1: 45, 2: 45}, counts); diff != "" {
		t.Errorf("labels: (-want +got)\n%s", diff)
	}
	if _, ok := stimuli.Data.([]uint8); !ok {
		t.Errorf("stimuli are %T, want []uint8", stimuli.Data)
	}
	// voxels.npy is in Fortran order: its streamed rows are the whole array's.
	rows, err := npy.OpenRows(filepath.Join(dir, "voxels.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := make([]float32, 7*3092)
	if err := rows.Read(got, 40, 7); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(voxels.Float32s()[40*3092:47*3092], got); diff != "" {
		t.Errorf("rows 40 to 46 differ from the whole array (-want +got)\n%s", diff)
	}
}
