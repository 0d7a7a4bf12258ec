package app

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A scan is finished as long as its record and each of its pictures are there, and whole.
func TestScansThatLackAPictureAreMadeAgain(t *testing.T) {
	f := &reconstructions{dir: t.TempDir(), folders: []string{madeFolder, boundFolder}, candidates: 2}
	names := []string{"0000-a", "0001-b"}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	picture := encoded.Bytes()
	write := func(path string, part float64) {
		t.Helper()
		content := picture
		if filepath.Ext(path) == ".json" {
			content = []byte(`{"name":"0000-a"}`)
		}
		if err := writeBytes(path, content[:int(part*float64(len(content)))]); err != nil {
			t.Fatal(err)
		}
	}
	var damaged []string
	missing := func() []int {
		t.Helper()
		damaged = nil
		found, err := f.missing(names, func(path string) { damaged = append(damaged, path) })
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, name := range names {
		for _, path := range f.files(name) {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			write(path, 1)
		}
	}
	if found := missing(); len(found) != 0 {
		t.Errorf("with all files scans %v are missing", found)
	}
	paths := f.files(names[1])
	if len(paths) != 5 {
		t.Errorf("files of a scan are %q, want a record, two pictures and two candidates", paths)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if found := missing(); !slices.Equal(found, []int{1}) || damaged != nil {
			t.Errorf("without %s scans %v are missing and %q damaged, want 1 and none", path, found, damaged)
		}
		for _, part := range []float64{0, .5, .95} {
			write(path, part)
			if found := missing(); !slices.Equal(found, []int{1}) || !slices.Equal(damaged, []string{path}) {
				t.Errorf("with %v of %s scans %v are missing and %q damaged, want 1 and the file", part, path, found, damaged)
			}
		}
		write(path, 1)
	}
}

func TestPicturesThatWereMadeOtherwiseStay(t *testing.T) {
	f := &reconstructions{dir: t.TempDir()}
	choices := []byte("{\n  \"steps\": 6\n}\n")
	for range 2 {
		if err := f.agree(choices); err != nil {
			t.Fatal(err)
		}
	}
	err := f.agree([]byte("{\n  \"steps\": 5\n}\n"))
	if err == nil || !strings.Contains(err.Error(), `made otherwise ("steps": 6, wanted "steps": 5), choose another --out`) {
		t.Errorf("other choices: %v", err)
	}
	for says, now := range map[string]string{
		`(no "blend", wanted "blend": 0.4)`: "{\n  \"blend\": 0.4,\n  \"steps\": 6\n}\n",
		`("steps": 6, wanted none)`:         "{\n}\n",
	} {
		if err := f.agree([]byte(now)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("other choices: %v, want %s", err, says)
		}
	}
	if err := os.WriteFile(filepath.Join(f.dir, choicesFile), choices[:8], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.agree(choices); err == nil || !strings.Contains(err.Error(), "choices.json is damaged") {
		t.Errorf("choices that were cut off: %v", err)
	}
}
