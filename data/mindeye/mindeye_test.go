package mindeye_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/mindeye"
	"engram/data/npy"
)

func sample(number int) *mindeye.Sample {
	return &mindeye.Sample{
		Number: number, Format: []string{"jpg", "png"}[number%2], Picture: []byte(fmt.Sprint("picture ", number)),
		Repeats: 3, Voxels: []float32{1, 2, 3, 4, 5, float32(number)}, Trials: []int64{int64(number), 7, 8},
		COCO73K: 73, Uniques: 2,
	}
}

func each(samples ...*mindeye.Sample) iter.Seq2[*mindeye.Sample, error] {
	return func(yield func(*mindeye.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func collect(samples iter.Seq2[*mindeye.Sample, error]) ([]*mindeye.Sample, error) {
	var out []*mindeye.Sample
	for s, err := range samples {
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
	return out, nil
}

func TestSamplesAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tar")
	want := []*mindeye.Sample{sample(0), sample(7482), sample(999_999_999)}
	if err := mindeye.WriteFile(path, each(want...)); err != nil {
		t.Fatal(err)
	}
	got, err := collect(mindeye.ReadFile(path))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// entry is a file of a tar.
type entry struct {
	name    string
	content []byte
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func array(t testing.TB, shape []int, data any) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := npy.Write(&out, shape, data); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// foreign is a sample as somebody else may write it: other types, files in
// another order, in a folder, and one that is not known.
func foreign(t testing.TB) []entry {
	t.Helper()
	return []entry{
		{"a/sample000000012.num_uniques.npy", array(t, []int{1}, []float64{3})},
		{"a/sample000000012.wholebrain_3d.npy", array(t, []int{1}, []float32{3})},
		{"a/sample000000012.nsdgeneral.npy", array(t, []int{3, 2}, []float64{1, 2, 3, 4, 5, 6})},
		{"a/sample000000012.trial.npy", array(t, []int{3, 1}, []int32{5, 6, 7})},
		{"a/sample000000012.coco73k.npy", array(t, nil, []uint16{46002})},
		{"a/sample000000012.jpg", []byte("jpeg")},
	}
}

func TestForeignSamplesAreRead(t *testing.T) {
	got, err := collect(mindeye.Read(bytes.NewReader(archive(t, foreign(t)...))))
	if err != nil {
		t.Fatal(err)
	}
	want := []*mindeye.Sample{{
		Number: 12, Format: "jpg", Picture: []byte("jpeg"), Repeats: 3, Voxels: []float32{1, 2, 3, 4, 5, 6},
		Trials: []int64{5, 6, 7}, COCO73K: 46002, Uniques: 3,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBadSamplesAreRefusedWithOneSentence(t *testing.T) {
	replaced := func(name string, content []byte) []entry {
		entries := foreign(t)
		for i := range entries {
			if strings.HasSuffix(entries[i].name, name) {
				entries[i].content = content
			}
		}
		return entries
	}
	for _, c := range []struct {
		entries []entry
		want    string
	}{
		{foreign(t)[:5], "sample000000012: it has no picture, wanted a .jpg or .png"},
		{foreign(t)[3:], "sample000000012: it has no nsdgeneral.npy"},
		{replaced("nsdgeneral.npy", array(t, []int{6}, make([]float32, 6))), "nsdgeneral.npy has shape [6], wanted [repeats, voxels]"},
		{replaced("nsdgeneral.npy", []byte("no array")), "sample000000012: nsdgeneral.npy: npy: "},
		{replaced("trial.npy", array(t, []int{2}, []int32{1, 2})), "trial.npy has 2 numbers, nsdgeneral.npy has 3 repeats"},
		{replaced("coco73k.npy", array(t, []int{2}, []int64{1, 2})), "coco73k.npy has 2 numbers, wanted 1"},
		{replaced("num_uniques.npy", array(t, nil, []float32{2.5})), "num_uniques.npy has the value 2.5, wanted whole numbers"},
		{[]entry{{"notes.jpg", nil}}, "notes: wanted a name such as sample000007482"},
	} {
		_, err := collect(mindeye.Read(bytes.NewReader(archive(t, c.entries...))))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
	}
	if _, err := collect(mindeye.ReadFile(filepath.Join(t.TempDir(), "none.tar"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

func TestWriteRefusesWhatDoesNotFit(t *testing.T) {
	gone := errors.New("the picture is gone")
	change := func(do func(*mindeye.Sample)) iter.Seq2[*mindeye.Sample, error] {
		s := sample(1)
		do(s)
		return each(s)
	}
	for _, c := range []struct {
		samples iter.Seq2[*mindeye.Sample, error]
		want    string
	}{
		{change(func(s *mindeye.Sample) { s.Format = "gif" }), `wanted a picture in jpg or png, found "gif"`},
		{change(func(s *mindeye.Sample) { s.Number = 1e9 }), "its number does not have at most nine digits"},
		{change(func(s *mindeye.Sample) { s.Voxels = s.Voxels[1:] }), "5 voxels and 3 trials do not fit 3 repeats"},
		{func(yield func(*mindeye.Sample, error) bool) { yield(nil, gone) }, "the picture is gone"},
	} {
		path := filepath.Join(t.TempDir(), "a.tar")
		err := mindeye.WriteFile(path, c.samples)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: a file was left behind", c.want)
		}
	}
}

func TestDamagedTars(t *testing.T) {
	whole := archive(t, foreign(t)...)
	for cut := 0; cut < len(whole)-1024-512; cut += 97 { // before the last file and the empty blocks of the end
		if got, err := collect(mindeye.Read(bytes.NewReader(whole[:cut]))); err == nil && len(got) > 0 {
			t.Fatalf("%d of %d bytes were read as %d samples", cut, len(whole), len(got))
		}
	}
}

func TestTotals(t *testing.T) {
	dir := t.TempDir()
	want := mindeye.Totals{Train: 8559, Val: 300, Test: 982}
	if err := mindeye.WriteTotals(dir, 1, want); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "metadata_subj01.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(raw)); got != `{"totals":{"train":8559,"val":300,"test":982}}` {
		t.Errorf("metadata is %s", got)
	}
	if got, err := mindeye.ReadTotals(dir, 1); err != nil || got != want {
		t.Errorf("totals are %+v, %v", got, err)
	}
	if _, err := mindeye.ReadTotals(dir, 2); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

// Whatever is read fits together and can be written.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, foreign(f)...))
	f.Fuzz(func(t *testing.T, content []byte) {
		for s, err := range mindeye.Read(bytes.NewReader(content)) {
			if err != nil {
				return
			}
			if !slices.Contains([]string{"jpg", "png"}, s.Format) || len(s.Voxels)%s.Repeats != 0 || len(s.Trials) != s.Repeats {
				t.Errorf("%+v does not fit together", s)
			}
		}
	})
}
