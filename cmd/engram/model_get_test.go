package main

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"engram/embed/hub/catalogue"
	"engram/embed/hub/hubtest"
)

// published is the folder of small repositories in every published layout.
const published = "../../embed/hub/layout/testdata/repositories"

// repo is a repository of the hub "test", with files of a small one.
func repo(folder string) hubtest.Repo {
	return hubtest.Repo{Name: "test/" + folder, Files: os.DirFS(filepath.Join(published, folder)), Licence: "mit"}
}

// newHub returns a cli whose hub has these repositories, and the hub.
func newHub(t *testing.T, repos ...hubtest.Repo) (*cli, *hubtest.Server) {
	t.Helper()
	s := hubtest.New(t, repos...)
	c := newCLI(t)
	c.env = map[string]string{"HF_ENDPOINT": s.URL, "HF_HOME": t.TempDir()}
	return c, s
}

// models returns what the folder of models has, hidden entries included.
func (c *cli) models() []string {
	c.t.Helper()
	entries, err := os.ReadDir(filepath.Join(c.args[len(c.args)-1], "models"))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// says checks that a command line succeeds and that its lines on stderr have these parts.
func (c *cli) says(parts []string, args ...string) {
	c.t.Helper()
	_, stderr, status := c.run(args...)
	if status != 0 {
		c.t.Fatalf("engram %s: status %d: %s", strings.Join(args, " "), status, stderr)
	}
	for _, part := range parts {
		if !strings.Contains(stderr, part) {
			c.t.Errorf("engram %s: stderr is %q, want it to have %q", strings.Join(args, " "), stderr, part)
		}
	}
}

func TestGetInstallsAModel(t *testing.T) {
	t.Parallel()
	c, hub := newHub(t, repo("transformers-js"), repo("fastembed-vision"), repo("fastembed-text"))
	commit := hub.Commit("test/transformers-js", "main")
	c.says([]string{"fetching hf:test/transformers-js: 0.4 MB from test/transformers-js at commit " + commit[:12] + ", licence mit\n"},
		"model", "get", "hf:test/transformers-js")
	var shown struct {
		Dir, Canary string
		Manifest    struct{ Source, Licence string }
	}
	c.json(&shown, "model", "show", "transformers-js", "--verify")
	if want := "hf:test/transformers-js@" + commit; shown.Manifest.Source != want || shown.Manifest.Licence != "mit" {
		t.Errorf("the model's source is %s and its licence %s, want %s and mit", shown.Manifest.Source, shown.Manifest.Licence, want)
	}
	if !strings.Contains(shown.Canary, "least cosine here 1.000000 for images and 1.000000 for texts") {
		t.Errorf("the canary is %q", shown.Canary)
	}
	// It is there now, under both names, and nothing is asked of the hub.
	asked := len(hub.Requests())
	for _, name := range []string{"hf:test/transformers-js", "transformers-js", "hf:test/transformers-js@" + commit} {
		c.must("model", "show", name, "--offline")
	}
	if out := c.must("model", "get", "hf:test/transformers-js"); !strings.Contains(out, "is installed already") || len(hub.Requests()) != asked {
		t.Errorf("a second get prints %q after %d requests more", out, len(hub.Requests())-asked)
	}
	c.says([]string{"in int8: 0.3 MB", "warning: int8 weights: the least cosine to the vectors of transformers-js is "},
		"model", "get", "hf:test/transformers-js", "--precision", "int8")
	c.must("model", "get", "hf:test/fastembed-vision", "--text", "hf:test/fastembed-text", "--as", "both")
	if got, want := c.models(), []string{"both", "transformers-js", "transformers-js-int8"}; !slices.Equal(got, want) {
		t.Errorf("the folder of models has %q, want %q", got, want)
	}
	if out := c.must("model", "remove", "both"); !strings.Contains(out, "removed both, 0.4 MB freed") {
		t.Errorf("remove prints %q", out)
	}
	c.refuse([]string{`no model "both" is installed`}, "model", "remove", "both")
	c.refuse([]string{`"transformer-js" is installed, did you mean transformers-js?`}, "model", "remove", "transformer-js")
}

func TestListShowsWhatIsThereAndWhatCanBe(t *testing.T) {
	t.Parallel()
	c, _ := newHub(t, repo("dinov2"))
	c.must("model", "get", "hf:test/dinov2", "--as", "dino")
	out := c.must("model", "list")
	for _, want := range []string{"NAME ", "pixels ", "scenes-clip ", "dino ", "installed", "clip-vit-b-32 ", "606 MB", "Apache-2.0", "space of LAION-5B"} {
		if !strings.Contains(out, want) {
			t.Errorf("list prints %q, want it to have %q", out, want)
		}
	}
	var all []struct {
		Name, State, Licence, Source string
		Dim, Pixels                  int
		Words                        bool
		Download                     map[string]int64
	}
	c.json(&all, "model", "list")
	states := map[string]int{}
	for _, m := range all {
		states[m.State]++
		if m.Name == "dino" && (m.State != "installed" || m.Dim != 32 || m.Pixels != 28 || m.Words) {
			t.Errorf("list --json has %+v", m)
		}
		if m.State == "catalogue" && m.Download["fp32"] == 0 {
			t.Errorf("list --json has no download size of %s", m.Name)
		}
	}
	if states["built in"] != 2 || states["installed"] != 1 || states["catalogue"] != len(catalogue.Entries()) {
		t.Errorf("list --json has %v", states)
	}
}

// Every command fetches the model that it is given, and an index remembers it.
func TestAModelIsFetchedWhereItIsNamed(t *testing.T) {
	t.Parallel()
	c, hub := newHub(t, repo("transformers-js"))
	photos, out := "../../embed/hub/layout/testdata/pictures", filepath.Join(t.TempDir(), "index")
	c.says([]string{"fetching hf:test/transformers-js: 0.4 MB"}, "index", "build", photos, "--out", out, "--model", "hf:test/transformers-js")
	query := []string{"search", "--index", out, "--image", filepath.Join(photos, "37x53.png"), "--offline"}
	asked := len(hub.Requests())
	hits := c.must(query...)
	if !strings.Contains(hits, "1     1.0000  37x53.png") || len(hub.Requests()) != asked {
		t.Errorf("the search prints %q", hits)
	}
	// Without the model, the index says what it needs, and finds it under any name.
	c.must("model", "remove", "transformers-js")
	c.refuse([]string{"the index was made with the model transformers-js", "which is no longer at", "name its folder now with --model"}, query...)
	c.must("model", "get", "hf:test/transformers-js", "--as", "other")
	if again := c.must(query...); again != hits {
		t.Errorf("with the model under another name the search prints %q, before %q", again, hits)
	}
}

func TestTheCatalogueIsPinned(t *testing.T) {
	t.Parallel()
	entry, _ := catalogue.Find("clip-vit-b-32")
	pinned := hubtest.Repo{Name: entry.Repository.ID, Commit: entry.Repository.Commit, Files: os.DirFS(filepath.Join(published, "transformers-js"))}
	c, _ := newHub(t, pinned)
	c.refuse([]string{entry.Repository.ID, "the hub lists", "wanted"}, "model", "get", "clip-vit-b-32")
	// Where the hub has another commit only, nothing is fetched.
	pinned.Commit = strings.Repeat("a", 40)
	c, _ = newHub(t, pinned)
	c.refuse([]string{entry.Repository.ID, "no branch, tag or commit"}, "model", "get", "clip-vit-b-32")
	if left := c.models(); len(left) > 0 {
		t.Errorf("the folder of models has %q", left)
	}
}

// withFile returns the files of the repository in folder, where the file name has the
// given content.
func withFile(t *testing.T, folder, name, content string) fs.FS {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(published, folder))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, name), []byte(content))
	return os.DirFS(dir)
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	private, gated := repo("siglip"), repo("siglip")
	private.Name, private.Private = "test/private", true
	gated.Name, gated.Gated = "test/gated", true
	zero := hubtest.Repo{Name: "test/zero", Files: withFile(t, "siglip", "preprocessor_config.json", `{"size": {"height": 32, "width": 32}, "image_mean": [0, 0, 0], "image_std": [0, 0, 0]}`)}
	c, _ := newHub(t, private, gated, zero, repo("no-onnx"), repo("unknown-operator"), repo("towers-differ"), repo("lfs-pointer"), repo("transformers-js"),
		hubtest.Repo{Name: "test/empty", Files: fstest.MapFS{"README.md": {Data: []byte("# nothing")}}})
	for _, test := range []struct {
		want []string
		args []string
	}{
		{[]string{"test/nothing", "has no such repository, or it is private", "HF_TOKEN"}, []string{"hf:test/nothing"}},
		{[]string{"test/private", "has no such repository, or it is private", "HF_TOKEN"}, []string{"hf:test/private"}},
		{[]string{"accept its licence at", "test/gated", "HF_TOKEN"}, []string{"hf:test/gated"}},
		{[]string{"test/no-onnx", "no ONNX file", "scripts/export_clip.py"}, []string{"hf:test/no-onnx"}},
		{[]string{"test/empty", "no ONNX file"}, []string{"hf:test/empty"}},
		{[]string{"onnx/vision_model.onnx uses the operator com.example.Whirl"}, []string{"hf:test/unknown-operator"}},
		{[]string{"the towers differ", "16 elements", "24"}, []string{"hf:test/towers-differ"}},
		{[]string{"test/zero", "this model cannot be used", "bundle.json: preprocess: std is [0 0 0]"}, []string{"hf:test/zero"}},
		{[]string{"onnx/vision_model.onnx is the pointer of Git LFS"}, []string{"hf:test/lfs-pointer"}},
		{[]string{`no branch, tag or commit "v9"`}, []string{"hf:test/transformers-js@v9"}},
		{[]string{"wanted hf:owner/name"}, []string{"hf:test"}},
		{[]string{"test/transformers-js is no folder", "did you mean hf:test/transformers-js?"}, []string{"test/transformers-js"}},
		{[]string{"is no folder", "did you mean hf:test/transformers-js?"}, []string{"https://huggingface.co/test/transformers-js/tree/main"}},
		{[]string{`"clip-vit-b32" is no folder, no installed model and not in the catalogue, did you mean clip-vit-b-32`}, []string{"clip-vit-b32"}},
		{[]string{"clip-vit-l-14 is not published in int8, only in fp32, fp16"}, []string{"clip-vit-l-14", "--precision", "int8"}},
		{[]string{`the precision is "fp8", wanted one of fp32, fp16, int8`}, []string{"clip-vit-l-14", "--precision", "fp8"}},
		{[]string{"the name clip-vit-b-16 is in the catalogue for another model"}, []string{"hf:test/transformers-js", "--as", "clip-vit-b-16"}},
		{[]string{`"../up" is no name of a model`}, []string{"hf:test/transformers-js", "--as", "../up"}},
		{[]string{`the name "pixels" is for the models that engram carries`}, []string{"hf:test/transformers-js", "--as", "pixels"}},
		{[]string{`clip-vit-b-32 is not installed (606 MB, licence MIT)`, `run "engram model get clip-vit-b-32" once with a network`}, []string{"clip-vit-b-32", "--offline"}},
	} {
		stdout, stderr, status := c.run(append([]string{"model", "get"}, test.args...)...)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		last := lines[len(lines)-1]
		if status != 1 || stdout != "" || !strings.HasPrefix(last, "engram: ") {
			t.Errorf("model get %q: status %d, stdout %q, stderr %q", test.args, status, stdout, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(last, want) {
				t.Errorf("model get %q says %q, want %q", test.args, last, want)
			}
		}
	}
	if left := c.models(); len(left) > 0 {
		t.Errorf("refused models left %q", left)
	}
	c.env["HF_TOKEN"] = "hf_test"
	c.env["HF_HUB_OFFLINE"] = "1"
	c.refuse([]string{"hf:test/transformers-js is not installed", "HF_HUB_OFFLINE"}, "model", "get", "hf:test/transformers-js")
}

