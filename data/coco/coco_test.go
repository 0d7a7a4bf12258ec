package coco_test

import (
	"encoding/binary"
	"errors"
	"image"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"engram/data/coco"
	"engram/data/realtest"
)

const (
	captions = `{"info": {"a": [1, {}]}, "annotations": [
		{"id": 12, "image_id": 7, "caption": "Two zebras. \n"},
		{"id": 11, "image_id": 7, "caption": "Zebras on grass"},
		{"id": 13, "image_id": 9, "caption": "A desk"}],
		"images": [{"id": 9, "file_name": "b.jpg", "width": 4, "height": 3, "license": 1},
		           {"id": 7, "file_name": "a.jpg", "width": 640, "height": 427}]}`
	instances = `{"images": [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 427}], "annotations": [
		{"id": 3, "image_id": 7, "category_id": 24, "segmentation": {"counts": [1, 2], "size": [427, 640]},
		 "area": 99.5, "bbox": [1, 2.5, 30, 40], "iscrowd": 1},
		{"id": 2, "image_id": 7, "category_id": 24, "segmentation": [[1.5, 2]], "area": 5, "bbox": [0, 0, 5, 1], "iscrowd": 0},
		{"id": 1, "image_id": 7, "category_id": 1, "segmentation": [], "area": 4, "bbox": [0, 0, 4, 1], "iscrowd": 0}],
		"categories": [{"id": 24, "name": "zebra", "supercategory": "animal"}, {"id": 1, "name": "person", "supercategory": "person"}]}`
)

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "annotations.json")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadMergesCaptionsAndInstances(t *testing.T) {
	zebra := &coco.Category{ID: 24, Name: "zebra", Supercategory: "animal"}
	person := &coco.Category{ID: 1, Name: "person", Supercategory: "person"}
	want := &coco.Dataset{
		Images: []coco.Image{
			{
				ID: 7, FileName: "a.jpg", Width: 640, Height: 427,
				Captions: []string{"Zebras on grass", "Two zebras."},
				Instances: []coco.Instance{
					{ID: 1, Category: person, Box: [4]float64{0, 0, 4, 1}, Area: 4},
					{ID: 2, Category: zebra, Box: [4]float64{0, 0, 5, 1}, Area: 5},
					{ID: 3, Category: zebra, Box: [4]float64{1, 2.5, 30, 40}, Area: 99.5, Crowd: true},
				},
			},
			{ID: 9, FileName: "b.jpg", Width: 4, Height: 3, Captions: []string{"A desk"}},
		},
		Categories: []*coco.Category{person, zebra},
	}
	a, b := write(t, captions), write(t, instances)
	for _, paths := range [][]string{{a, b}, {b, a}} {
		got, err := coco.Load(paths...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]*coco.Category{person, zebra}, got.Images[0].Categories()); diff != "" {
			t.Errorf("categories: (-want +got)\n%s", diff)
		}
	}
}

// replaced returns a text with one thing in it replaced.
func replaced(t *testing.T, in, old, new string) string {
	t.Helper()
	out := strings.Replace(in, old, new, 1)
	if out == in {
		t.Fatalf("%q is not in the file", old)
	}
	return out
}

// A file is refused where nothing of it can be used.
func TestFilesThatAreNoAnnotationsAreRefusedWithOneSentence(t *testing.T) {
	for want, content := range map[string]string{
		"the JSON ends early":                   "",
		`images: wanted "[", found 7`:           `{"images": 7}`,
		`annotations: wanted "[", found x`:      `{"annotations": "x"}`,
		`wanted "{", found [`:                   "[]",
		`wanted "{", found zebra`:               `"zebra"`,
		"byte 1: invalid character":             "{x",
		`found no "images"`:                     "{}",
		"annotations[0]: byte":                  `{"annotations": [{"id": x}]}`,
		"images[0]: the JSON ends early":        captions[:len(captions)-100],
		"images: byte 9: invalid character 'x'": `{"images":x}`,
		"wanted COCO annotations, found no":     "\xef\xbb\xbf{\"a\": NaN}",
	} {
		other := write(t, captions)
		path := write(t, content)
		_, err := coco.Load(other, path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "coco: "+path) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
	if _, err := coco.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says that the file is missing", err)
	}
}

// said returns what a data set says of each photo.
func said(d *coco.Dataset) map[string][]string {
	out := map[string][]string{}
	for i := range d.Images {
		words := slices.Clone(d.Images[i].Captions)
		for _, c := range d.Images[i].Categories() {
			words = append(words, c.Name)
		}
		out[d.Images[i].FileName] = words
	}
	return out
}

