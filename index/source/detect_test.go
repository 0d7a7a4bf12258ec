package source_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index/source"
)

// A folder is what most of it is, and says so where it has something else as well.
func TestDetectGoesByWhatMostIs(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		want  source.Kind
		taken string
	}{
		"photos and an archive":    {[]string{"a.jpg", "b.png", "takeout-1.tgz"}, source.Images, "taken for 2 images; not read: 1 tar (--source webdataset)"},
		"one of each":              {[]string{"a.jpg", "backup.tar"}, source.Images, "taken for 1 image; not read: 1 tar (--source webdataset)"},
		"photos in folders":        {[]string{"2024/a.jpg", "2024/b.jpg", "x.tar.gz"}, source.Images, "taken for 2 images; not read: 1 tar (--source webdataset)"},
		"photos and a table":       {[]string{"a.jpg", "tags.parquet"}, source.Images, ""},
		"photos and many tables":   {[]string{"a.jpg", "1.parquet", "2.parquet", "3.parquet"}, source.Images, ""},
		"img2dataset's files":      {[]string{"00000/0.jpg", "00000/0.json", "00000.parquet", "00000_stats.json"}, source.Images, ""},
		"tars":                     {[]string{"00000.tar", "00000.parquet", "00000_stats.json"}, source.Tars, ""},
		"tars and a photo":         {[]string{"0.tar", "1.tar", "preview.jpg"}, source.Tars, "taken for 2 tars; not read: 1 image (--source images)"},
		"embeddings":               {[]string{"img_emb/img_emb_0.npy", "metadata/metadata_0.parquet"}, source.Embeddings, ""},
		"embeddings, flat":         {[]string{"img_emb_0.npy", "metadata_0.parquet"}, source.Embeddings, ""},
		"called like embeddings":   {[]string{"img_emb_notes.txt", "a.jpg"}, source.Images, ""},
		"one old array of photos":  {[]string{"img_emb_0.npy", "a.jpg", "b.jpg"}, source.Images, ""},
		"tables":                   {[]string{"a.parquet", "readme.md"}, source.Tables, ""},
		"hidden ones do not count": {[]string{".a.jpg", ".b.tar", "1.tar"}, source.Tars, ""},
		"nothing":                  {[]string{"readme.md"}, source.Images, ""},
	} {
		dir, files := t.TempDir(), map[string]string{}
		for _, file := range test.files {
			files[file] = "x"
		}
		writeFiles(t, dir, files)
		findings := &source.Findings{}
		if _, err := source.Open(dir, source.Options{Findings: findings}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := findings.Summary(); s.Kind != test.want || s.Taken != test.taken {
			t.Errorf("%s: taken for %q, %q; want %q, %q", name, s.Kind, s.Taken, test.want, test.taken)
		}
	}
}

// What is no row is counted by its ending, with what to do about it.
func TestLeftOut(t *testing.T) {
	const jpeg = "\xff\xd8\xff\xe0\x00\x10JFIF"
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"a.jfif": "x", "b": jpeg, "cam.jpg?size=large": jpeg, "c.MOV": "x", "d.mov": "x", "readme": "text", "e.psd": "8BPS\x00\x01",
		"Thumbs.db": "x", ".DS_Store": "x", "sub/._d.jpg": "x", "sub/desktop.ini": "x", "sub/f.weird ending?": "x",
	})
	findings := &source.Findings{}
	rows, _ := rowsOf(t, source.Folder{Root: root, Findings: findings})
	if len(rows) != 3 {
		t.Errorf("%d rows, want a.jfif, b and cam.jpg", len(rows))
	}
	want := []string{"left out: 5 files (.MOV 2, none 2, .psd 1); Photoshop: convert with magick IN OUT.png"}
	s := findings.Summary()
	if diff := cmp.Diff(want, s.Lines()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if rows, _ := rowsOf(t, source.Folder{Root: root, Include: []string{"*.jfif"}, Findings: findings}); len(rows) != 1 || len(findings.Summary().LeftOut) != 0 {
		t.Errorf("with --include: %d rows, left out %v", len(rows), findings.Summary().LeftOut)
	}
}

