package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/ort/orttest"
)

// cli runs command lines as a shell would.
type cli struct {
	t    *testing.T
	env  map[string]string
	in   string   // what commands read from stdin
	args []string // of every command line
}

// newCLI returns a cli with the library of this machine and an empty cache.
func newCLI(t *testing.T) *cli {
	t.Helper()
	return &cli{t: t, args: []string{"--onnxruntime", orttest.Runtime(t).Path(), "--cache", t.TempDir()}}
}

// run returns what a command line prints, and its exit status.
func (c *cli) run(args ...string) (stdout, stderr string, status int) {
	c.t.Helper()
	var out, err bytes.Buffer
	status = run(c.t.Context(), append(args, c.args...), streams{
		stdin: strings.NewReader(c.in), stdout: &out, stderr: &err, getenv: func(name string) string { return c.env[name] },
	})
	return out.String(), err.String(), status
}

// must returns the standard output of a command line that succeeds.
func (c *cli) must(args ...string) string {
	c.t.Helper()
	stdout, stderr, status := c.run(args...)
	if status != 0 {
		c.t.Fatalf("engram %s: status %d: %s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// json decodes the standard output of a command line that succeeds.
func (c *cli) json(v any, args ...string) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.must(append(args, "--json")...)), v); err != nil {
		c.t.Fatal(err)
	}
}

// refuse checks that a command line fails with one line that has these parts,
// with status 1 and nothing on standard output.
func (c *cli) refuse(parts []string, args ...string) {
	c.t.Helper()
	stdout, stderr, status := c.run(args...)
	if status != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "engram: ") {
		c.t.Errorf("engram %s: status %d, stdout %q, stderr %q, want status 1 and one line on stderr", strings.Join(args, " "), status, stdout, stderr)
	}
	for _, part := range parts {
		if !strings.Contains(stderr, part) {
			c.t.Errorf("engram %s: stderr is %q, want it to have %q", strings.Join(args, " "), stderr, part)
		}
	}
}

// writePNG writes an image of a bright square at (x, y) on a dark ground.
func writePNG(t *testing.T, path string, x, y int) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 32, 32))
	for dy := range 10 {
		for dx := range 10 {
			img.SetGray(x+dx, y+dy, color.Gray{Y: 250})
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, buf.Bytes())
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHelpShowsAnExample(t *testing.T) {
	c := &cli{t: t}
	for _, command := range []string{"", "setup", "model", "model list", "model get", "model show", "model remove", "model import", "embed", "index", "index build", "index copy", "index verify", "index switch", "search", "label", "train", "reconstruct", "pretrain", "eval", "serve"} {
		out := c.must(append(strings.Fields(command), "--help")...)
		if !strings.Contains(out, "Examples:\n  engram") || !strings.Contains(out, "--cache folder") {
			t.Errorf("help of %q has no example or not the global flags:\n%s", command, out)
		}
	}
}

func TestUnknownInputIsOneSentence(t *testing.T) {
	c := &cli{t: t}
	c.refuse([]string{`unknown command "bogus"`}, "bogus")
	c.refuse([]string{`unknown command "serch" for "engram"; Did you mean this? search; serve`}, "serch")
	c.refuse([]string{"unknown flag: --bogus", "see engram index build --help"}, "index", "build", "x", "--bogus")
	c.refuse([]string{"wanted a source, found 0 arguments"}, "index", "build", "--out", "x")
	c.refuse([]string{`wanted words, --text, --image`}, "search")
	t.Chdir(t.TempDir())
	for _, command := range [][]string{{"search", "a dog"}, {"serve"}} {
		c.refuse([]string{`there is no engram.index in this folder: make one with "engram index build FOLDER"`}, command...)
	}
}

func TestInterruptedCommand(t *testing.T) {
	dir := t.TempDir()
	writePNG(t, filepath.Join(dir, "photos", "a.png"), 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	status := run(ctx, []string{
		"index", "build", filepath.Join(dir, "photos"), "--out", filepath.Join(dir, "index"),
		"--cache", dir, "--onnxruntime", orttest.Runtime(t).Path(),
	}, streams{stdout: &out, stderr: &err, getenv: func(string) string { return "" }})
	if status != 130 || !strings.Contains(err.String(), "engram: interrupted\n") {
		t.Errorf("status %d, stderr %q, want 130 and interrupted", status, err.String())
	}
}
