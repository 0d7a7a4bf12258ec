package hub_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

func TestResolveSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: files}, hubtest.Repo{Name: "owner/private", Files: files, Private: true},
		hubtest.Repo{Name: "owner/none", Files: fstest.MapFS{}})
	for _, test := range []struct {
		name           string
		repo, revision string
		token          string
		fault          hubtest.Fault
		want           error
		says           string
	}{
		{"no such repository", "owner/other", "", "", hubtest.Fault{}, hub.ErrNotFound, "no such repository, or it is private: check the name, or set HF_TOKEN"},
		{"no such repository, with a token", "owner/other", "", s.Token, hubtest.Fault{}, hub.ErrNotFound, "or HF_TOKEN may not read it"},
		{"a private repository", "owner/private", "", "", hubtest.Fault{}, hub.ErrNotFound, "or it is private"},
		{"a wrong token", name, "", "hf_wrong", hubtest.Fault{}, hub.ErrUnauthorized, `refuses the token in HF_TOKEN ("Invalid credentials`},
		{"no such revision", name, "v2", "", hubtest.Fault{}, hub.ErrRevision, `no branch, tag or commit "v2"`},
		{"a name that is none", "owner/clip/onnx", "", "", hubtest.Fault{}, hub.ErrNotFound, `"owner/clip/onnx" is no repository, wanted owner/name`},
		{"a name of an address", "https://huggingface.co/a/b", "", "", hubtest.Fault{}, hub.ErrNotFound, "wanted owner/name"},
		{"a name that climbs", "..", "", "", hubtest.Fault{}, hub.ErrNotFound, "wanted owner/name"},
		{"an owner's name that climbs", "owner/..", "", "", hubtest.Fault{}, hub.ErrNotFound, "wanted owner/name"},
		{"a name that is a folder", "owner/.", "", "", hubtest.Fault{}, hub.ErrNotFound, "wanted owner/name"},
		{"a revision that climbs", name, "../../x", "", hubtest.Fault{}, hub.ErrRevision, "no branch"},
		{"a web page", name, "", "", hubtest.Fault{Header: http.Header{"Content-Type": {"text/html"}}}, hub.ErrAnswer, "answers a web page where the list of files was wanted"},
		{"a web page as JSON", name, "", "", hubtest.Fault{Replace: []byte("<html>")}, hub.ErrAnswer, "answers no list of files in JSON"},
		{"JSON without fields", name, "", "", hubtest.Fault{Replace: []byte(`{"ok":true}`)}, hub.ErrAnswer, "lists no files"},
		{"JSON of another shape", name, "", "", hubtest.Fault{Replace: []byte(`{"siblings":"none"}`)}, hub.ErrAnswer, "answers another list of files: siblings is a string"},
		{"a repository without files", "owner/none", "", "", hubtest.Fault{}, hub.ErrAnswer, "lists no files"},
		{"500", name, "", "", hubtest.Fault{Status: 500}, hub.ErrUnreachable, "500 Internal Server Error"},
		{"a teapot", name, "", "", hubtest.Fault{Status: 418}, hub.ErrAnswer, "418"},
	} {
		s.Fault(func(*http.Request) hubtest.Fault { return test.fault })
		c := newClient(t, s, func(o *hub.Options) { o.Token = test.token })
		_, err := c.Resolve(t.Context(), test.repo, test.revision)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

func TestAGatedRepository(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: files, Gated: true})
	c := newClient(t, s)
	snap, err := c.Resolve(t.Context(), name, "")
	if err != nil || !snap.Gated {
		t.Fatalf("%+v, %v", snap, err)
	}
	for _, path := range []string{"config.json", vision} {
		_, err = c.Fetch(t.Context(), snap, []string{path}, t.TempDir(), nil)
		if want := "accept its licence at " + s.URL + "/" + name; !errors.Is(err, hub.ErrGated) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want that says %q", path, err, want)
		}
	}
	c = newClient(t, s, func(o *hub.Options) { o.Token = s.Token })
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, t.TempDir(), nil); err != nil {
		t.Error(err)
	}
}

// An endpoint may have a path and a slash at its end, and a revision may have slashes.
func TestARevisionWithSlashesAtAnEndpointWithAPath(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: fstest.MapFS{"a.txt": {Data: []byte("old")}},
		Revisions: map[string]fs.FS{"refs/pr/1": fstest.MapFS{"a b/ä#?.txt": {Data: []byte("new")}}}})
	mirror := hubtest.Behind(t, s, "/mirror/hf")
	c := newClient(t, s, func(o *hub.Options) { o.Endpoint = mirror + "/" })
	snap, err := c.Resolve(t.Context(), name, "refs/pr/1")
	if err != nil {
		t.Fatal(err)
	}
	if snap.Commit != s.Commit(name, "refs/pr/1") {
		t.Errorf("commit %s", snap.Commit)
	}
	text, err := c.Read(t.Context(), snap, "a b/ä#?.txt")
	if err != nil || string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
}

// A mirror that leaves out sizes, hashes or the commit is asked for the headers of each
// file. They are in its own answer, not in the one that it leads to.
func TestAMirrorThatOmitsFields(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		`{"sha":"COMMIT","siblings":[{"rfilename":"config.json"},{"rfilename":"onnx/vision_model.onnx"}]}`,
		`{"siblings":[{"rfilename":"config.json","size":3},{"rfilename":"onnx/vision_model.onnx","blobId":"0123456789012345678901234567890123456789","lfs":{"size":300000}}]}`,
	} {
		s := newServer(t)
		list = strings.ReplaceAll(list, "COMMIT", s.Commit(name, "main"))
		s.Fault(func(r *http.Request) hubtest.Fault {
			if strings.Contains(r.URL.Path, "/api/") {
				return hubtest.Fault{Replace: []byte(list)}
			}
			return hubtest.Fault{}
		})
		c := newClient(t, s)
		snap, err := c.Resolve(t.Context(), name, "main")
		if err != nil {
			t.Fatal(err)
		}
		if snap.Commit != s.Commit(name, "main") {
			t.Errorf("commit %q", snap.Commit)
		}
		dir := t.TempDir()
		_, err = c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantFiles(t, dir, vision)
	}
}

