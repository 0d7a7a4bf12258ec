package httpapi

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSubjectsInABrowser has the page show the scans of one subject and of another, on a desktop
// and on a phone, and search with them.
func TestSubjectsInABrowser(t *testing.T) {
	opts, _ := browserWorld(t)
	opts.SubjectID = "subj01"
	red := opts.Trials[0].Item
	opts.Subjects = []Subject{{ID: "subj02", Decoder: lastThree(opts.Decoder.Space), Trials: []Trial{{ID: "t9", Seen: "red.png", Item: red, Repeats: [][]float32{{9, 0, 0, 1}}}}}}
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	ctx := newBrowser(t)
	axe := axeSource(t)
	complaints := watchConsole(ctx)
	for _, screen := range []struct {
		name, colours string
		size          chromedp.Action[chromedp.Void]
	}{{"desktop", "light", desktop}, {"phone", "dark", phone}} {
		t.Run(screen.name, func(t *testing.T) {
			p := page{t, ctx}
			p.do(screen.name, screen.size, scheme(screen.colours))
			p.chooseSubject(server.URL)
			p.open(server.URL)
			p.until(`!document.querySelector("#subject-label").hidden`)
			p.checkAxe(axe)
			picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err := errors.Join(err, os.WriteFile(filepath.Join(t.ArtifactDir(), "page.png"), picture, 0o600)); err != nil {
				t.Error(err)
			}
			if wide := js[int](p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("the page is %d pixels wider than the screen", wide)
			}
		})
	}
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}

// chooseSubject goes from the server's own subject to the other, searches with a scan of it,
// and goes home.
func (p page) chooseSubject(address string) {
	p.t.Helper()
	const trials = `[...document.querySelectorAll("#trials a")].map((a) => a.dataset.trial).join(" ")`
	p.open(address)
	p.until(trials + ` === "t1 t2" && document.querySelector("#subject").value === "subj01"`)
	js[bool](p, `(() => {
		const choice = document.querySelector("#subject");
		choice.value = "subj02";
		return choice.dispatchEvent(new Event("change", {bubbles: true}));
	})()`)
	p.address("?subject=subj02")
	p.until(trials + ` === "t9"`)
	p.click("#trials a")
	p.address("?subject=subj02&trial=t9")
	p.until(searched + ` && document.querySelector("#scan-size").textContent === "t9 · 4 voxels"`)
	if names := p.names(); !strings.HasPrefix(names, markup) { // blue, by the decoder of subj02
		p.t.Errorf("the scan of subj02 finds %s", names)
	}
	if made := p.text("#parts .part-text"); made != "stored scan t9 of subj02" {
		p.t.Errorf("the search box has %q", made)
	}
	p.click("#home")
	p.address("?subject=subj02") // who stays
	p.until(trials + ` === "t9"`)
	p.open(address + "/?subject=subj01&trial=t1")
	p.until(searched + ` && document.querySelector("#scan-size").textContent.startsWith("t1 · 5 voxels")`)
}

// Where the server has no decoder of its own the page takes scans of the first subject.
func TestSubjectsWithoutADefaultInABrowser(t *testing.T) {
	opts, _ := browserWorld(t)
	opts.Subjects = []Subject{{ID: "subj02", Decoder: lastThree(opts.Decoder.Space), Trials: []Trial{{ID: "t9", Repeats: [][]float32{{9, 0, 0, 1}}}}}}
	opts.Decoder, opts.Trials = nil, nil
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	ctx := newBrowser(t)
	complaints := watchConsole(ctx)
	p := page{t, ctx}
	p.do("desktop", desktop)
	p.open(server.URL)
	p.until(`!document.querySelector("#choose-scan").hidden && document.querySelector("#trials a").dataset.trial === "t9"`)
	if promise := p.text("#promise"); promise != "Search 5 images with words, a picture or a brain scan" {
		t.Errorf("the page promises %q", promise)
	}
	p.click("#trials a")
	p.address("?subject=subj02&trial=t9")
	p.until(searched + ` && document.querySelector("#scan-size").textContent === "t9 · 4 voxels"`)
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}
