package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCaptionsAreReadByTheImagesNames(t *testing.T) {
	s := &study{names: []string{"a/1.png", "a/2.png", "a/3.png"}}
	s.Targets.Rows, s.Images = 3, []int{2, 0, 0}
	file := filepath.Join(t.TempDir(), "captions.csv")
	for table, want := range map[string]string{
		"image,caption\na/3.png,a zebra\n0,a ball\n1.png,a kite\n":   "", // the second image was not seen
		"image,caption\na/3.png,a zebra\na/1.png,\n":                 "has no caption of the image a/1.png, which a trial saw",
		"image,words\na/3.png,a zebra\n":                             "caption",
		"image,caption\na/3.png,a zebra\na/1.png,a ball\n9,a kite\n": `line 4: "9" is not one of the 3 images`,
	} {
		if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
		captions, err := readCaptions(file, s)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", table, err, want)
			}
			continue
		}
		if err != nil || !slices.Equal(captions[0], []string{"a ball", "a kite"}) || captions[1] != nil || !slices.Equal(captions[2], []string{"a zebra"}) {
			t.Errorf("%q: %q, %v", table, captions, err)
		}
	}
}
