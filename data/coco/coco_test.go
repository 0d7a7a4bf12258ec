package coco_test

import (
	"errors"
	"image"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestBadFilesAreRefusedWithOneSentence(t *testing.T) {
	with := func(in, old, new string) string {
		t.Helper()
		out := strings.Replace(in, old, new, 1)
		if out == in {
			t.Fatalf("%q is not in the file", old)
		}
		return out
	}
	for want, content := range map[string]string{
		"the JSON ends early":                                    "",
		`wanted "{", found [`:                                    "[]",
		`wanted "{", found zebra`:                                `"zebra"`,
		"byte 1: invalid character":                              "{x",
		`found no "images"`:                                      "{}",
		`found no "annotations"`:                                 `{"images": []}`,
		`"images" comes twice`:                                   `{"images": [], "images": []}`,
		"wanted nothing after":                                   captions + "{}",
		`images: wanted "[", found {`:                            `{"images": {}}`,
		`images[0]: field "id": wanted int64, found string`:      with(captions, `"id": 9`, `"id": "9"`),
		`images[0]: field "width": wanted int, found number 4.5`: with(captions, `"width": 4`, `"width": 4.5`),
		"images[0]: wanted id, file_name, width and height":      with(captions, `"width": 4,`, ``),
		"image 9 has 0×3 pixels":                                 with(captions, `"width": 4`, `"width": 0`),
		`image 9: file_name "../b.jpg" is not a path below the folder of images`: with(captions, `b.jpg`, `../b.jpg`),
		`image 9: file_name "" is not a path below`:                              with(captions, `b.jpg`, ``),
		"image 7 comes twice":                                                    with(captions, `{"id": 9, "file_name": "b.jpg", "width": 4, "height": 3`, `{"id": 7, "file_name": "a.jpg", "width": 640, "height": 427`),
		"annotations[0]: wanted id and image_id":                                 with(captions, `"image_id": 7, `, ``),
		"annotations[0]: annotation 12 has neither a caption nor a category_id":  with(captions, `"caption": "Two zebras. \n"`, `"text": ""`),
		`annotations[0]: field "caption": wanted string, found number`:           with(captions, `"Two zebras. \n"`, `5`),
		"caption 13: image 8 is not among the file's 2 images":                   with(captions, `"image_id": 9`, `"image_id": 8`),
		"instance 3: image 8 is not among the file's 1 images":                   with(instances, `"image_id": 7`, `"image_id": 8`),
		"instance 3: category 25 is not among the 2 categories":                  with(instances, `"category_id": 24`, `"category_id": 25`),
		"instance 3: wanted a bbox of 4 numbers and an area":                     with(instances, `[1, 2.5, 30, 40]`, `[1, 2.5, 30]`),
		"instance 3: bbox [1 2.5 -30 40] or area 99.5 is negative":               with(instances, `[1, 2.5, 30, 40]`, `[1, 2.5, -30, 40]`),
		"instance 3: iscrowd is 2, wanted 0 or 1":                                with(instances, `"iscrowd": 1`, `"iscrowd": 2`),
		"categories[0]: wanted id and name":                                      with(instances, `"name": "zebra"`, `"n": ""`),
		"category 24 is person (person), it was zebra (animal) before":           with(instances, `"id": 1, "name"`, `"id": 24, "name"`),
		"instance 3: category 24 is not among the 0 categories":                  with(instances, `"categories"`, `"kinds"`),
		"images[0]: the JSON ends early":                                         captions[:len(captions)-100],
		"image 7 is a.jpg of 640×428 pixels, another file says a.jpg of 640×427": with(instances, "427}]", "428}]"),
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

func TestDamagedFiles(t *testing.T) {
	for cut := range len(instances) {
		if _, err := coco.LoadBytes([]byte(instances[:cut])); err == nil {
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
			if !filepath.IsLocal(img.FileName) || img.Width < 1 || img.Height < 1 {
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
