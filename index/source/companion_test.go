package source_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/parquet"
	"engram/data/vfs"
	"engram/index"
	"engram/index/source"
)

// annotated returns annotations of COCO: an image for each name, with its number as
// a caption and a category.
func annotated(t *testing.T, names ...string) string {
	t.Helper()
	type m = map[string]any
	var images, annotations []m
	for i, name := range names {
		images = append(images, m{"id": i, "file_name": name})
		annotations = append(annotations, m{"id": 2 * i, "image_id": i, "caption": fmt.Sprint("photo ", i)}, m{"id": 2*i + 1, "image_id": i, "category_id": i})
	}
	var categories []m
	for i := range names {
		categories = append(categories, m{"id": i, "name": fmt.Sprint("thing ", i)})
	}
	text, err := json.Marshal(m{"images": images, "annotations": annotations, "categories": categories})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// captionsOf reads a folder, and returns the caption of each photo that has one.
func captionsOf(t *testing.T, f source.Folder) (map[string]string, source.Summary) {
	t.Helper()
	f.Findings = &source.Findings{}
	rows, damaged := rowsOf(t, f)
	if len(damaged) > 0 {
		t.Errorf("damaged: %v", damaged)
	}
	captions := map[string]string{}
	for _, row := range rows {
		if err := row.Payload.Check(); err != nil || row.Err != nil {
			t.Errorf("%s: %v, %v", row.Name, err, row.Err)
		}
		list, _ := row.Payload[index.KeyCaptions].([]string)
		one, _ := row.Payload[index.KeyCaption].(string)
		if text := strings.Join(list, "+") + one; text != "" {
			captions[row.Name] = text
		}
	}
	return captions, f.Findings.Summary()
}

// A photo is found by whatever spelling of its name is written, and not where
// several could be meant.
func TestNamesThatAreWrittenOtherwise(t *testing.T) {
	const composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
	for name, test := range map[string]struct {
		photos []string
		said   []string
		want   map[string]string
		line   string
	}{
		"as it is":         {[]string{"a.jpg"}, []string{"a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1 images found their photo"},
		"dot":              {[]string{"a.jpg"}, []string{"./a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1 images found their photo, 1 by another spelling of its name"},
		"folder in front":  {[]string{"a.jpg"}, []string{"val2017/a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"another in front": {[]string{"a.jpg"}, []string{"images/train/a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"absolute":         {[]string{"a.jpg"}, []string{"/home/ann/data/a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"Windows":          {[]string{"a.jpg"}, []string{`C:\data\val\a.jpg`}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"backslashes":      {[]string{"a.jpg"}, []string{`val2017\a.jpg`}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"address":          {[]string{"a b.jpg"}, []string{"https://example.org/x/a%20b.jpg?size=large"}, map[string]string{"a b.jpg": "photo 0"}, "1 of 1"},
		"escaped":          {[]string{"a b.jpg"}, []string{"a%20b.jpg"}, map[string]string{"a b.jpg": "photo 0"}, "1 of 1"},
		"percent is meant": {[]string{"a%20b.jpg"}, []string{"a%20b.jpg"}, map[string]string{"a%20b.jpg": "photo 0"}, "1 of 1"},
		"case":             {[]string{"IMG_1.JPG"}, []string{"img_1.jpg"}, map[string]string{"IMG_1.JPG": "photo 0"}, "1 of 1"},
		"decomposed":       {[]string{composed}, []string{decomposed}, map[string]string{composed: "photo 0"}, "1 of 1"},
		"composed":         {[]string{decomposed}, []string{composed}, map[string]string{decomposed: "photo 0"}, "1 of 1"},
		"outside":          {[]string{"a.jpg"}, []string{"../../a.jpg"}, map[string]string{"a.jpg": "photo 0"}, "1 of 1"},
		"none":             {[]string{"a.jpg"}, []string{"b.jpg", "", "/", ".."}, map[string]string{}, "NONE of their images is here: instances_val2017.json 0 of 3"},
		"twice":            {[]string{"a.jpg"}, []string{"a.jpg", "a.jpg"}, map[string]string{"a.jpg": "photo 0+photo 1"}, "2 of 2"},
		"the better one":   {[]string{"a.jpg"}, []string{"train/a.jpg", "val2017/a.jpg"}, map[string]string{"a.jpg": "photo 1"}, "1 of 2"},
		"not guessed":      {[]string{"a.jpg", "b.jpg"}, []string{"x/a.jpg", "y/a.jpg", "b.jpg"}, map[string]string{"b.jpg": "photo 2"}, "1 of 3 images found their photo, 2 could mean several and were left out"},
		"case that counts": {[]string{"a.jpg", "A.jpg"}, []string{"a.jpg", "A.JPG"}, map[string]string{"a.jpg": "photo 0"}, "1 of 2 images found their photo, 1 could mean several"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{"annotations/instances_val2017.json": annotated(t, test.said...)}
			for _, photo := range test.photos {
				files["val2017/"+photo] = "x"
			}
			writeFiles(t, root, files)
			got, summary := captionsOf(t, source.Folder{Root: filepath.Join(root, "val2017")})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("captions (-want +got):\n%s", diff)
			}
			if lines := summary.Lines(); len(lines) != 1 || !strings.Contains(lines[0], test.line) {
				t.Errorf("lines are %q, want one with %q", lines, test.line)
			}
		})
	}
}

// Annotations are found where COCO, its users and labelling tools put them.
func TestPlacesOfAnnotations(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		said []string
		root string
		want map[string]string // of a/1.jpg, a/2.jpg and b/1.jpg
	}{
		"Roboflow":               {"a/_annotations.coco.json", []string{"1.jpg", "2.jpg"}, ".", map[string]string{"a/1.jpg": "photo 0", "a/2.jpg": "photo 1"}},
		"CVAT":                   {"annotations/instances_default.json", []string{"a/1.jpg", "b/1.jpg"}, ".", map[string]string{"a/1.jpg": "photo 0", "b/1.jpg": "photo 1"}},
		"CVAT, its images":       {"annotations/instances_default.json", []string{"2.jpg"}, "a", map[string]string{"2.jpg": "photo 0"}},
		"labelme2coco":           {"annotations.json", []string{"a/1.jpg", "b/1.jpg"}, ".", map[string]string{"a/1.jpg": "photo 0", "b/1.jpg": "photo 1"}},
		"any name":               {"my labels.json", []string{"2.jpg", "1.jpg"}, ".", map[string]string{"a/2.jpg": "photo 0"}}, // 1.jpg is in two folders
		"above":                  {"annotations/instances_a.json", []string{"1.jpg"}, "a", map[string]string{"1.jpg": "photo 0"}},
		"folders in a split":     {"annotations/instances_set.json", []string{"a/1.jpg", `b\1.jpg`}, ".", map[string]string{"a/1.jpg": "photo 0", "b/1.jpg": "photo 1"}},
		"of another split":       {"annotations/instances_c.json", []string{"1.jpg"}, ".", map[string]string{}},
		"key points":             {"annotations/person_keypoints_a.json", []string{"1.jpg"}, ".", map[string]string{}},
		"two levels above":       {"../annotations/captions_a.json", []string{"1.jpg"}, ".", map[string]string{"a/1.jpg": "photo 0"}},
		"somebody's own, above":  {"../annotations.json", []string{"a/1.jpg"}, ".", map[string]string{}},
		"the path from the root": {"a/x.json", []string{"b/1.jpg"}, ".", map[string]string{"a/1.jpg": "photo 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "set")
			writeFiles(t, root, map[string]string{"a/1.jpg": "x", "a/2.jpg": "x", "b/1.jpg": "x", test.file: annotated(t, test.said...)})
			got, summary := captionsOf(t, source.Folder{Root: filepath.Join(root, test.root)})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("captions (-want +got):\n%s%q", diff, summary.Lines())
			}
		})
	}
}

// Files that are no annotations, or damaged ones, cost no photo.
func TestAnnotationsOfNoUse(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"val2017/a.jpg": "x", "annotations/captions_val2017.json": "[]", "val2017/notes.json": `{"a": 1}`, "val2017/list.json": "[1]",
	})
	rows, damaged := rowsOf(t, source.Folder{Root: root})
	if len(rows) != 1 || len(damaged) != 0 {
		t.Errorf("%d rows, damaged %v", len(rows), damaged)
	}
	_, summary := captionsOf(t, source.Folder{Root: root})
	want := []string{"left out: 2 files (.json 2)", `annotations: annotations/captions_val2017.json is of no use: `}
	lines := summary.Lines()
	if len(lines) != 2 || lines[0] != want[0] || !strings.HasPrefix(lines[1], want[1]) {
		t.Errorf("lines are %q, want %q", lines, want)
	}
}

// Metadata tables of Hugging Face's ImageFolder name photos below their own folder.
func TestMetadataTables(t *testing.T) {
	table := filepath.Join(t.TempDir(), "metadata.parquet")
	w, err := parquet.Create(vfs.OS{}, table)
	if err == nil {
		err = w.Write(map[string]any{"file_name": "a.jpg", "caption": "one", "n": int64(7)})
	}
	if err == nil {
		err = w.Write(map[string]any{"file_name": "sub/b.jpg", "caption": "two", "n": int64(8)})
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"train/a.jpg": "one", "train/sub/b.jpg": "two"}
	for _, test := range []struct{ name, content string }{
		{"metadata.parquet", string(content)},
		{"metadata.csv", "file_name,caption,n\na.jpg,one,7\nsub/b.jpg,two,8\n"},
		{"metadata.csv", "\xef\xbb\xbffile_name;text;n\r\na.jpg;one;7\r\n./sub/b.jpg;\"two\";8\r\n"},
		{"metadata.csv", utf16("file_name\ttext\tn\r\na.jpg\tone\t7\r\nsub/b.jpg\ttwo\t8\r\n")},
		{"metadata.jsonl", utf16(`{"file_name": "a.jpg", "text": "one", "n": 7}` + "\r\n" + `{"file_name": "sub/b.jpg", "text": "two"}`)},
		{"metadata.csv", "n\tcaption\tfile_name\n7\tone\ta.jpg\n8\ttwo\tsub/b.jpg\n"},
		{"metadata.jsonl", `{"file_name": "a.jpg", "text": "one", "n": 7, "objects": {"bbox": [[1, 2]]}}` + "\n\n" + `{"file_name": "sub/b.jpg", "caption": "two", "n": 8, "x": NaN}`},
	} {
		root := t.TempDir()
		writeFiles(t, root, map[string]string{"train/a.jpg": "x", "train/sub/b.jpg": "x", "test/a.jpg": "x", "train/" + test.name: test.content})
		got, summary := captionsOf(t, source.Folder{Root: root})
		if diff := cmp.Diff(want, got); diff != "" || len(summary.LeftOut) != 0 {
			t.Errorf("%s: left out %v, captions (-want +got):\n%s", test.name, summary.LeftOut, diff)
		}
		rows, _ := rowsOf(t, source.Folder{Root: root})
		if i := slices.IndexFunc(rows, func(r source.Row) bool { return r.Name == "train/a.jpg" }); rows[i].Payload["n"] != int64(7) {
			t.Errorf("%s: payload is %v", test.name, rows[i].Payload)
		}
		if lines := summary.Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], "annotations: "+test.name+" 2 of 2 images found their photo") {
			t.Errorf("%s: lines are %q", test.name, lines)
		}
	}
	root := t.TempDir()
	writeFiles(t, root, map[string]string{"a.jpg": "x", "metadata.jsonl": "{\"file_name\": \"a.jpg\", \"size\": 3, \"caption\": \"one\"}\n{}\nno JSON\n"})
	got, summary := captionsOf(t, source.Folder{Root: root})
	if got["a.jpg"] != "one" || summary.OddCount != 2 || summary.Odd[0].String() != "metadata.jsonl: line 2: wanted the name of a photo in column file_name" {
		t.Errorf("captions %v, odd %v", got, summary.Odd)
	}
	if lines := summary.Lines(); !slices.Contains(lines, "columns left out: size (a name that Engram has for something else)") {
		t.Errorf("lines are %q", lines)
	}
}

