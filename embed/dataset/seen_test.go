package dataset_test

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/laion"
	"engram/data/vfs"
	"engram/embed/dataset"

	"github.com/google/go-cmp/cmp"
)

func writeTable(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// 1.png … 12.png are seen in the order in which people count.
func TestStimuliAreInNaturalOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"10", "9", "1", "2", "100"} {
		file, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := dataset.OpenStimuli(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff([]string{"1.png", "2.png", "9.png", "10.png", "100.png"}, s.Names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	seen := dataset.InOrder(s.Names, s.Count)
	if want := "5 images in natural order, 1.png … 100.png; trial i saw image i"; seen.String() != want {
		t.Errorf("%q, want %q", seen, want)
	}
	want := []string{"the order of the images decides: natural order is used (1.png, 2.png, 9.png, …), byte order would be 1.png, 10.png, 100.png, …"}
	if diff := cmp.Diff(want, seen.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got)\n%s", diff)
	}
}

func TestTrialsNameTheirImages(t *testing.T) {
	names := []string{"animals/zebra.png", "animals/Zürich.jpg", "boat.png", "cars/boat.jpg", "cars/007.png"}
	for text, want := range map[string]int{
		"animals/zebra.png":         0,
		"zebra.png":                 0,
		"zebra":                     0,
		`stimuli\animals\zebra.png`: 0,
		"./boat.png":                2,
		"stimuli/cars/boat.jpg":     3,
		"Zu\u0308rich.JPG":          1, // decomposed, in other case
		"/data/study/cars/007.png":  4,
		"007":                       4,
		"4":                         4, // a number
		"3.0":                       3,
		"n/a":                       dataset.NoImage,
	} {
		seen, err := dataset.ReadSeen(writeTable(t, "t.tsv", "onset\timage\n0\t"+text+"\n"), "image", names, len(names))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if diff := cmp.Diff([]int{want}, seen.Images); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
	for _, text := range []string{"boat", "5", "-1", "1.5", "lion.png", "NaN"} { // two are called boat
		if seen, err := dataset.ReadSeen(writeTable(t, "t.csv", "image\n"+text+"\n"), "image", names, len(names)); err == nil || !strings.Contains(err.Error(), "line 2: \""+text) {
			t.Errorf("%q: %v, %v; want the line and the text", text, seen, err)
		}
	}
}

// A name that two folders share is refused with a word on what would tell them apart.
func TestTrialsOfSharedNames(t *testing.T) {
	names := []string{"a/1.png", "b/1.png"}
	for text, says := range map[string]string{"1.png": ", with its folder where several have one name", "2.png": "a path in the folder of stimuli"} {
		_, err := dataset.ReadSeen(writeTable(t, "t.csv", "image\n"+text+"\n"), "image", names, len(names))
		if err == nil || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%s: error is %v, want %q at its end", text, err, says)
		}
	}
}

// Events of BIDS call the column otherwise; one that is asked for by name is not replaced.
func TestTrialsOfBIDS(t *testing.T) {
	events := writeTable(t, "events.tsv", "onset\tstim_file\n0\timages/b.png\n1\ta.png\n")
	seen, err := dataset.ReadSeen(events, "image", []string{"a.png", "b.png"}, 2)
	if err != nil || !cmp.Equal(seen.Images, []int{1, 0}) {
		t.Errorf("images are %v, error %v", seen, err)
	}
	if _, err := dataset.ReadSeen(events, "picture", []string{"a.png", "b.png"}, 2); err == nil || !strings.Contains(err.Error(), `has no column "picture"`) {
		t.Errorf("error is %v, want one on the column picture", err)
	}
}

func TestWhatWasMatchedIsSaid(t *testing.T) {
	names := []string{"1.png", "2.png", "10.png", "11.png", "12.png"}
	for name, test := range map[string]struct {
		table, says string
		warnings    []string
	}{
		"by name": {"image\n1.png\n2.png\n10.png\n11.png\n12.png\n1.png\n",
			"6 of 6 rows matched 5 of 5 images in natural order, 1.png … 12.png, by name", nil},
		"with rest": {"image\n1.png\nn/a\n2.png\n10.png\n11.png\n12.png\n",
			"5 of 6 rows matched 5 of 5 images in natural order, 1.png … 12.png, by name; 1 trials without an image (n/a) left out", nil},
		"not all": {"image\n2.png\n",
			"1 of 1 rows matched 1 of 5 images in natural order, 1.png … 12.png, by name",
			[]string{"4 of 5 images were never seen: 1.png, 10.png, 11.png, …"}},
		"in another order": {"trial,image\n5,1.png\n4,2.png\n3,10.png\n2,11.png\n1,12.png\n",
			"5 of 5 rows matched 5 of 5 images in natural order, 1.png … 12.png, by name",
			[]string{"column trial is not in ascending order; row i belongs to trial i of the scans, whatever it says"}},
		"trials of two runs": {"trial,image\n1,1.png\n2,2.png\n3,10.png\n1,11.png\n2,12.png\n",
			"5 of 5 rows matched 5 of 5 images in natural order, 1.png … 12.png, by name", nil},
		"by number": {"image\n0\n1\n2\n3\n4\n",
			"5 of 5 rows matched 5 of 5 images in natural order, 1.png … 12.png, by number from 0",
			[]string{"the order of the images decides: natural order is used (1.png, 2.png, 10.png, …), byte order would be 1.png, 10.png, 11.png, …",
				"numbers count from 0 in natural order, so that 0 is 1.png; names leave no doubt"}},
	} {
		path := writeTable(t, "t.csv", test.table)
		seen, err := dataset.ReadSeen(path, "image", names, len(names))
		if err != nil {
			t.Fatal(err)
		}
		if want := path + ": " + test.says; seen.String() != want {
			t.Errorf("%s: %q, want %q", name, seen, want)
		}
		var warnings []string
		for _, w := range seen.Warnings() {
			warnings = append(warnings, strings.TrimPrefix(w, path+": "))
		}
		if diff := cmp.Diff(test.warnings, warnings); diff != "" {
			t.Errorf("%s: warnings (-want +got)\n%s", name, diff)
		}
	}
	unknown := writeTable(t, "t.csv", "image\n1.png\nlion.png\n2.png\ntiger.png\n")
	_, err := dataset.ReadSeen(unknown, "image", names, len(names))
	if err == nil || !strings.Contains(err.Error(), `line 3: "lion.png" is not one of the 5 images`) || !strings.Contains(err.Error(), `so are 1 more of 4 rows, the last in line 5: "tiger.png"`) {
		t.Errorf("error is %v, want both unknown images", err)
	}
}

// Embeddings that engram embed wrote know what their images are called.
func TestEmbeddingsOfLAIONHaveNames(t *testing.T) {
	dir := t.TempDir()
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Sets: []laion.Set{laion.Image}, Dim: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.png", "10.png", "2.png"} {
		if err := w.Append(map[string]any{"image_path": name}, []float32{1, 0}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := dataset.TargetNames(filepath.Join(dir, "img_emb", "img_emb_0000.npy"))
	if err != nil {
		t.Fatal(err)
	}
	seen := dataset.InOrder(names, 3)
	if want := "3 images in the order of the file, 1.png … 2.png; trial i saw image i"; seen.String() != want {
		t.Errorf("%q, want %q", seen, want)
	}
	want := []string{"the order of the images decides: the order of the file is used (1.png, 10.png, 2.png), natural order would be 1.png, 2.png, 10.png"}
	if diff := cmp.Diff(want, seen.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got)\n%s", diff)
	}
	if names, err := dataset.TargetNames(filepath.Join(dir, "targets.npy")); names != nil || err != nil {
		t.Errorf("names %v, %v of a file without metadata", names, err)
	}
}
