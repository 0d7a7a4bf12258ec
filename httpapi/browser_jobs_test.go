package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/httpapi/jobs"

	"github.com/chromedp/chromedp"
)

// TestReconstructionInABrowser has the page reconstruct a stored scan on a desktop and on a
// phone: its steps appear, it can be cancelled, and its address shows it again.
func TestReconstructionInABrowser(t *testing.T) {
	opts, _ := browserWorld(t)
	next := fakeJobs(t, &opts, jobs.Options{})
	s := newServer(t, opts)
	whole := checked(t, s) // which waits for the end of an answer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			s.Handler().ServeHTTP(w, r)
			return
		}
		whole.ServeHTTP(w, r)
	}))
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
			p.reconstruct(server.URL, next)
			p.checkAxe(axe)
			picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err := errors.Join(err, os.WriteFile(filepath.Join(t.ArtifactDir(), "page.png"), picture, 0o600)); err != nil {
				t.Error(err)
			}
			if wide := js[int](p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("the page is %d pixels wider than the screen", wide)
			}
			p.cancelOne(server.URL)
		})
	}
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}

// captions are what stands over the pictures of a reconstruction.
const captions = `[...document.querySelectorAll("#made-pictures figcaption")].map((c) => c.textContent).join("; ")`

// drawn is true when every picture of the reconstruction is there.
const drawn = `[...document.querySelectorAll("#made-pictures img")].every((img) => img.naturalWidth === 8)`

// reconstruct asks for a reconstruction, sees a step of it, its end, and it again.
func (p page) reconstruct(address string, next steps) {
	p.t.Helper()
	p.open(address + "/?trial=t1")
	p.until(searched + ` && !document.querySelector("#made").hidden`)
	p.click("#reconstruct")
	p.until(`new URLSearchParams(location.search).get("job").length === 16 && !document.querySelector("#made-cancel").hidden`)
	next <- struct{}{}
	p.until(`document.querySelector("#made-step").textContent === "Step 1 of 3" && ` + captions + ` === "Candidates so far" && ` + drawn)
	if said := p.text("#made-status"); said != "Drawing…" {
		p.t.Errorf("the page says %q", said)
	}
	next <- struct{}{}
	next <- struct{}{}
	const done = captions + ` === "Reconstruction; Low level; Candidates" && ` + drawn + ` && document.querySelector("#made-cancel").hidden`
	p.until(done)
	if said := p.text("#made-status"); !strings.HasPrefix(said, "Done in ") || !strings.HasSuffix(said, "In words, the scan is most like “a red thing”.") {
		p.t.Errorf("the page says %q", said)
	}
	made := js[string](p, `location.href`)
	p.open(address + "/?trial=t1&job=0123456789abcdef")
	p.until(`document.querySelector("#made-status").textContent === "This reconstruction is not kept any more." && !document.querySelector("#reconstruct").hidden`)
	p.open(address + "/?trial=gone") // of which there is nothing to reconstruct
	p.until(`!document.querySelector("#problem").hidden && document.querySelector("#made").hidden`)
	p.open(made)
	p.until(searched + ` && ` + done)
}

// cancelOne asks for a reconstruction and cancels it, by keys.
func (p page) cancelOne(address string) {
	p.t.Helper()
	p.open(address + "/?trial=t2")
	p.until(searched + ` && !document.querySelector("#made").hidden`)
	for _, button := range []string{"#reconstruct", "#made-cancel"} {
		p.until(`!document.querySelector("` + button + `").hidden`)
		p.do("focus "+button, chromedp.Focus(chromedp.CSS(button)), chromedp.KeyEvent("\r"))
	}
	p.until(`document.querySelector("#made-status").textContent === "Cancelled." && !document.querySelector("#reconstruct").hidden`)
}

// checkAxe fails on what axe-core finds in the page as it is.
func (p page) checkAxe(axe string) {
	p.t.Helper()
	js[bool](p, axe+`; true`)
	faults := js[[]string](p, `axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.flatMap((rule) =>
		rule.nodes.map((node) => rule.id + " at " + node.target.join(" ") + ": " + node.failureSummary.replaceAll("\n", " "))))`)
	for _, fault := range faults {
		p.t.Error(strings.TrimSpace(fault))
	}
}