// picture returns a PNG of an image.
func picture(t *testing.T, img image.Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Masks and annotation pictures are no photos, unless they are asked for. Photos
// in folders that are called alike stay.
func TestMasks(t *testing.T) {
	rect := image.Rect(0, 0, 4, 4)
	palette := picture(t, image.NewPaletted(rect, color.Palette{color.Black, color.White}))
	grey, wide, colour := picture(t, image.NewGray(rect)), picture(t, image.NewGray16(rect)), picture(t, image.NewNRGBA(rect))
	for name, test := range map[string]struct {
		files map[string]string
		masks []source.Masks
	}{
		"VOC":                {map[string]string{"JPEGImages/1.jpg": "x", "JPEGImages/2.jpg": "x", "SegmentationClass/1.png": palette, "SegmentationObject/1.png": palette}, []source.Masks{{"SegmentationClass", 1}, {"SegmentationObject", 1}}},
		"COCO panoptic":      {map[string]string{"val2017/1.jpg": "x", "annotations/panoptic_val2017/1.png": colour}, []source.Masks{{"annotations/panoptic_val2017", 1}}},
		"COCO stuff":         {map[string]string{"val2017/1.jpg": "x", "stuffthingmaps/val2017/1.png": grey}, []source.Masks{{"stuffthingmaps/val2017", 1}}},
		"ADE20K":             {map[string]string{"images/training/1.jpg": "x", "annotations/training/1.png": grey}, []source.Masks{{"annotations/training", 1}}},
		"Cityscapes":         {map[string]string{"leftImg8bit/a/a_0_leftImg8bit.png": colour, "gtFine/a/a_0_gtFine_labelIds.png": grey, "gtFine/a/a_0_gtFine_instanceIds.png": wide, "gtFine/a/a_0_gtFine_color.png": colour}, []source.Masks{{"gtFine/a", 3}}},
		"masks of JPEG":      {map[string]string{"imgs/1.jpg": "x", "masks/1_mask.jpg": "x"}, []source.Masks{{"masks", 1}}},
		"side by side":       {map[string]string{"1.jpg": "x", "1_mask.png": grey, "2.jpg": "x", "2_seg.png": colour}, []source.Masks{{".", 1}}},
		"depth, unnamed":     {map[string]string{"rgb/1.jpg": "x", "rgb/2.jpg": "x", "d/1.png": wide, "d/2.png": wide}, []source.Masks{{"d", 2}}},
		"photos of masks":    {map[string]string{"people/1.jpg": "x", "masks/venice.jpg": "x", "masks/tiger.png": colour}, nil},
		"grey photos":        {map[string]string{"a/1.png": grey, "b/1.png": grey}, nil},
		"copies in colour":   {map[string]string{"a/1.jpg": "x", "b/1.png": colour}, nil},
		"nothing but depths": {map[string]string{"depth/1.png": wide, "depth/2.png": wide}, nil},
		"the folder itself":  {map[string]string{"1.png": palette, "2.png": palette}, nil},
		"one odd drawing":    {map[string]string{"a/1.jpg": "x", "b/1.png": palette, "b/2.png": colour}, nil},
	} {
		root := filepath.Join(t.TempDir(), "masks") // whose own name says nothing
		writeFiles(t, root, test.files)
		findings := &source.Findings{}
		rows, _ := rowsOf(t, source.Folder{Root: root, Findings: findings})
		s := findings.Summary()
		if diff := cmp.Diff(test.masks, s.Masks); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
		left := 0
		for _, m := range s.Masks {
			left += m.Files
		}
		if len(rows)+left != len(test.files) || left > 0 && !slices.ContainsFunc(s.Lines(), func(line string) bool {
			return strings.HasPrefix(line, "left out: ") && strings.Contains(line, "--masks takes them, too")
		}) {
			t.Errorf("%s: %d rows of %d files, lines %q", name, len(rows), len(test.files), s.Lines())
		}
		if all, _ := rowsOf(t, source.Folder{Root: root, Masks: true}); len(all) != len(test.files) {
			t.Errorf("%s: %d rows with masks, want %d", name, len(all), len(test.files))
		}
	}
}

// Tars and tables say what they do not keep.
func TestPartsThatAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"0.tar": tarOf(t, map[string]string{
		"a.jpg": "1", "a.json": "broken", "a.txt": "a zebra", "a.npy": "\x93NUMPY\x00", "a.cls": "7", "a.right.jpg": "2\x00",
	})[:6*1024], "notes.md": "x"})
	findings := &source.Findings{}
	s, err := source.Open(dir, source.Options{Findings: findings})
	if err != nil {
		t.Fatal(err)
	}
	rows, damaged := rowsOf(t, s)
	if len(rows) != 1 || rows[0].Err != nil || len(damaged) > 0 || rows[0].Payload["cls"] != int64(7) || rows[0].Payload["caption"] != "a zebra" {
		t.Fatalf("rows are %+v, damaged %v", rows, damaged)
	}
	summary := findings.Summary()
	want := []string{"left out: 1 file (.md 1)", "columns left out: .npy (a part of samples that is no text), .right.jpg (a further image of samples)"}
	if diff := cmp.Diff(want, summary.Lines()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	odd := summary.OddLines()
	if len(odd) != 2 || odd[0] != "note    0.tar: it lacks the zeros that end a tar" || !strings.HasPrefix(odd[1], "odd     0.tar: a.json: ") {
		t.Errorf("odd are %q", odd)
	}
}

// A source that is labelled has other ids, and is read the same.
func TestLabelled(t *testing.T) {
	dir := t.TempDir()
	for kind, place := range map[source.Kind]string{source.Images: filepath.Join(dir, "images"), source.Tars: filepath.Join(dir, "tars"), source.Embeddings: filepath.Join(dir, "laion")} {
		write(t, kind, place)
		s, err := source.Open(place, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkSource(t, relabelled{s})
	}
}

// relabelled is a further source of an index.
type relabelled struct{ source.Source }

func (r relabelled) Origin() source.Origin {
	o := r.Source.Origin()
	o.Label = "more"
	return o
}

func (r relabelled) Shards(ctx context.Context) ([]source.Shard, error) {
	shards, err := r.Source.Shards(ctx)
	if err != nil || len(shards) == 0 {
		return nil, errors.Join(err, errors.New("no shards"))
	}
	return source.Labelled(shards, "more"), nil
}

// tarOf returns a tar of files, in the order of their names.
func tarOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A file that is called otherwise is known by its first bytes.
func TestDetectLooksIntoAFile(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"shard": tarOf(t, map[string]string{"a.jpg": "1"}), "table.data": table(t), "notes.txt": "x"})
	for name, want := range map[string]source.Kind{"shard": source.Tars, "table.data": source.Tables} {
		if kind, err := source.Detect(filepath.Join(dir, name)); kind != want || err != nil {
			t.Errorf("%s is of kind %q, error %v, want %q", name, kind, err, want)
		}
	}
	if _, err := source.Detect(filepath.Join(dir, "notes.txt")); err == nil || !strings.Contains(err.Error(), "wanted a folder, tars, npy or Parquet files, found a file of kind unknown") {
		t.Errorf("error is %v", err)
	}
}
