package source_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/realtest"
	"engram/index/source"

	"github.com/google/go-cmp/cmp"
)

const captionsJSON = `{"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
"annotations": [{"id": 10, "image_id": 1, "caption": "a zebra"}, {"id": 11, "image_id": 1, "caption": "a striped horse"}]}`

const instancesJSON = `{"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
"categories": [{"id": 24, "name": "zebra", "supercategory": "animal"}],
"annotations": [{"id": 12, "image_id": 1, "category_id": 24, "bbox": [0, 0, 2, 2], "area": 3, "iscrowd": 0, "segmentation": []}]}`

// writeFiles writes files below dir: path → content.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rowsOf returns the rows of a source, and the error that ended each shard that
// has one.
func rowsOf(t *testing.T, source source.Source) (rows []source.Row, damaged map[string]error) {
	t.Helper()
	shards, err := source.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	damaged = map[string]error{}
	for _, s := range shards {
		n := 0
		for some, err := range s.Read(t.Context(), 0) {
			if err != nil {
				damaged[s.Name] = err
			}
			n += len(some)
			rows = append(rows, some...)
		}
		if s.Rows >= 0 && damaged[s.Name] == nil && n != s.Rows {
			t.Errorf("shard %s has %d rows and says that it has %d", s.Name, n, s.Rows)
		}
	}
	return rows, damaged
}

func TestFolderReadsCOCO(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"coco/val2017/a.jpg": "a", "coco/val2017/b.jpg": "b", "other/a.jpg": "c", "top.png": "d",
		"coco/annotations/captions_val2017.json":  captionsJSON,
		"coco/annotations/instances_val2017.json": instancesJSON,
	})
	rows, _ := rowsOf(t, source.Folder{Root: root})
	var paths []string
	for _, row := range rows {
		paths = append(paths, row.Name)
		file, err := row.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		if row.Payload["size"] != int64(len(text)) || row.Payload["path"] != row.Name {
			t.Errorf("%s: payload is %v, the file has %d bytes", row.Name, row.Payload, len(text))
		}
		_, captioned := row.Payload["captions"]
		if captioned != (row.Name == "coco/val2017/a.jpg") {
			t.Errorf("%s: payload is %v, want captions for coco/val2017/a.jpg alone", row.Name, row.Payload)
		}
		if captioned {
			want := []any{[]string{"a zebra", "a striped horse"}, []string{"zebra"}}
			if diff := cmp.Diff(want, []any{row.Payload["captions"], row.Payload["categories"]}); diff != "" {
				t.Errorf("captions and categories (-want +got):\n%s", diff)
			}
		}
		if err := row.Payload.Check(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"top.png", "coco/val2017/a.jpg", "coco/val2017/b.jpg", "other/a.jpg"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestFolderPatterns(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"a.jpg": "", "b.png": "", "x/a.jpg": "", "x/y/b.png": "", "z/y/c.jpg": "",
	})
	for _, test := range []struct{ include, exclude, want []string }{
		{nil, nil, []string{"a.jpg", "b.png", "x/a.jpg", "x/y/b.png", "z/y/c.jpg"}},
		{[]string{"*.jpg"}, nil, []string{"a.jpg", "x/a.jpg", "z/y/c.jpg"}},
		{[]string{"x"}, nil, []string{"x/a.jpg", "x/y/b.png"}},
		{nil, []string{"y"}, []string{"a.jpg", "b.png", "x/a.jpg"}},
		{[]string{"*.jpg", "x/y/*"}, []string{"x/a.*", "z"}, []string{"a.jpg", "x/y/b.png"}},
	} {
		rows, _ := rowsOf(t, source.Folder{Root: root, Include: test.include, Exclude: test.exclude})
		var got []string
		for _, row := range rows {
			got = append(got, row.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("include %q, exclude %q (-want +got):\n%s", test.include, test.exclude, diff)
		}
	}
	if _, err := (source.Folder{Root: root, Include: []string{"["}}).Shards(t.Context()); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("pattern [: error is %v", err)
	}
}

func TestFolderOfRealPhotos(t *testing.T) {
	rows, _ := rowsOf(t, source.Folder{Root: realtest.Path(t, "photos")})
	captioned := 0
	for _, row := range rows {
		if captions, _ := row.Payload["captions"].([]string); len(captions) > 0 {
			captioned++
		}
	}
	// 80 + 79 photos of COCO are in the annotations that came with them.
	if len(rows) != 489 || captioned != 159 {
		t.Errorf("found %d photos, %d with captions, want 489 and 159", len(rows), captioned)
	}
}

func TestFolderRefuses(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{"val2017/a.jpg": "a", "b.jpg": "b", "annotations/captions_val2017.json": captionsJSON[:80], "file": "x"})
	findings := &source.Findings{}
	rows, damaged := rowsOf(t, source.Folder{Root: root, Findings: findings})
	if s := findings.Summary(); len(rows) != 2 || len(damaged) != 0 || s.OddCount != 1 || !strings.Contains(s.Odd[0].String(), "captions_val2017.json: the end: nothing after it was read") {
		t.Errorf("broken annotations: %d rows, damage %v, odd %v, want both photos and one record that names the file", len(rows), damaged, s.Odd)
	}
	if _, err := (source.Folder{Root: filepath.Join(root, "nowhere")}).Shards(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: error is %v, want fs.ErrNotExist", err)
	}
	if _, err := (source.Folder{Root: filepath.Join(root, "file")}).Shards(t.Context()); err == nil || !strings.Contains(err.Error(), "wanted a folder") {
		t.Errorf("file in place of a folder: error is %v", err)
	}
}
