package httpapi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The sizes of screens that the page is tested on.
var (
	desktop = chromedp.EmulateViewport(1280, 900)
	phone   = chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch)
)

// newBrowser starts a headless Chromium with a profile of its own. Without one
// the test is skipped; with ENGRAM_REQUIRE_BROWSER=1 it fails instead.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	var found string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		if os.Getenv("ENGRAM_REQUIRE_BROWSER") == "1" {
			t.Fatal("a browser is needed: no chromium, chromium-browser, google-chrome or chrome on the PATH")
		}
		t.Skip("SKIPPED, the page is not tested: no chromium, chromium-browser, google-chrome or chrome on the PATH")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(found),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // containers forbid what the sandbox needs
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closeBrowser()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait() // it writes into the profile until it is gone
	})
	if err := chromedp.Do(ctx, desktop); err != nil {
		t.Fatalf("%s does not start: %v", found, err)
	}
	return ctx
}

// watchConsole returns what the browser has complained of since: exceptions, errors and
// reports of the content security policy. Answers with a problem are not among them.
func watchConsole(ctx context.Context) (complaints func() []string) {
	watching, stop := context.WithCancel(ctx)
	messages := chromedp.Console(watching)
	var all []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for message, err := range messages {
			switch {
			case err != nil && watching.Err() == nil:
				all = append(all, "cannot be read: "+err.Error())
			case err != nil:
			case message.IsException() || message.Source == "security" || message.Type == "error" && message.Source != "network" ||
				strings.Contains(message.Text, "Content Security Policy"):
				all = append(all, message.String())
			}
		}
	}()
	return func() []string {
		stop()
		<-done
		return all
	}
}

// page drives the page and fails the test at the first step that fails.
type page struct {
	t   *testing.T
	ctx context.Context
}

func (p page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// until waits for a JavaScript expression to become true. On a page that is not there yet
// it is not.
func (p page) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	safely := `(() => { try { return ` + expression + `; } catch { return false; } })()`
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](safely))
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "Cannot find context") { // the page before has just gone
			continue
		}
		body, _ := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS("body")))
		p.t.Fatalf("never true: %s: %v\nthe page says:\n%s", expression, err, body)
	}
}

func (p page) text(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		p.t.Fatalf("%s: %v", selector, err)
	}
	return text
}

// js runs a script and returns its value, which it may promise.
func js[T any](p page, script string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// open loads an address anew, without what the page has kept of before.
func (p page) open(address string) {
	p.t.Helper()
	p.do("open "+address, chromedp.Navigate("about:blank"), chromedp.Navigate(address))
}

// back goes back in the history.
func (p page) back() {
	p.t.Helper()
	js[bool](p, `history.back(); true`)
}

// keys presses keys, one after another.
func (p page) keys(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do("press "+key, chromedp.KeyEvent(key))
	}
}

// click clicks what a selector finds.
func (p page) click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// names returns the names of the hits on show.
func (p page) names() string {
	p.t.Helper()
	return js[string](p, `[...document.querySelectorAll("#hits .name")].map((name) => name.textContent).join("; ")`)
}

// address waits until the query part of the address is so.
func (p page) address(search string) {
	p.t.Helper()
	p.until(fmt.Sprintf("location.search === %q", search))
}

// searched is true when an answer, and not a wait, is on show.
const searched = `(document.querySelector("#status").textContent.includes("nearest of") &&
	!document.querySelector("#hits").hasAttribute("aria-busy"))`

func writeFile(t *testing.T, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