// A hub that answers nonsense leaves nothing behind, and the next try succeeds.
func TestGetAfterAnAnswerThatIsNoHubs(t *testing.T) {
	t.Parallel()
	c, hub := newHub(t, repo("transformers-js"))
	page := hubtest.Fault{Status: http.StatusOK, Body: "<!doctype html>", Header: http.Header{"Content-Type": {"text/html"}}}
	hub.Fault(func(*http.Request) hubtest.Fault { return page })
	c.refuse([]string{"answers a web page", "HF_ENDPOINT"}, "model", "get", "hf:test/transformers-js")
	hub.Fault(func(r *http.Request) hubtest.Fault {
		return hubtest.Fault{Corrupt: strings.HasSuffix(r.URL.Path, "text_model.onnx")}
	})
	if _, stderr, status := c.run("model", "get", "hf:test/transformers-js"); status != 1 || !strings.Contains(stderr, "text_model.onnx has SHA-256") {
		t.Errorf("a changed file: status %d, %q", status, stderr)
	}
	if left := c.models(); slices.Contains(left, "transformers-js") {
		t.Errorf("after a changed file there is %q", left)
	}
	hub.Fault(nil)
	c.must("model", "get", "hf:test/transformers-js")
	if left := c.models(); !slices.Equal(left, []string{"transformers-js"}) {
		t.Errorf("in the end there is %q", left)
	}
}

