package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/models"
	"engram/embed/hub/hubtest"
	"engram/embed/ort/orttest"
)

// scripts/check_models.sh is run by users with internet. Here the hub is on this
// machine, and the demo's CLIP is what can rank pictures by words.
func TestCheckModelsScript(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED with -short: it builds the program")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("SKIPPED, bash runs the script and is missing: %v", err)
	}
	demo, err := models.Folder(models.CLIP)
	if err != nil {
		t.Fatal(err)
	}
	const script = "../../scripts/check_models.sh"
	if _, err := os.ReadFile(script); err != nil { // so that go test knows that the result depends on it
		t.Fatal(err)
	}
	hub := hubtest.New(t, hubtest.Repo{Name: "test/demo", Files: demo}, repo("dinov2"), repo("no-onnx"), repo("transformers-js"))
	program := filepath.Join(t.TempDir(), "engram")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	home := t.TempDir()
	check := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), bash, append([]string{script}, args...)...)
		c.Env = append(os.Environ(), "ENGRAM="+program, "ENGRAM_ONNXRUNTIME="+orttest.Runtime(t).Path(),
			"ENGRAM_CACHE="+filepath.Join(home, "cache"), "HF_HOME="+home, "HF_ENDPOINT="+hub.URL, "HF_HUB_OFFLINE=", "HF_TOKEN=")
		out, err := c.CombinedOutput()
		return string(out), err
	}

	out, err := check("hf:test/demo", "hf:test/dinov2")
	for name, fields := range map[string]string{"hf:test/demo": "128 yes 3 of 3 ok", "hf:test/dinov2": "32 yes none ok"} {
		if got := line(out, name); got != fields {
			t.Errorf("the line of %s has %q, wanted %q", name, got, fields)
		}
	}
	if err != nil {
		t.Errorf("the script says %v\n%s", err, out)
	}

	// Random weights rank as chance has it, and a repository without graphs has no model.
	out, err = check("--remove", "hf:test/demo", "hf:test/no-onnx", "hf:test/transformers-js")
	if err == nil || !strings.HasSuffix(line(out, "hf:test/no-onnx"), "FAILED") || !strings.HasSuffix(line(out, "hf:test/transformers-js"), "FAILED") ||
		!strings.Contains(out, "2 of 3 models failed") || !strings.Contains(out, "hf:test/no-onnx: get: engram: ") || !strings.Contains(out, `hf:test/transformers-js: search: "`) {
		t.Errorf("the script says %v\n%s", err, out)
	}
	if left, err := filepath.Glob(filepath.Join(home, "cache/models/*/bundle.json")); err != nil || len(left) != 1 {
		t.Errorf("--remove left %q, wanted dinov2 of the first run alone", left)
	}
}

// line returns the columns of a model in the script's table, without its name and the
// time that it took.
func line(table, name string) string {
	for l := range strings.Lines(table) {
		if columns := strings.Fields(l); len(columns) > 3 && columns[0] == name {
			return strings.Join(append(columns[1:2], columns[3:]...), " ")
		}
	}
	return ""
}
