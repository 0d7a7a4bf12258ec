package build_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/realtest"
	"engram/index"
	"engram/index/build"

	"github.com/google/go-cmp/cmp"
)

const captionsJSON = `{"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
"annotations": [{"id": 10, "image_id": 1, "caption": "a zebra"}, {"id": 11, "image_id": 1, "caption": "a striped horse"}]}`

const instancesJSON = `{"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
"categories": [{"id": 24, "name": "zebra", "supercategory": "animal"}],
"annotations": [{"id": 12, "image_id": 1, "category_id": 24, "bbox": [0, 0, 2, 2], "area": 3, "iscrowd": 0, "segmentation": []}]}`

func TestFolderReadsCOCO(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"coco/val2017/a.jpg": "a", "coco/val2017/b.jpg": "b", "other/a.jpg": "c", "top.png": "d",
		"coco/annotations/captions_val2017.json":  captionsJSON,
		"coco/annotations/instances_val2017.json": instancesJSON,
	})
	entries, err := build.Folder(root)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		path := e.Payload["path"].(string)
		paths = append(paths, path)
		file, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		if e.Payload["size"] != int64(len(text)) {
			t.Errorf("%s: size is %v, the file has %d bytes", path, e.Payload["size"], len(text))
		}
		_, captioned := e.Payload["captions"]
		if captioned != (path == "coco/val2017/a.jpg") {
			t.Errorf("%s: payload is %v, want captions for coco/val2017/a.jpg alone", path, e.Payload)
		}
		if captioned {
			want := []any{[]string{"a zebra", "a striped horse"}, []string{"zebra"}}
			if diff := cmp.Diff(want, []any{e.Payload["captions"], e.Payload["categories"]}); diff != "" {
				t.Errorf("captions and categories (-want +got):\n%s", diff)
			}
		}
		if err := e.Payload.Check(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"coco/val2017/a.jpg", "coco/val2017/b.jpg", "other/a.jpg", "top.png"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestFolderOfRealPhotos(t *testing.T) {
	entries, err := build.Folder(realtest.Path(t, "photos"))
	if err != nil {
		t.Fatal(err)
	}
	captioned := 0
	for _, e := range entries {
		if captions, _ := e.Payload["captions"].([]string); len(captions) > 0 {
			captioned++
		}
	}
	// 80 + 79 photos of COCO are in the annotations that came with them.
	if len(entries) != 489 || captioned != 159 {
		t.Errorf("found %d photos, %d with captions, want 489 and 159", len(entries), captioned)
	}
}

func TestFolderRefuses(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{"val2017/a.jpg": "a", "annotations/captions_val2017.json": captionsJSON[:80], "file": "x"})
	_, err := build.Folder(root)
	if err == nil || !strings.Contains(err.Error(), "captions_val2017.json") {
		t.Errorf("broken annotations: error is %v, want one that names the file", err)
	}
	if _, err := build.Folder(filepath.Join(root, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: error is %v, want fs.ErrNotExist", err)
	}
	if _, err := build.Folder(filepath.Join(root, "file")); err == nil || !strings.Contains(err.Error(), "wanted a folder") {
		t.Errorf("file in place of a folder: error is %v", err)
	}
}

func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	if got, err := build.ReadOrigin(dir); err != nil || got != (build.Origin{}) {
		t.Errorf("without a file: %v, %v, want the zero Origin", got, err)
	}
	want := build.Origin{Root: "/photos", Bundle: "/models/clip"}
	if err := build.WriteOrigin(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := build.ReadOrigin(dir); err != nil || got != want {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	writeFiles(t, dir, map[string]string{"origin.json": `{"root": 3}`})
	if _, err := build.ReadOrigin(dir); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "origin.json") {
		t.Errorf("damaged file: error is %v, want ErrCorrupt with its name", err)
	}
}
