package nifti_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/internal/goldentest"
	"engram/data/nifti"
)

// find returns a golden by name.
func find(t testing.TB, name string) golden {
	t.Helper()
	for _, g := range goldens(t) {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("there is no golden %q", name)
	return golden{}
}

// drain reads all volumes.
func drain(img *nifti.Image) error {
	for _, err := range img.Volumes() {
		if err != nil {
			return err
		}
	}
	return nil
}

// openAll opens an image and reads it to the end.
func openAll(path string) error {
	img, err := nifti.Open(path)
	if err != nil {
		return err
	}
	return drain(img)
}

// readAll does the same from a stream.
func readAll(content []byte, maxBytes int64) error {
	img, err := nifti.Read(bytes.NewReader(content), maxBytes)
	if err != nil {
		return err
	}
	return drain(img)
}

func zip(t testing.TB, content []byte) []byte {
	t.Helper()
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

func TestBadFilesAreRefusedWithOneSentence(t *testing.T) {
	good := find(t, "i2 < NIfTI-1").File // 2×3×2×2 int16 from byte 352, 400 bytes
	with := func(at int, value any) []byte {
		out := bytes.Clone(good)
		if _, err := binary.Encode(out[at:], binary.LittleEndian, value); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for want, content := range map[string][]byte{
		"a NIfTI header takes 348 bytes, there are 0":                                           {},
		"a NIfTI header takes 348 bytes, there are 347":                                         good[:347],
		"a NIfTI-2 header takes 540 bytes, there are 400":                                       with(0, int32(540)),
		"which begins with its length 348 or 540, found \"\\x89PNG\"":                           append([]byte("\x89PNG"), good...),
		"wanted the magic \"n+1\\x00\" or \"ni1\\x00\" of NIfTI-1, found \"\\x00\\x00":          with(344, int32(0)),
		"header has 0 axes, wanted 1 to 7":                                                      with(40, int16(0)),
		"header has 8 axes, wanted 1 to 7":                                                      with(40, int16(8)),
		"axis 2 has length 0, wanted at least 1":                                                with(44, int16(0)),
		"axis 1 has length -1, wanted at least 1":                                               with(42, int16(-1)),
		"datatype 128 is not read":                                                              with(70, int16(128)),
		"vox_offset is NaN":                                                                     with(108, float32(math.NaN())),
		"vox_offset is 1.0000000150474662e+30":                                                  with(108, float32(1e30)),
		"vox_offset is 351, wanted at least 352":                                                with(108, float32(351)),
		"scl_slope is 2 and scl_inter +Inf":                                                     with(112, [2]float32{2, float32(math.Inf(1))}),
		"header says 2×3×2×2 int16 = 48 bytes from byte 352, the file ends at byte 399":         good[:399],
		"header says 2×3×2×2 int16 = 48 bytes from byte 354, the file ends at byte 400":         with(108, float32(354)),
		"header says 2×3×2×2 int16 = 48 bytes, the voxels end in volume 1 after 23 bytes of it": zip(t, good[:399]),
		"the voxels begin at byte 352, the file ends at byte 350":                               zip(t, good[:350]),
		"more than a gzip file of":                                                              zip(t, with(42, [4]int16{20000, 20000, 20000, 20000})),
		"wanted a name that ends in .hdr or .img":                                               find(t, "pair").File,
	} {
		path := writeTemp(t, "a.nii", content)
		err := openAll(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "nifti: "+path) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
		if err := readAll(content, 1<<20); err == nil {
			t.Errorf("Read accepts the file that should fail with %q", want)
		}
	}
}

// nibabel reads files with bytes after the last voxel, and gzip files with padding.
func TestBytesAfterTheLastVoxel(t *testing.T) {
	g := find(t, "i2 < NIfTI-1")
	tail := append(bytes.Clone(g.File), make([]byte, 100)...)
	for name, test := range map[string]struct {
		content  []byte
		trailing int64
	}{
		"plain":              {tail, 100},
		"within gzip":        {zip(t, tail), 100},
		"after gzip":         {append(zip(t, g.File), make([]byte, 512)...), 512},
		"within and after":   {append(zip(t, tail), "pad"...), 103},
		"members of gzip":    {append(zip(t, g.File[:370]), zip(t, g.File[370:])...), 0},
		"as the header says": {g.File, 0},
	} {
		img, err := nifti.Open(writeTemp(t, "a.nii", test.content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkImage(t, g, img)
		if img.Trailing() != test.trailing {
			t.Errorf("%s: %d bytes after the last voxel, want %d", name, img.Trailing(), test.trailing)
		}
		if err := readAll(test.content, 1<<20); err != nil {
			t.Errorf("%s: as a stream: %v", name, err)
		}
	}
	damaged := zip(t, tail)
	damaged[len(damaged)-7] ^= 1
	if err := openAll(writeTemp(t, "a.nii.gz", damaged)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error is %v, want a wrong checksum", err)
	}
}

func TestPairs(t *testing.T) {
	g := find(t, "pair")
	dir := filepath.Dir(g.path(t))
	img, err := nifti.Open(filepath.Join(dir, "a.img")) // by its other half
	if err != nil {
		t.Fatal(err)
	}
	checkImage(t, g, img)

	zipped := t.TempDir()
	for name, content := range map[string][]byte{"a.hdr.gz": g.File, "a.img.gz": g.Data} {
		if err := os.WriteFile(filepath.Join(zipped, name), zip(t, content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	img, err = nifti.Open(filepath.Join(zipped, "a.hdr.gz"))
	if err != nil {
		t.Fatal(err)
	}
	checkImage(t, g, img)

	if err := os.Remove(filepath.Join(dir, "a.img")); err != nil {
		t.Fatal(err)
	}
	if _, err := nifti.Open(filepath.Join(dir, "a.hdr")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the .img file is missing", err)
	}
}

func TestAStreamIsReadOnceAndWithinItsLimit(t *testing.T) {
	g := find(t, "gzipped")
	img, err := nifti.Read(bytes.NewReader(g.File), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := drain(img); err != nil {
		t.Fatal(err)
	}
	if err := drain(img); err == nil || !strings.Contains(err.Error(), "can be read once") {
		t.Errorf("second reading: error is %v", err)
	}
	if _, err := nifti.Read(bytes.NewReader(g.File), 352+96); err != nil {
		t.Errorf("an image of the size of the limit is refused: %v", err)
	}
	if _, err := nifti.Read(bytes.NewReader(g.File), 352+95); !errors.Is(err, nifti.ErrTooLarge) {
		t.Errorf("error is %v, want ErrTooLarge", err)
	}
}

// zeros is an endless reader.
type zeros struct{ taken int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.taken += int64(len(p))
	return len(p), nil
}

// However much a stream unpacks to, no more is read than the header says.
func TestAnEndlessStreamStopsAtTheHeadersSize(t *testing.T) {
	g := find(t, "i2 < NIfTI-1")
	tail := &zeros{}
	img, err := nifti.Read(io.MultiReader(bytes.NewReader(g.File), tail), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := drain(img); err == nil || !strings.Contains(err.Error(), "there are more") {
		t.Errorf("error is %v, want one that says that there is more", err)
	}
	if tail.taken > 1<<17 {
		t.Errorf("%d bytes are read behind the image", tail.taken)
	}
}

// A sender who claims much and sends little must not cost what he claims.
func TestMemoryFollowsWhatArrivesNotWhatIsClaimed(t *testing.T) {
	content := bytes.Clone(find(t, "i2 < NIfTI-1").File)
	if _, err := binary.Encode(content[42:], binary.LittleEndian, [3]int16{1000, 1000, 500}); err != nil {
		t.Fatal(err)
	}
	got := goldentest.AllocatedBytes(func() {
		if err := readAll(content, 1<<40); err == nil {
			t.Error("a truncated image is accepted")
		}
	})
	if got > 4<<20 {
		t.Errorf("reading %d bytes allocates %d", len(content), got)
	}
}

// Every truncation is an error; every flipped bit is an error or an image of
// as many voxels as its shape says.
func TestDamagedFiles(t *testing.T) {
	for _, name := range []string{"i2 < NIfTI-1", "f8 > NIfTI-2", "gzipped"} {
		file := find(t, name).File
		for cut := range file {
			if err := readAll(file[:cut], 1<<20); err == nil {
				t.Errorf("%s: Read accepts %d of %d bytes", name, cut, len(file))
			}
		}
		for bit := range 8 * len(file) {
			damaged := bytes.Clone(file)
			damaged[bit/8] ^= 1 << (bit % 8)
			checkSizes(t, damaged)
		}
	}
}

// checkSizes reads an image, which may be bad, and compares shape and volumes.
func checkSizes(t *testing.T, content []byte) {
	t.Helper()
	img, err := nifti.Read(bytes.NewReader(content), 1<<16)
	if err != nil {
		return
	}
	want := 1
	for _, n := range img.Shape {
		want *= n
	}
	got := 0
	for volume, err := range img.Volumes() {
		if err != nil {
			return
		}
		got += len(volume)
	}
	if got != want {
		t.Errorf("shape %v has %d voxels", img.Shape, got)
	}
}

func TestStoppingEarly(t *testing.T) {
	img, err := nifti.Open(find(t, "i2 < NIfTI-1").path(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, err := range img.Volumes() {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("%d volumes seen, want 1", seen)
	}
}

func TestMasksThatDoNotFit(t *testing.T) {
	run := find(t, "i2 < NIfTI-1").path(t)
	if _, err := nifti.OpenMask(run, nifti.Labels{}); err == nil || !strings.Contains(err.Error(), "wanted one volume as mask, found 2×3×2×2") {
		t.Errorf("a run as mask: error is %v", err)
	}
	img, err := nifti.Open(run)
	if err != nil {
		t.Fatal(err)
	}
	_, err = img.Masked(&nifti.Mask{Shape: [3]int{3, 2, 2}})
	if err == nil || !strings.Contains(err.Error(), "the volumes are 2×3×2, the mask is 3×2×2") {
		t.Errorf("a mask of another shape: error is %v", err)
	}
}

func BenchmarkMasked(b *testing.B) {
	// One volume of NSD's subject 1 at 1.8 mm, in int16 as the betas are.
	const nx, ny, nz = 81, 104, 83
	content := bytes.Clone(find(b, "i2 < NIfTI-1").File[:352])
	if _, err := binary.Encode(content[42:], binary.LittleEndian, [4]int16{nx, ny, nz, 4}); err != nil {
		b.Fatal(err)
	}
	content = append(content, make([]byte, nx*ny*nz*4*2)...)
	path := writeTemp(b, "a.nii", content)
	mask := &nifti.Mask{Shape: [3]int{nx, ny, nz}}
	for i := 0; i < nx*ny*nz; i += 44 {
		mask.Index = append(mask.Index, i)
	}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		img, err := nifti.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := img.Masked(mask); err != nil {
			b.Fatal(err)
		}
	}
}
