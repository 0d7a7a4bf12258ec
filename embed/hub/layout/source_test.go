package layout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/hub/layout"

	"github.com/google/go-cmp/cmp"
)

// TestAFolderListsWhatCanBePublished has a clone with Git's own folder, a link to a file
// and one to nothing.
func TestAFolderListsWhatCanBePublished(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".git/config", ".gitattributes", "onnx/model.onnx", "config.json"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"onnx/link.onnx": "model.onnx", "onnx/nothing.onnx": "gone"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skipf("SKIPPED, this file system has no links: %v", err)
		}
	}
	src, err := layout.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []layout.File{{Path: "config.json", Size: 11}, {Path: "onnx/link.onnx", Size: 15}, {Path: "onnx/model.onnx", Size: 15}}
	if diff := cmp.Diff(want, src.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if text, err := src.Read(t.Context(), "onnx/link.onnx"); err != nil || string(text) != "onnx/model.onnx" {
		t.Errorf("the link reads %q, %v", text, err)
	}
	if _, err := layout.Folder(filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there is read")
	}
}

// TestWeightsOutsideAGraphAreAskedFor has graphs whose weights lie beside them, of
// which the plan is told by name, by the graph alone, or not at all.
func TestWeightsOutsideAGraphAreAskedFor(t *testing.T) {
	const weights = "onnx/vision_model.onnx_data"
	files := map[string][]byte{}
	for _, name := range []string{"config.json", "preprocessor_config.json", "onnx/vision_model.onnx", weights} {
		b, err := os.ReadFile(filepath.Join(repositories, "external-data", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	src, dir := memory{}, t.TempDir()
	for name, b := range files {
		src[name] = string(b)
	}
	if err := os.MkdirAll(filepath.Join(dir, "onnx"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "onnx/vision_model.onnx"), files["onnx/vision_model.onnx"], 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := layout.New(t.Context(), src, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"onnx/vision_model.onnx", weights}, plan.Fetch); diff != "" {
		t.Errorf("to fetch (-want +got):\n%s", diff)
	}
	if more, _, err := plan.External(dir); err != nil || !cmp.Equal(more, []string{weights}) {
		t.Errorf("the graph asks for %q, %v", more, err)
	}
	if err := os.WriteFile(filepath.Join(dir, weights), files[weights], 0o600); err != nil {
		t.Fatal(err)
	}
	if more, _, err := plan.External(dir); err != nil || len(more) > 0 {
		t.Errorf("with its weights the graph asks for %q, %v", more, err)
	}
	if err := os.Remove(filepath.Join(dir, weights)); err != nil {
		t.Fatal(err)
	}
	if plan, err = layout.New(t.Context(), src.with(weights, ""), layout.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := plan.External(dir); err == nil || !strings.Contains(err.Error(), `onnx/vision_model.onnx keeps weights in "vision_model.onnx_data", which is not published with it`) {
		t.Errorf("weights that are nowhere: %v", err)
	}
}
