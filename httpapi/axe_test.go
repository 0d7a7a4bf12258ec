package httpapi

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axe-core (Deque Systems, MPL-2.0) is what browsers' audits of accessibility run. It is
// fetched once into the user's cache and is no part of Engram.
const (
	axeVersion = "4.11.0"
	axeFile    = "axe-core-" + axeVersion + ".tgz"
	axeSHA256  = "39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107"
)

// axeSource returns the script of axe-core. Where it cannot be fetched the test is skipped, and
// fails where ENGRAM_REQUIRE_BROWSER is set, as in the gate.
func axeSource(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "engram-ci", axeFile)
	packed, err := os.ReadFile(path)
	if err != nil || fmt.Sprintf("%x", sha256.Sum256(packed)) != axeSHA256 {
		if packed, err = fetchAxe(t.Context(), t.TempDir()); err != nil {
			if os.Getenv("ENGRAM_REQUIRE_BROWSER") != "" {
				t.Fatalf("axe-core %s cannot be fetched by npm: %v", axeVersion, err)
			}
			t.Skipf("SKIPPED, the page's accessibility is not tested: axe-core %s cannot be fetched by npm: %v", axeVersion, err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(packed)); sum != axeSHA256 {
			t.Fatalf("%s has sha256 %s, wanted %s", axeFile, sum, axeSHA256)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, packed, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	for members := tar.NewReader(unpacked); ; {
		header, err := members.Next()
		if err != nil {
			t.Fatalf("%s: package/axe.min.js: %v", axeFile, err)
		}
		if header.Name == "package/axe.min.js" {
			source, err := io.ReadAll(members)
			if err != nil {
				t.Fatal(err)
			}
			return string(source)
		}
	}
}

// fetchAxe gets the package by npm.
func fetchAxe(ctx context.Context, dir string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	cmd.Env = append(os.Environ(), "npm_config_cache="+filepath.Join(dir, "npm"))
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %.200s", err, output)
	}
	return os.ReadFile(filepath.Join(dir, axeFile))
}

// scheme makes the browser prefer light or dark.
func scheme(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

// Every view of the page passes all of axe-core's rules, for WCAG and best practice, in
// light on a desktop and in dark on a phone. With -artifacts it leaves a picture of each.
func TestPageIsAccessibleInABrowser(t *testing.T) {
	opts, store := browserWorld(t)
	store.mark(big, "NSFW", "UNSURE")
	server := httptest.NewServer(newServer(t, opts).Handler())
	defer server.Close()
	ctx := newBrowser(t)
	axe := axeSource(t)
	views := map[string]struct{ address, ready string }{
		"start":   {"/?unsafe=1", `document.querySelectorAll("#items li").length === 5 && document.querySelectorAll("#trials li").length === 2`},
		"words":   {"/?q=something+green&item=1&less=2&f.kind=flat", searched + ` && document.querySelectorAll("#facets .value").length === 4`},
		"scan":    {"/?trial=t1&fold=1", searched + ` && document.querySelectorAll("#views canvas").length === 3`},
		"viewer":  {"/?q=something+red&show=3", searched + ` && document.querySelector("#viewer").open && document.querySelector("#viewer-name").textContent !== ""`},
		"problem": {"/?item=99", `!document.querySelector("#problem").hidden`},
	}
	for colours, screen := range map[string]chromedp.Action[chromedp.Void]{"light": desktop, "dark": phone} {
		for name, view := range views {
			t.Run(colours+"/"+name, func(t *testing.T) {
				p := page{t, ctx}
				p.do("set the screen", screen, scheme(colours))
				p.open(server.URL + view.address)
				p.until(view.ready)
				p.checkAxe(axe)
				picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err := errors.Join(err, os.WriteFile(filepath.Join(t.ArtifactDir(), "page.png"), picture, 0o600)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The first paint needs no pictures, less than 100 kB, and nothing from another host.
func TestPageIsSmallInABrowser(t *testing.T) {
	opts, _ := browserWorld(t)
	server := httptest.NewServer(newServer(t, opts).Handler())
	defer server.Close()
	p := page{t, newBrowser(t)}
	p.open(server.URL)
	p.until(`document.querySelectorAll("#items li").length === 5 && performance.getEntriesByName("first-contentful-paint").length > 0`)
	loaded := js[[]struct {
		Name  string
		Bytes int
	}](p, `[performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")].map((entry) => ({Name: entry.name, Bytes: entry.transferSize}))`)
	total := 0
	for _, file := range loaded {
		if !strings.HasPrefix(file.Name, server.URL) && !strings.HasPrefix(file.Name, "blob:") {
			t.Errorf("the page asks another host: %s", file.Name)
		}
		if !strings.Contains(file.Name, "/thumbnail") && !strings.HasSuffix(file.Name, "/image") {
			total += file.Bytes
		}
	}
	t.Logf("%d files without pictures, %d bytes; first paint after %.0f ms", len(loaded), total,
		js[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
	if total == 0 || total > 100_000 {
		t.Errorf("the page has %d bytes without pictures, wanted 100,000 at most", total)
	}
}