func TestAMirrorWithoutHashes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	bare := http.Header{"Etag": nil, "X-Linked-Etag": nil, "X-Repo-Commit": nil}
	s.Fault(func(r *http.Request) hubtest.Fault {
		if strings.Contains(r.URL.Path, "/api/") {
			return hubtest.Fault{Replace: []byte(`{"siblings":[{"rfilename":"config.json"},{"rfilename":"onnx/vision_model.onnx"}]}`)}
		}
		return hubtest.Fault{Header: bare}
	})
	c := newClient(t, s)
	if _, err := c.Resolve(t.Context(), name, "main"); !errors.Is(err, hub.ErrAnswer) || !strings.Contains(err.Error(), "does not say which commit main is") {
		t.Errorf("no commit: %v", err)
	}
	snap, err := c.Resolve(t.Context(), name, s.Commit(name, "main"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, t.TempDir(), nil); !errors.Is(err, hub.ErrAnswer) || !strings.Contains(err.Error(), "could not be checked") {
		t.Errorf("no hash: %v", err)
	}
	// With the hash from elsewhere, such a mirror will do.
	snap.Files = pinned(t, files, vision)
	dir := t.TempDir()
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, vision)
}

// pinned returns files of an LFS repository as a list that is known.
func pinned(t *testing.T, fsys fstest.MapFS, paths ...string) []hub.File {
	t.Helper()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: fsys})
	snap, err := newClient(t, s).Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	var list []hub.File
	for _, p := range paths {
		f, _ := snap.File(p)
		list = append(list, f)
	}
	return list
}

func TestARenamedRepository(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: "owner/new", Renamed: name, Files: files})
	c := newClient(t, s)
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	for i := range snap.Files { // so that the headers are asked for
		snap.Files[i].SHA256 = ""
	}
	dir := t.TempDir()
	if _, err := c.Fetch(t.Context(), snap, []string{vision, "config.json"}, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, vision, "config.json")
	heads := 0
	for _, r := range s.Requests() {
		if r.Method != http.MethodHead {
			continue
		}
		if heads++; strings.Contains(r.Path, "?") || r.CDN {
			t.Errorf("HEAD of %s, other host %v", r.Path, r.CDN)
		}
	}
	if heads != 2 {
		t.Errorf("%d headers were asked for, want 2: of the old name and of the new one", heads)
	}
}

// A list may name what it likes: no file leaves the folder.
func TestAPathOutOfTheFolder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"../up.txt", "/etc/passwd", "a/../../b", `a\b`, ".", ".download/lock"} {
		snap := &hub.Snapshot{Repo: name, Commit: s.Commit(name, "main"), Files: []hub.File{{Path: path, Size: 0, BlobSHA1: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}}}
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := newClient(t, s).Fetch(t.Context(), snap, []string{path}, dir, nil); !errors.Is(err, hub.ErrFile) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a folder was made", path)
		}
	}
	c := newClient(t, s)
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context(), snap, "none.json"); !errors.Is(err, hub.ErrFile) || !strings.Contains(err.Error(), `no file "none.json"`) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, o := range []hub.Options{{Endpoint: "huggingface.co"}, {Endpoint: "ftp://huggingface.co"}, {Endpoint: "https://"}, {Endpoint: "https://x/?a=b"},
		{Token: "hf_a\nb"}, {Parallel: -1}} {
		if c, err := hub.New(o); err == nil || c != nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	tokens := filepath.Join(home, ".cache", "huggingface")
	if err := os.MkdirAll(tokens, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tokens, "token"), []byte("hf_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		env  map[string]string
		want hub.Options
	}{
		{nil, hub.Options{Token: "hf_file", CacheDir: filepath.Join(tokens, "hub")}},
		{map[string]string{"HF_TOKEN": "hf_env ", "HF_ENDPOINT": "https://m", "HF_HUB_OFFLINE": "true"},
			hub.Options{Token: "hf_env", Endpoint: "https://m", Offline: true, CacheDir: filepath.Join(tokens, "hub")}},
		{map[string]string{"HF_HOME": "/hf", "HF_HUB_OFFLINE": "0"}, hub.Options{CacheDir: "/hf/hub"}},
		{map[string]string{"HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old", "TRANSFORMERS_OFFLINE": "yes"}, hub.Options{CacheDir: "/old", Offline: true}},
		{map[string]string{"HF_HUB_CACHE": "~/models", "XDG_CACHE_HOME": "/xdg"}, hub.Options{CacheDir: filepath.Join(home, "models")}},
		{map[string]string{"XDG_CACHE_HOME": "/xdg", "HF_TOKEN_PATH": filepath.Join(tokens, "token")}, hub.Options{Token: "hf_file", CacheDir: "/xdg/huggingface/hub"}},
	} {
		if got := hub.FromEnvironment(func(key string) string { return test.env[key] }, home); got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.env, got, test.want)
		}
	}
	if got := hub.FromEnvironment(func(string) string { return "" }, ""); got != (hub.Options{}) {
		t.Errorf("without a home: %+v", got)
	}
}
