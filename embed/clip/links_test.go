package clip_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort/orttest"
)

// A graph and its weights that are links into the cache of another program, where both
// have other names, are opened as files of the folder are.
func TestLinkedGraphsWithExternalWeights(t *testing.T) {
	t.Parallel()
	r := repositories[0]
	r.name, r.textName = "external-data", "external-data"
	r.external = []string{"onnx/vision_model.onnx_data", "onnx/text_model.onnx_data"}
	m := r.open(t, nil)
	blobs := t.TempDir()
	var links []string
	for name := range m.Files {
		blob := filepath.Join(blobs, m.Files[name])
		if err := errors.Join(os.Rename(m.Path(name), blob), os.Symlink(blob, m.Path(name))); err != nil {
			t.Fatal(err)
		}
		links = append(links, name)
	}
	if err := model.WriteLinks(m.Dir(), links); err != nil {
		t.Fatal(err)
	}
	linked, err := model.Open(m.Dir())
	if err != nil {
		t.Fatal(err)
	}
	want := r.answers(t)
	e := open(t, orttest.Runtime(t), linked, clip.Options{})
	for _, w := range want.Images {
		got := encode(t, e, photo(t, filepath.Join(published, "pictures", w.File)))
		if same := embed.Dot(got[0], w.Vector); same < equal {
			t.Errorf("%s has cosine %v to Python's vector", w.File, same)
		}
	}
	text := openText(t, orttest.Runtime(t), linked, clip.Options{})
	got, err := text.Encode(t.Context(), []string{want.Texts[1].Text})
	if err != nil {
		t.Fatal(err)
	}
	if same := embed.Dot(got[0], want.Texts[1].Vector); same < equal {
		t.Errorf("%q has cosine %v to Python's vector", want.Texts[1].Text, same)
	}
}
