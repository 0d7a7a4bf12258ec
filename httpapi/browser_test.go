package httpapi

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
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
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("%s does not start: %v", found, err)
	}
	return ctx
}

// page drives the page and fails the test at the first step that fails.
type page struct {
	t   *testing.T
	ctx context.Context
}

func (p page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// until waits for a JavaScript expression to become true.
func (p page) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression)); err != nil {
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

// names returns the names of the hits on show.
func (p page) names() string {
	p.t.Helper()
	names, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](
		`[...document.querySelectorAll("#hits .name")].map((name) => name.textContent).join("; ")`))
	if err != nil {
		p.t.Fatal(err)
	}
	return names
}

func writeFile(t *testing.T, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// searched is true when an answer, and not a wait, is on show.
const searched = `document.querySelector("#status").textContent.includes("nearest") &&
	!document.querySelector("#hits").hasAttribute("aria-busy")`

// markup in a payload must stay text.
const markup = `<img src=x onerror="document.title='hacked'">`

func TestPageInABrowser(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	blueItem := store.items[blue]
	blueItem.Payload["caption"] = markup
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	p := page{t, newBrowser(t)}

	exceptions := make(chan string, 100)
	console, stopConsole := context.WithCancel(p.ctx)
	messages := chromedp.Console(console)
	go func() {
		defer close(exceptions)
		for message, err := range messages {
			if err != nil && console.Err() == nil {
				exceptions <- "cannot be read: " + err.Error()
			}
			if message.IsException() || message.Source == "security" || strings.Contains(message.Text, "Content Security Policy") {
				exceptions <- message.String()
			}
		}
	}()

	p.lookAround(server.URL)
	p.searchByWords(server.URL)
	p.searchByPicture(server.URL)
	p.searchByScan(server.URL)
	store.mark(pink, "NSFW", "UNSURE")
	p.leaveOutUnsafe(server.URL)

	stopConsole()
	for exception := range exceptions {
		t.Errorf("the console says: %s", exception)
	}
}

// lookAround opens the page and reads what it says of itself.
func (p page) lookAround(address string) {
	p.t.Helper()
	p.do("open", chromedp.Navigate(address))
	p.until(`document.querySelectorAll("#hits img").length === 5 && [...document.querySelectorAll("#hits img")].every((img) => img.naturalWidth === 8)`)
	if about := p.text("#about"); !strings.Contains(about, "colours: 5 items of 3 dimensions") ||
		!strings.Contains(about, "five flat pictures") || !strings.Contains(about, "colour 1") || !strings.Contains(about, "first three, 5 voxels") {
		p.t.Errorf("the footer says %q", about)
	}
}

// searchByWords types words, follows a suggestion, reloads and goes back, and asks for
// what is like an item but not quite.
func (p page) searchByWords(address string) {
	p.t.Helper()
	p.until(`document.querySelector("#words")?.hidden === false && document.querySelectorAll("#suggestions a").length === 2`)
	first := `document.querySelector("form, input, a.button, button").id === "words"`
	p.until(first)
	p.do("type words", chromedp.Focus(chromedp.CSS("#words-text")), chromedp.KeyEvent("something green\r"))
	p.until(`location.search === "?q=something+green" && document.title === "something green · Engram" && ` + searched)
	if names, heading := p.names(), p.text("#heading"); !strings.HasPrefix(names, "a flat green picture") || heading != "Nearest to “something green”" {
		p.t.Errorf("something green, under %q: %s", heading, names)
	}
	p.do("follow a suggestion", chromedp.Click(chromedp.CSS("#suggestions a")))
	p.until(`location.search === "?q=something+red" && document.querySelector("#words-text")?.value === "something red" && ` + searched)
	if names := p.names(); !strings.HasPrefix(names, "a flat red picture; a flat pink picture") {
		p.t.Errorf("something red: %s", names)
	}
	p.do("go back", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any](`history.back()`))
		return err
	}))
	p.until(`document.querySelector("#words-text")?.value === "something green" && document.querySelector("#hits .name")?.textContent === "a flat green picture" && ` + searched)
	p.do("reload", chromedp.Navigate(address+"/?q=something+green"))
	p.until(`document.querySelector("#words-text")?.value === "something green" && document.querySelector("#hits .name")?.textContent === "a flat green picture" && ` + searched)

	p.do("type words that mean nothing", chromedp.Focus(chromedp.CSS("#words-text")), chromedp.KeyEvent(" "), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any](`document.querySelector("#words-text").value = "xylophone"; document.querySelector("#words").requestSubmit()`))
		return err
	}))
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != `the model knows no word of "xylophone"` {
		p.t.Errorf("the problem is shown as %q", detail)
	}

	p.do("open an item", chromedp.Navigate(address+"/?item=1"))
	p.until(`document.querySelector("#refine")?.hidden === false && ` + searched)
	p.do("ask for it, but blue", chromedp.Focus(chromedp.CSS("#but")), chromedp.KeyEvent("blue\r"))
	p.until(`location.search === "?item=1&q=blue" && document.querySelector("#heading").textContent === "Like this one, but “blue”" && ` + searched)
	if names := p.names(); !strings.HasPrefix(names, markup) || strings.Contains(names, "red") {
		p.t.Errorf("like red, but blue: %s", names)
	}
	p.do("reload", chromedp.Navigate(address+"/?item=1&q=blue"))
	p.until(`document.querySelector("#but")?.value === "blue" && document.querySelector("#words-text")?.value === "" && ` + searched)
}

