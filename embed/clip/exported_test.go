package clip_test

import (
	"path/filepath"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// Folders of scripts/export_clip.py are opened as they are: one with a vector per
// picture, one with MindEye's tokens, float16 weights and external data.
func TestExportedModelsEqualPython(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for _, name := range []string{"exported", "exported-tokens"} {
		m, err := model.Open(filepath.Join(published, "repositories", name))
		if err != nil {
			t.Fatal(err)
		}
		want := repository{name: name, textName: name}.answers(t)
		var images []*pixels.Image
		for _, w := range want.Images {
			images = append(images, photo(t, filepath.Join(published, "pictures", w.File)))
		}
		for i, got := range encode(t, open(t, rt, m, clip.Options{}), images...) {
			if same := embed.Dot(got, want.Images[i].Vector); same < equal {
				t.Errorf("%s: %s has cosine %.6f to Python's vector", name, want.Images[i].File, same)
			}
		}
		e := openText(t, rt, m, clip.Options{})
		for _, w := range want.Texts {
			if strings.TrimSpace(w.Text) == "" {
				continue
			}
			got, err := e.Encode(t.Context(), []string{w.Text})
			if err != nil {
				t.Fatal(err)
			}
			if same := embed.Dot(got[0], w.Vector); same < equal {
				t.Errorf("%s: %.40q has cosine %.6f to Python's vector", name, w.Text, same)
			}
		}
	}
}