// An odd record costs itself alone, and is listed with its place.
func TestAnOddRecordCostsItselfAlone(t *testing.T) {
	both := map[string][]string{"a.jpg": {"Zebras on grass", "Two zebras."}, "b.jpg": {"A desk"}}
	things := map[string][]string{"a.jpg": {"person", "zebra"}}
	without := func(words ...string) map[string][]string {
		out := map[string][]string{"a.jpg": both["a.jpg"], "b.jpg": both["b.jpg"]}
		for name := range out {
			out[name] = slices.DeleteFunc(slices.Clone(out[name]), func(w string) bool { return slices.Contains(words, w) })
		}
		return out
	}
	for _, c := range []struct {
		content string
		want    map[string][]string
		odd     string // "" for none
	}{
		{captions, both, ""},
		{replaced(t, captions, `"width": 4,`, ``), both, ""},
		{replaced(t, captions, `"width": 4`, `"width": 4.5`), both, ""},
		{replaced(t, captions, `"width": 4`, `"width": -1`), both, ""},
		{replaced(t, captions, `"width": 4`, `"width": null`), both, ""},
		{replaced(t, captions, `"width": 4`, `"width": "4 px"`), both, ""},
		{replaced(t, captions, `"id": 9`, `"id": "9"`), both, ""},
		{replaced(t, captions, `"id": 9`, `"id": "009"`), both, ""},
		{replaced(t, captions, `"id": 9`, `"id": 9.0`), both, ""},
		{replaced(t, replaced(t, captions, `"id": 9`, `"id": "desk"`), `"image_id": 9`, `"image_id": "desk"`), both, ""},
		{replaced(t, captions, `"id": 12, `, ``), map[string][]string{"a.jpg": {"Two zebras.", "Zebras on grass"}, "b.jpg": {"A desk"}}, ""},
		{replaced(t, captions, `"width": 4`, `"width": NaN, "x": [Infinity, -Infinity, "NaN, ]", "\\"]`), both, ""},
		{replaced(t, captions, `"A desk"}]`, "\"A desk\",},\n ]"), both, ""},
		{replaced(t, captions, `"license": 1`, `"license": None, "b": True, "c": False`), both, ""},
		{replaced(t, captions, `"info"`, "\"a\tb\": \"\n\", \"info\""), both, ""},
		{"\xef\xbb\xbf" + captions, both, ""},
		{utf16(captions, binary.LittleEndian, "\xff\xfe"), both, ""},
		{utf16(captions, binary.BigEndian, "\xfe\xff"), both, ""},
		{utf16(captions, binary.LittleEndian, ""), both, ""},
		{replaced(t, captions, `"image_id": 7, `, ``), without("Two zebras."), "annotations[0]: wanted an image_id"},
		{replaced(t, captions, `"Two zebras. \n"`, `null`), without("Two zebras."), "annotations[0]: wanted a caption or a category_id"},
		{replaced(t, captions, `"Two zebras. \n"`, `" "`), without("Two zebras."), "annotations[0]: wanted a caption or a category_id"},
		{replaced(t, captions, `"Two zebras. \n"`, `5`), map[string][]string{"a.jpg": {"Zebras on grass", "5"}, "b.jpg": {"A desk"}}, ""},
		{replaced(t, captions, `{"id": 13`, `null, 7, {"id": 13`), both, "annotations[2]: wanted an image_id"},
		{replaced(t, captions, `{"id": 13`, `"x", {"id": 13`), both, "annotations[2]: wanted an object, found string"},
		{replaced(t, captions, `"image_id": 9`, `"image_id": 8`), without("A desk"), "annotations[2]: image 8 is not among the file's 2 images"},
		{replaced(t, captions, `"images": [`, `"images": [{"file_name": "c.jpg"}, `), both, "images[0]: wanted an id"},
		{replaced(t, captions, `"images": [`, `"images": [{"id": 1, "file_name": null}, `), both, "images[0]: image 1: wanted a file_name"},
		{replaced(t, captions, `"images": [`, `"images": [{"id": 9, "file_name": "b.jpg"}, `), both, "images[1]: image 9 comes twice"},
		{replaced(t, captions, `"height": 427}`, `"height": 427}, {"id": 9, "file_name": "c.jpg"}`), both, "images[2]: image 9 is c.jpg, it was b.jpg before"},
		{captions + "{}", both, "wanted nothing after the JSON object"},
		{`{"images": [], ` + captions[1:], both, ""},
		{`{"images": null, "categories": null, ` + captions[1:], both, ""},
		{`{"images": {"7": {"id": 7, "file_name": "a.jpg"}}, "annotations": {"1": {"image_id": 7, "caption": "a zebra"}, "2": 5}}`, map[string][]string{"a.jpg": {"a zebra"}}, "annotations[1]: wanted an object, found number"},
		{replaced(t, captions, `"file_name": "b.jpg"`, `"filename": "b.jpg"`), both, ""},
		{replaced(t, captions, `"file_name": "b.jpg"`, `"file_name": null, "coco_url": "b.jpg"`), both, ""},
		{captions[:len(captions)-1], both, "the end: nothing after it was read: the JSON ends early"},
		{instances, things, ""},
		{replaced(t, instances, `"iscrowd": 1`, `"iscrowd": true`), things, ""},
		{replaced(t, instances, `"iscrowd": 1`, `"iscrowd": "?"`), things, ""},
		{replaced(t, instances, `"area": 99.5, `, ``), things, ""},
		{replaced(t, instances, `[1, 2.5, 30, 40]`, `[]`), things, ""},
		{replaced(t, instances, `[1, 2.5, 30, 40]`, `[1, 2.5, -30, 40]`), things, ""},
		{replaced(t, instances, `[1, 2.5, 30, 40]`, `{"x": 1}`), things, ""},
		{replaced(t, instances, `{"counts": [1, 2], "size": [427, 640]}`, `"?"`), things, ""},
		{replaced(t, instances, `"category_id": 1,`, `"category_id": 25,`), map[string][]string{"a.jpg": {"zebra"}}, "annotations[2]: category 25 is not among the 2 categories"},
		{replaced(t, instances, `"category_id": 1,`, `"category_id": null,`), map[string][]string{"a.jpg": {"zebra"}}, "annotations[2]: wanted a caption or a category_id"},
		{replaced(t, instances, `"name": "person"`, `"n": ""`), map[string][]string{"a.jpg": {"zebra"}}, "categories[1]: category 1: wanted a name"},
		{replaced(t, instances, `"id": 1, "name"`, `"id": 24, "name"`), map[string][]string{"a.jpg": {"zebra"}}, "categories[1]: category 24 is person, it was zebra before"},
		{replaced(t, instances, `"categories"`, `"kinds"`), map[string][]string{"a.jpg": nil}, "annotations[0]: category 24 is not among the 0 categories"},
	} {
		got, err := coco.Load(write(t, c.content))
		if err != nil {
			t.Errorf("%v\n%.300s", err, c.content)
			continue
		}
		if diff := cmp.Diff(c.want, said(got), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-want +got)\n%s%.300s", diff, c.content)
		}
		if c.odd == "" && got.OddCount == 0 {
			continue
		}
		if c.odd == "" || got.OddCount == 0 || !slices.ContainsFunc(got.Odd, func(o coco.Odd) bool { return strings.Contains(o.String(), c.odd) }) {
			t.Errorf("odd are %d, %v, want %q\n%.300s", got.OddCount, got.Odd, c.odd, c.content)
		}
	}
}