// utf16 writes a text as Windows does, with a byte order mark. It is ASCII.
func utf16(ascii string) string {
	text := []byte("\xff\xfe")
	for i := range len(ascii) {
		text = append(text, ascii[i], 0)
	}
	return string(text)
}

// The files beside a photo describe it, whichever tool wrote them.
func TestSidecars(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"0/1.jpg": "x", "0/1.txt": " a zebra \n", "0/1.json": `{"url": "u", "key": "1", "caption": "zebra", "width": 7, "size": 3}`,
		"0/2.jpg": "x", "0/2.txt": "0 0.5 0.5 0.25 0.25\n1 .1 .2 .3 .4\n", // YOLO
		"0/3.jpg": "x", "0/3.json": "broken",
		"0/4.jpg": "x", "0/4.jpg.json": `{"title": "four", "photoTakenTime": {"timestamp": "12"}}`,
		"0/5.jpg": "x", "0/5.json": `{"imagePath": "5.jpg", "imageData": "AAAA", "shapes": [{"label": "cat"}, {"label": "dog"}, {"label": "cat"}]}`,
		"0/6.jpg": "x", "0/6.caption": "caf\xe9",
		"0/9.jpg": "x", "0/9.json": utf16(`{"caption": "nine", "width": 1e999}`),
		"0/7.jpg": "x", "0/8.txt": "of nobody", "0.parquet": "PAR1", "0_stats.json": "{}",
	})
	findings := &source.Findings{}
	rows, damaged := rowsOf(t, source.Folder{Root: root, Findings: findings})
	got := map[string]index.Payload{}
	for _, row := range rows {
		if row.Err != nil {
			t.Errorf("%s: %v", row.Name, row.Err)
		}
		delete(row.Payload, "modified")
		delete(row.Payload, "path")
		delete(row.Payload, "size")
		got[row.Name] = row.Payload
	}
	want := map[string]index.Payload{
		"0/1.jpg": {"caption": "zebra", "url": "u", "key": "1", "width": int64(7)},
		"0/2.jpg": {}, "0/3.jpg": {}, "0/7.jpg": {},
		"0/4.jpg": {"title": "four", "photoTakenTime.timestamp": "12"},
		"0/5.jpg": {"categories": []string{"cat", "dog"}},
		"0/6.jpg": {"caption": "café"},
		"0/9.jpg": {"caption": "nine", "width": "1e999"},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(damaged) > 0 {
		t.Errorf("damaged %v, payloads (-want +got):\n%s", damaged, diff)
	}
	s := findings.Summary()
	wantLines := []string{
		"left out: 3 files (.json 1, .parquet 1, .txt 1)",
		"sidecars: 7 of 8 photos described (.json 5, .txt 2, .caption 1)",
		"columns left out: size (a name that Engram has for something else), .txt (labels of YOLO)",
	}
	if diff := cmp.Diff(wantLines, s.Lines()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if s.OddCount != 1 || !strings.HasPrefix(s.OddLines()[0], "odd     0/3.json: the file: ") {
		t.Errorf("odd are %v", s.OddLines())
	}

	// A sidecar that changes is read again.
	before, err := source.Folder{Root: root}.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, root, map[string]string{"0/1.txt": "a zebra by the sea"})
	after, err := source.Folder{Root: root}.Shards(t.Context())
	if err != nil || before[0].Fingerprint == after[0].Fingerprint {
		t.Errorf("error %v, fingerprint %s of both", err, after[0].Fingerprint)
	}
}