// searchByPicture uploads a picture and follows a hit of its answer.
func (p page) searchByPicture(address string) {
	p.t.Helper()
	p.do("upload a picture", chromedp.SetUploadFiles(chromedp.CSS("#image-file"), []string{writeFile(p.t, "rose.png", flatPNG(p.t, colours[red]))}))
	p.until(searched + ` && document.querySelector("#query-image").naturalWidth === 8`)
	if names := p.names(); !strings.HasPrefix(names, "a flat red picture; a flat pink picture; ") || !strings.Contains(names, markup) {
		p.t.Errorf("a red picture finds %s", names)
	}
	if caption := p.text("#query-caption"); caption != "rose.png" {
		p.t.Errorf("the query is called %q", caption)
	}

	p.do("click the second hit", chromedp.Click(chromedp.CSS("#hits li:nth-child(2) a")))
	p.until(`location.search === "?item=2" && document.title === "a flat pink picture · Engram" && ` + searched)
	if names := p.names(); strings.Contains(names, "pink") || !strings.HasPrefix(names, "a flat red picture") {
		p.t.Errorf("what is like pink: %s", names)
	}
	p.do("reload", chromedp.Navigate(address+"/?item=2"))
	p.until(`document.title === "a flat pink picture · Engram" && ` + searched)
}

// searchByScan uploads a scan and a broken one, goes back, and searches with
// a stored one.
func (p page) searchByScan(address string) {
	p.t.Helper()
	p.do("upload a scan", chromedp.SetUploadFiles(chromedp.CSS("#scan-file"),
		[]string{writeFile(p.t, "scan.npy", npyFile([]int{2, 5}, 0, 0, 1, 3, 4, 0, 0, 1, 5, 6))}))
	p.until(searched + ` && document.querySelector("#query-caption").textContent === "scan.npy · 5 voxels, mean of 2 repeats"`)
	if names := p.names(); !strings.HasPrefix(names, markup) {
		p.t.Errorf("a scan of blue finds %s", names)
	}
	p.until(`!document.querySelector("#query-strip").hidden && document.querySelector("#query-strip").width === 5`)

	p.do("break a scan", chromedp.SetUploadFiles(chromedp.CSS("#scan-file"), []string{writeFile(p.t, "short.npy", npyFile([]int{2}, 1, 2))}))
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != "repeat 0 of the scan has 2 voxels, the decoder takes 5" {
		p.t.Errorf("the problem is shown as %q", detail)
	}

	p.do("go back", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any](`history.back()`))
		return err
	}))
	p.until(`document.querySelector("#problem").hidden && document.querySelector("#query-caption").textContent.startsWith("scan.npy · 5 voxels") && ` + searched)

	p.do("open a trial", chromedp.Navigate(address+"/?trial=t1"))
	p.until(searched + ` && document.querySelector("#seen-image").naturalWidth === 8 && document.querySelector(".hit.seen .name").textContent === "a flat red picture"`)
	// The keyboard alone reaches and follows a hit.
	p.do("press Enter on a hit", chromedp.Focus(chromedp.CSS("#hits li:nth-child(3) a")), chromedp.KeyEvent("\r"))
	p.until(`location.search.startsWith("?item=") && ` + searched)

	p.do("open a lost item", chromedp.Navigate(address+"/?item=99"))
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != "the index has no item 99" {
		p.t.Errorf("the problem is shown as %q", detail)
	}
}

// leaveOutUnsafe looks for the pink picture, which is marked as unsafe, with the
// box that shows it and without.
func (p page) leaveOutUnsafe(address string) {
	p.t.Helper()
	const box = `document.querySelector("#unsafe")`
	p.do("open", chromedp.Navigate(address))
	p.until(`document.querySelectorAll("#hits li").length === 4 && !` + box + `.checked`)
	p.do("open an item", chromedp.Click(chromedp.CSS("#hits li:first-child a")))
	p.until(`location.search === "?item=1" && ` + searched)
	if names := p.names(); strings.Contains(names, "pink") {
		p.t.Errorf("without the box: %s", names)
	}
	p.do("show what is unsafe", chromedp.Click(chromedp.CSS("#unsafe")))
	p.until(`location.search === "?item=1&unsafe=1" && document.querySelectorAll("#hits li").length === 4 && ` + searched)
	p.until(`document.querySelector("#hits li:first-child .badge.unsafe") && document.querySelector("#hits li:first-child img").naturalWidth === 8`)
	if names := p.names(); !strings.HasPrefix(names, "a flat pink picture; ") {
		p.t.Errorf("with the box: %s", names)
	}
	p.do("follow it", chromedp.Click(chromedp.CSS("#hits li:first-child a")))
	p.until(`location.search === "?item=2&unsafe=1" && document.querySelector("#query-image").naturalWidth === 8 && ` + searched)
	p.do("hide it again", chromedp.Focus(chromedp.CSS("#unsafe")), chromedp.KeyEvent(" "))
	p.until(`location.search === "?item=2" && document.querySelector("#query-image").hidden && ` + searched)
	if caption := p.text("#query-caption"); caption != "a flat pink picture · marked unsafe, not shown" {
		p.t.Errorf("the caption of a query that is not shown is %q", caption)
	}
	p.do("upload a picture", chromedp.SetUploadFiles(chromedp.CSS("#image-file"), []string{writeFile(p.t, "rose.png", flatPNG(p.t, colours[pink]))}))
	p.until(`document.querySelector("#query-caption").textContent === "rose.png" && document.querySelectorAll("#hits li").length === 4 && ` + searched)
	if names := p.names(); strings.Contains(names, "pink") {
		p.t.Errorf("an upload without the box: %s", names)
	}
	p.do("open with the box in the address", chromedp.Navigate(address+"/?unsafe=1"))
	p.until(`document.querySelectorAll("#hits li").length === 5 && ` + box + `.checked && document.querySelectorAll("#hits .badge.unsafe").length === 1`)
}
