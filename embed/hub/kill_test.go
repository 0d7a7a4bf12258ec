package hub_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// kills is how many downloads are killed.
const kills = 50

// large are the files of the repository whose download is killed.
var large = fstest.MapFS{"config.json": {Data: []byte("{}")}, "onnx/a.onnx": {Data: random(3_000_001)}, "onnx/b.onnx": {Data: random(1_000_003)}}

// download is what the process does that is killed: it fetches all files of the
// repository from the endpoint into the folder.
func download(t *testing.T, endpoint, dir string) {
	c, err := hub.New(hub.Options{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready")
	var all []string
	for _, f := range snap.Files {
		all = append(all, f.Path)
	}
	if _, err := c.Fetch(t.Context(), snap, all, dir, nil); err != nil {
		t.Fatal(err)
	}
}

// TestKilledDownloads starts this test binary again and kills it at random moments of
// a download. After each kill a file is there whole or not at all, and the next process
// goes on.
func TestKilledDownloads(t *testing.T) {
	if endpoint := os.Getenv("HUB_TEST_ENDPOINT"); endpoint != "" {
		download(t, endpoint, os.Getenv("HUB_TEST_DIR"))
		return
	}
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: large})
	s.Fault(func(*http.Request) hubtest.Fault { return hubtest.Fault{Rate: 80_000_000} })
	top := t.TempDir()
	killed, finished := 0, 0
	dir := func() string { return filepath.Join(top, fmt.Sprint(finished)) }
	// On a slow machine the kills come later, until some downloads come to their end.
	longest := 60 * time.Millisecond
	for killed < kills {
		if finished > 4*kills {
			t.Fatalf("%d downloads came to their end, and only %d were killed", finished, killed)
		}
		if startAndKill(t, s.URL, dir(), rand.N(longest)) {
			wantWholeFiles(t, dir(), true)
			finished++
			longest = longest * 3 / 4
			continue
		}
		killed++
		longest += longest / 8
		wantWholeFiles(t, dir(), false)
	}
	s.Fault(nil)
	startAndKill(t, s.URL, dir(), time.Minute)
	wantWholeFiles(t, dir(), true)
	resumed := 0
	for _, r := range s.Requests() {
		if r.Header.Get("Range") != "" {
			resumed++
		}
	}
	if resumed == 0 || finished == 0 {
		t.Error("no download went on where a killed one had ended, or none came to its end")
	}
	t.Logf("%d killed, %d came to their end, %d ranges asked for", killed, finished, resumed)
}

// TestTheProxyOfTheEnvironment downloads, in a process of its own, from a host that only
// the proxy of its environment knows.
func TestTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: large, LFS: func(string, int64) bool { return false }})
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledDownloads$")
	cmd.Env = append(os.Environ(), "HUB_TEST_ENDPOINT=http://hub.invalid", "HUB_TEST_DIR="+dir, "HTTP_PROXY="+s.URL, "http_proxy="+s.URL, "NO_PROXY=", "no_proxy=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantWholeFiles(t, dir, true)
}

// startAndKill starts a download and kills it after a while, and reports whether it had
// come to its end.
func startAndKill(t *testing.T, endpoint, dir string, after time.Duration) (finished bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledDownloads$")
	cmd.Env = append(os.Environ(), "HUB_TEST_ENDPOINT="+endpoint, "HUB_TEST_DIR="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		stdout.WriteString(lines.Text())
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		stdout.WriteString(lines.Text())
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		t.Fatalf("the download says %s%s", stdout.String(), stderr.String())
	}
	return err == nil
}

// wantWholeFiles fails where a file of the folder has not its whole content, and, if all
// must be there, where one is missing.
func wantWholeFiles(t *testing.T, dir string, all bool) {
	t.Helper()
	for p, want := range large {
		content, err := os.ReadFile(filepath.Join(dir, p))
		switch {
		case err == nil && !bytes.Equal(content, want.Data):
			t.Fatalf("%s has %d bytes that are not the wanted %d", p, len(content), len(want.Data))
		case err != nil && (all || !errors.Is(err, fs.ErrNotExist)):
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.Contains(path, ".download") && large[filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))] == nil {
			t.Fatalf("%s was left", path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
