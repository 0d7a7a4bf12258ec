package images_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/images"
	"engram/data/realtest"
)

// plant makes empty files below a new folder, and their folders.
func plant(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func link(t *testing.T, target, place string) {
	t.Helper()
	if err := os.Symlink(target, place); err != nil {
		t.Fatal(err)
	}
}

// list returns the paths that Files yields, and the errors' texts.
func list(root string) (paths, faults []string) {
	for file, err := range images.Files(root) {
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		paths = append(paths, file.Path)
	}
	return paths, faults
}

func TestFilesAreListedInOrder(t *testing.T) {
	root := plant(t, "b.PNG", "a/z.jpeg", "a/y.webp", "a.jpg", "c/d/e/f.TiFf", "c/notes.txt", "g.gif", "h.bmp", "i.tif",
		"jpg", "k.jpg.part", ".hidden.jpg", ".thumbnails/a.jpg", "ü ber/1.jpg", "empty/readme.md", "Z.jpg")
	want := []string{"Z.jpg", "a/y.webp", "a/z.jpeg", "a.jpg", "b.PNG", "c/d/e/f.TiFf", "g.gif", "h.bmp", "i.tif", "ü ber/1.jpg"}
	for range 2 {
		paths, faults := list(root)
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if faults != nil {
			t.Errorf("faults: %q", faults)
		}
	}
}

// What the name does not tell, the first bytes do.
func TestFilesAreToldByTheirFirstBytes(t *testing.T) {
	const jpeg, heic = "\xff\xd8\xff\xe0\x00\x10JFIF", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
	root := plant(t, "a.JFIF", "b.jpe", "empty", "notes.txt", "Thumbs.db", ".DS_Store", "._a.jpg", "desktop.ini")
	for name, content := range map[string]string{"cam.jpg?size=large": jpeg, "plain": jpeg, "x.bin": jpeg, "y.bin": "none", "z.heic": heic, "t.txt": jpeg} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths, faults := list(root)
	if diff := cmp.Diff([]string{"a.JFIF", "b.jpe", "cam.jpg?size=large", "plain", "x.bin"}, slices.DeleteFunc(paths, func(p string) bool { return p == "z.heic" })); diff != "" || faults != nil {
		t.Errorf("faults %q, images (-want +got)\n%s", faults, diff)
	}
	kinds := map[string]images.Kind{}
	for file, err := range images.All(root) {
		if err != nil {
			t.Fatal(err)
		}
		if !file.Image {
			kinds[file.Path] = file.Kind
		}
	}
	if images.HEIC.Decodes() {
		kinds["z.heic"] = images.HEIC // it is among the images
	}
	want := map[string]images.Kind{"empty": images.Empty, "notes.txt": "", "t.txt": "", "y.bin": images.Unknown, "z.heic": images.HEIC}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("others (-want +got)\n%s", diff)
	}
}

func TestStoppingEarly(t *testing.T) {
	root := plant(t, "a/b/1.jpg", "a/b/2.jpg", "c.jpg")
	seen := 0
	for range images.Files(root) {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("%d files seen, want 1", seen)
	}
}

// Python computes the same ids:
// int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big"). They are
// stored in indexes and must never change.
func TestIDIsFixed(t *testing.T) {
	for path, want := range map[string]uint64{
		"a.jpg": 5808250739824772026, "val2017/000000397133.jpg": 5931524966256845877, "ü ber/1.jpg": 5176363017839378486,
	} {
		if got := images.ID(path); got != want {
			t.Errorf("ID(%q) = %d, want %d", path, got, want)
		}
	}
	for file := range images.Files(plant(t, "x/y.jpg")) {
		if file.ID != images.ID("x/y.jpg") {
			t.Errorf("file %+v has not the id of its path", file)
		}
	}
}

func TestLinks(t *testing.T) {
	outside := plant(t, "far.jpg", "deep/deeper.jpg")
	root := plant(t, "a/1.jpg", "b/2.jpg")
	link(t, filepath.Join(outside, "far.jpg"), filepath.Join(root, "file.jpg"))
	link(t, outside, filepath.Join(root, "out"))
	link(t, filepath.Join(outside, "deep"), filepath.Join(root, "again")) // sorts before out
	link(t, "..", filepath.Join(root, "a", "up"))                         // circles
	link(t, ".", filepath.Join(root, "b", "self"))
	link(t, filepath.Dir(root), filepath.Join(root, "above"))
	link(t, outside, filepath.Join(outside, "circle"))
	link(t, filepath.Join(root, "a"), filepath.Join(root, "twin"))

	paths, faults := list(root)
	if faults != nil {
		t.Errorf("faults: %q", faults)
	}
	counts := map[string]int{}
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		counts[real]++
	}
	if n := len(counts); n != 4 {
		t.Errorf("%d photos are found in %q, want the 4 that there are", n, paths)
	}
	for real, n := range counts {
		if n > 1 && filepath.Base(real) != "far.jpg" { // linked as a file and as part of a folder
			t.Errorf("%s is found %d times in %q", real, n, paths)
		}
	}
}

func TestWhatCannotBeReadIsReportedAndTheRestListed(t *testing.T) {
	root := plant(t, "a/1.jpg", "b/2.jpg", "c.jpg")
	link(t, "nowhere.jpg", filepath.Join(root, "dead.jpg"))
	link(t, "nowhere.txt", filepath.Join(root, "dead.txt")) // of no interest
	link(t, "loop.png", filepath.Join(root, "loop.png"))
	want := []string{"a/1.jpg", "b/2.jpg", "c.jpg"}
	wantFaults := []string{"dead.jpg", "loop.png"}
	if os.Geteuid() != 0 { // root may read everything
		if err := os.Chmod(filepath.Join(root, "b"), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "b"), 0o755) })
		want = []string{"a/1.jpg", "c.jpg"}
		wantFaults = []string{"b", "dead.jpg", "loop.png"}
	}
	paths, faults := list(root)
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(faults) != len(wantFaults) {
		t.Fatalf("faults are %q, want of %q", faults, wantFaults)
	}
	for i, fault := range faults {
		if !strings.HasPrefix(fault, "images: ") || !strings.Contains(fault, wantFaults[i]) {
			t.Errorf("fault is %q, want one that names %s", fault, wantFaults[i])
		}
	}
}

func TestWhatIsNoFolderIsOneError(t *testing.T) {
	file := filepath.Join(plant(t, "a.jpg"), "a.jpg")
	for _, root := range []string{file, file + "/none", filepath.Join(t.TempDir(), "none")} {
		if paths, faults := list(root); len(paths) != 0 || len(faults) != 1 {
			t.Errorf("Files(%s) yields %q and %q, want one error", root, paths, faults)
		}
	}
}

func TestRealPhotos(t *testing.T) {
	paths, faults := list(realtest.Path(t, "photos"))
	if len(paths) != 239+250 || faults != nil {
		t.Errorf("%d photos and faults %q, want 489 and none", len(paths), faults)
	}
	ids := map[uint64]string{}
	for _, path := range paths {
		if other, ok := ids[images.ID(path)]; ok {
			t.Errorf("%s and %s share an id", path, other)
		}
		ids[images.ID(path)] = path
	}
}