// An interrupted download is listed, goes on where it stopped, and can be removed.
func TestAnInterruptedDownloadGoesOn(t *testing.T) {
	t.Parallel()
	c, hub := newHub(t, repo("transformers-js"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hub.Fault(func(r *http.Request) hubtest.Fault {
		return hubtest.Fault{Stall: strings.HasSuffix(r.URL.Path, "vision_model.onnx")}
	})
	go func() { // the interrupt comes when a part of the file is there
		parts := filepath.Join(c.args[len(c.args)-1], "models", ".transformers-js.partial", ".download", "*.part")
		for ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
			found, _ := filepath.Glob(parts)
			for _, part := range found {
				if info, err := os.Stat(part); err == nil && info.Size() > 0 {
					cancel()
				}
			}
		}
	}()
	var out, stderr bytes.Buffer
	status := run(ctx, append([]string{"model", "get", "hf:test/transformers-js"}, c.args...), streams{
		stdout: &out, stderr: &stderr, getenv: func(name string) string { return c.env[name] },
	})
	if status != 130 {
		t.Fatalf("an interrupted get: status %d, %q", status, stderr.String())
	}
	if list := c.must("model", "list"); !strings.Contains(list, "unfinished  the command that began it goes on") {
		t.Errorf("list prints %q", list)
	}
	c.refuse([]string{"transformers-js is a download that was interrupted: run the command that began it again"}, "model", "get", "transformers-js")
	hub.Fault(nil)
	c.must("model", "get", "hf:test/transformers-js")
	if left := c.models(); !slices.Equal(left, []string{"transformers-js"}) {
		t.Errorf("in the end there is %q", left)
	}
}

// Two processes that fetch one model wait for one another, and fetch it once.
func TestTwoFetchOneModel(t *testing.T) {
	t.Parallel()
	c, hub := newHub(t, repo("transformers-js"))
	hub.Fault(func(r *http.Request) hubtest.Fault { return hubtest.Fault{Rate: 1 << 20} })
	var said [2]string
	var group sync.WaitGroup
	for i := range said {
		group.Go(func() {
			_, stderr, status := c.run("model", "get", "hf:test/transformers-js")
			if status != 0 {
				t.Errorf("status %d: %s", status, stderr)
			}
			said[i] = stderr
		})
	}
	group.Wait()
	if both := said[0] + said[1]; strings.Count(both, "fetching") != 1 || strings.Count(both, "waiting for another process") != 1 {
		t.Errorf("they say %q, want one to fetch and one to wait", both)
	}
	fetched := map[string]int{}
	for _, r := range hub.Requests() {
		if r.CDN && r.Method == http.MethodGet {
			fetched[r.Path]++
		}
	}
	for path, n := range fetched {
		if n > 1 {
			t.Errorf("%s was fetched %d times", path, n)
		}
	}
}

// An index is brought up to date with its own model where none is named.
func TestAnIndexKeepsItsModel(t *testing.T) {
	t.Parallel()
	c, _ := newHub(t, repo("siglip2"))
	photos, out := filepath.Join(t.TempDir(), "photos"), filepath.Join(t.TempDir(), "index")
	writePNG(t, filepath.Join(photos, "a.png"), 1, 1)
	c.says(nil, "index", "build", photos, "--out", out, "--model", "hf:test/siglip2")
	writePNG(t, filepath.Join(photos, "b.png"), 9, 9)
	built, stderr, status := c.run("index", "build", photos, "--out", out)
	if status != 0 || !strings.Contains(built, "stored 1, unchanged 1") || strings.Contains(stderr, "plain pixels") {
		t.Errorf("a second build: status %d, %q, %q", status, built, stderr)
	}
	if hits := c.must("search", "--index", out, "a", "red", "bicycle"); !strings.Contains(hits, "b.png") {
		t.Errorf("the search by words prints %q", hits)
	}
	// Embeddings record the model's fingerprint, by which the installed one is found.
	embedded, loaded := filepath.Join(t.TempDir(), "embedded"), filepath.Join(t.TempDir(), "loaded")
	c.must("embed", photos, "--out", embedded, "--model", "hf:test/siglip2")
	c.must("index", "build", embedded, "--out", loaded)
	if hits := c.must("search", "--index", loaded, "a", "red", "bicycle"); !strings.Contains(hits, "b.png") {
		t.Errorf("the search of embeddings by words prints %q", hits)
	}
	c.must("model", "remove", "siglip2")
	c.refuse([]string{"which is no longer at", "install it again, or name its folder now with --model"}, "search", "--index", out, "bicycle")
	plain := filepath.Join(t.TempDir(), "plain")
	c.says([]string{"to search by words, build another one with --model clip-vit-b-32 (606 MB, fetched once)"}, "index", "build", photos, "--out", plain)
}

// The catalogue's own name is enough: here a repository that the catalogue has no hashes of.
func TestACatalogueNameIsFetched(t *testing.T) {
	t.Parallel()
	entry, _ := catalogue.Find("clip-xlm-roberta-vit-b-32")
	c, _ := newHub(t, hubtest.Repo{Name: entry.Repository.ID, Commit: entry.Repository.Commit, Files: os.DirFS(filepath.Join(published, "immich-multilingual"))})
	photos, out := "../../embed/hub/layout/testdata/pictures", filepath.Join(t.TempDir(), "index")
	c.says([]string{"fetching clip-xlm-roberta-vit-b-32: 0.3 MB from " + entry.Repository.ID + " at commit 111f6ddca817, licence MIT"},
		"index", "build", photos, "--out", out, "--model", entry.Name)
	c.must("search", "--index", out, "--text", "ein Hund am Strand")
	var byName, byRepository struct{ Fingerprint string }
	c.json(&byName, "model", "show", entry.Name)
	c.json(&byRepository, "model", "get", "hf:"+strings.ToLower(entry.Repository.ID)+"@"+entry.Repository.Commit, "--as", "other")
	if byName != byRepository {
		t.Errorf("by its name the model has the fingerprint %s, by its repository %s", byName.Fingerprint, byRepository.Fingerprint)
	}
	c.must("model", "remove", "other")
	c.must("model", "remove", entry.Name)
	c.refuse([]string{"engram model get " + entry.Name + " fetches it"}, "search", "--index", out, "--text", "a dog")
}

// A repository may hold a model as Engram or the export script writes it.
func TestARepositoryThatIsAModel(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "model")
	newCLI(t).must("model", "import", filepath.Join(published, "siglip2"), "--out", out)
	c, _ := newHub(t, hubtest.Repo{Name: "test/ready", Files: os.DirFS(out)})
	var made, got struct{ Fingerprint string }
	c.json(&made, "model", "show", out)
	c.json(&got, "model", "get", "hf:test/ready")
	if got != made {
		t.Errorf("the fetched model has the fingerprint %s, want %s", got.Fingerprint, made.Fingerprint)
	}
	c.must("model", "show", "ready", "--verify")
	if out := c.must("model", "get", "hf:test/ready"); !strings.Contains(out, "is installed already") {
		t.Errorf("a second get prints %q", out)
	}
}