// utf16 returns a text in UTF-16 behind a mark.
func utf16(text string, order binary.AppendByteOrder, mark string) string {
	out := []byte(mark)
	for _, c := range text { // of the basic plane
		out = order.AppendUint16(out, uint16(c))
	}
	return string(out)
}

// Two files that state another size, or name, of one image both count.
func TestFilesThatDisagree(t *testing.T) {
	got, err := coco.Load(write(t, captions), write(t, replaced(t, instances, "427}]", "428}]")))
	if err != nil || got.OddCount != 1 || !strings.Contains(got.Odd[0].String(), "image 7 has 640×428 pixels, another file says 640×427") || len(got.Images[0].Instances) != 3 {
		t.Errorf("error %v, odd %v, want one size that differs", err, got.Odd)
	}
}

// Whatever is missing at the end is told: nothing is lost without a word.
func TestDamagedFiles(t *testing.T) {
	for cut := range len(instances) {
		if d, err := coco.LoadBytes([]byte(instances[:cut])); err == nil && d.OddCount == 0 {
			t.Errorf("%d of %d bytes are accepted", cut, len(instances))
		}
	}
	for bit := range 8 * len(instances) {
		damaged := []byte(instances)
		damaged[bit/8] ^= 1 << (bit % 8)
		_, _ = coco.LoadBytes(damaged)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(captions))
	f.Add([]byte(instances))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := coco.LoadBytes(content)
		if err != nil {
			return
		}
		for _, img := range d.Images {
			if img.FileName == "" || img.Width < 0 || img.Height < 0 {
				t.Errorf("image %+v is accepted", img)
			}
			for _, c := range img.Categories() {
				if c == nil {
					t.Errorf("image %d has an instance without a category", img.ID)
				}
			}
		}
	})
}

func TestRealPhotos(t *testing.T) {
	root := realtest.Path(t, "photos/coco")
	photos, annotated, sentences := 0, 0, 0
	for _, split := range []string{"train2017", "val2017"} {
		d, err := coco.Load(filepath.Join(root, "annotations", "captions_"+split+".json"),
			filepath.Join(root, "annotations", "instances_"+split+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Categories) != 80 {
			t.Errorf("%s has %d categories, want 80", split, len(d.Categories))
		}
		for _, img := range d.Images {
			photos++
			annotated += len(img.Instances)
			sentences += len(img.Captions)
			checkSize(t, filepath.Join(root, split, img.FileName), img)
		}
	}
	t.Logf("%d photos, %d instances, %d captions", photos, annotated, sentences)
	// The folder has more photos than its annotation files speak of.
	if photos != 159 || annotated != 739+624 || sentences != 5*159 {
		t.Errorf("%d photos, %d instances, %d captions; want 159, 1363, 795", photos, annotated, sentences)
	}
}

// checkSize compares the annotated size with the photo's.
func checkSize(t *testing.T, path string, img coco.Image) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	config, _, err := image.DecodeConfig(f)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	} else if config.Width != img.Width || config.Height != img.Height {
		t.Errorf("%s has %d×%d pixels, annotated are %d×%d", path, config.Width, config.Height, img.Width, img.Height)
	}
}
