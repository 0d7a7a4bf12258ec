package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers lists the top-level folders, and for each the folders that it may
// import beside itself. Imports run one way: cmd → httpapi → recon → embed, index → data.
var layers = map[string][]string{
	"cmd":     {"httpapi", "recon", "embed", "index", "data"},
	"httpapi": {"recon", "embed", "index", "data"},
	"recon":   {"embed", "index", "data"},
	"embed":   {"data"},
	"index":   {"data"},
	"data":    {},
}

// doors names the only folder that may import a module.
var doors = map[string]string{
	"github.com/yalue/onnxruntime_go": "engram/embed/ort",
	"github.com/qdrant/go-client":     "engram/index/qdrant",
	"github.com/gin-gonic/gin":        "engram/httpapi",
}

// TestImportsRunOneWay checks every package's own imports, tests included.
func TestImportsRunOneWay(t *testing.T) {
	format := `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	for line := range strings.Lines(goList(t, "-f", format, "engram/...")) {
		fields := strings.Fields(line)
		pkg, imports := fields[0], fields[1:]
		top := strings.Split(pkg, "/")[1]
		allowed, known := layers[top]
		if !known {
			t.Errorf("package %s lies in %s, which is no layer", pkg, top)
			continue
		}
		for _, imported := range imports {
			if rest, ours := strings.CutPrefix(imported, "engram/"); ours {
				to, _, _ := strings.Cut(rest, "/")
				if to != top && !slices.Contains(allowed, to) {
					t.Errorf("%s imports %s; %s may import only %v", pkg, imported, top, allowed)
				}
			}
			for module, door := range doors {
				if strings.HasPrefix(imported, module) && pkg != door && !strings.HasPrefix(pkg, door+"/") {
					t.Errorf("%s imports %s, which only %s may", pkg, imported, door)
				}
			}
		}
	}
}

// TestTheApplicationHasNoCommandLine checks that commands and application keep to
// what is theirs: commands open no engine and train nothing, and the application
// reads no flags.
func TestTheApplicationHasNoCommandLine(t *testing.T) {
	for pkg, foreign := range map[string][]string{
		"engram/cmd/engram":                {"engram/index/local", "engram/index/qdrant", "engram/embed/clip", "engram/recon", "gonum.org/"},
		"engram/cmd/engram/internal/app":   {"github.com/spf13/", "github.com/schollz/", "flag"},
		"engram/cmd/engram/internal/demo":  {"github.com/spf13/", "engram/index/local", "engram/index/qdrant"},
		"engram/cmd/engram/internal/bench": {"github.com/spf13/", "engram/index/qdrant"},
	} {
		for imported := range strings.FieldsSeq(goList(t, "-f", `{{join .Imports " "}}`, pkg)) {
			for _, other := range foreign {
				if imported == other || strings.HasSuffix(other, "/") && strings.HasPrefix(imported, other) {
					t.Errorf("%s imports %s", pkg, imported)
				}
			}
		}
	}
}

// TestPureGoBuildsWithoutCgo builds, without a C compiler, everything that does
// not need embed/ort.
func TestPureGoBuildsWithoutCgo(t *testing.T) {
	t.Parallel()
	var pure []string
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}} {{join .Deps " "}}`, "engram/...")) {
		fields := strings.Fields(line)
		if !slices.Contains(fields, "engram/embed/ort") {
			pure = append(pure, fields[0])
		}
	}
	for _, want := range []string{"engram/embed", "engram/embed/eval", "engram/embed/model", "engram/index/local", "engram/httpapi", "engram/data/npy"} {
		if !slices.Contains(pure, want) {
			t.Errorf("%s needs cgo", want)
		}
	}
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", os.DevNull}, pure...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build with CGO_ENABLED=0: %v\n%s", err, out)
	}
}

// TestTheDemosTrainingIsNotServed wants the packages that serve reconstructions to
// stand without the training of the demo's own models.
func TestTheDemosTrainingIsNotServed(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}} {{join .Deps " "}}`, "engram/recon", "engram/recon/diffusion", "engram/httpapi")) {
		if fields := strings.Fields(line); slices.Contains(fields, "engram/recon/pretrain") {
			t.Errorf("%s needs recon/pretrain, which trains the demo's models", fields[0])
		}
	}
}

// TestTopLevelIsFixed wants no file or folder that is not in the README's
// picture of the tree.
func TestTopLevelIsFixed(t *testing.T) {
	want := []string{"cmd", "data", "docker-compose.yml", "embed", "go.mod", "go.sum", "httpapi", "index", "README.md", "recon", "scripts"}
	tracked, err := exec.CommandContext(t.Context(), "git", "-C", filepath.Join("..", ".."), "ls-files").Output()
	if err != nil {
		t.Skipf("SKIPPED, not a git checkout: %v", err)
	}
	for line := range strings.Lines(string(tracked)) {
		top, _, _ := strings.Cut(strings.TrimSpace(line), "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(want, top) {
			t.Errorf("%s lies at the top level, where only %v belong", top, want)
		}
	}
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return string(out)
}
