package httpapi

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/embed/dataset"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// markup in a payload must stay text.
const markup = `<img src=x onerror="document.title='hacked'">`

// browserWorld is the fake world with a brain, facets, and a payload that tries to be
// markup.
func browserWorld(t *testing.T) (Options, *memStore) {
	opts := fakeOptions(t)
	opts.Decoder.Brain, opts.Decoder.Simulated = fakeBrain(t), true
	mask := writeFile(t, "mask.nii.gz", volumeFile(t, "mask.nii.gz", []int{3, 2, 1}, 1, 1, 0, 1, 1, 1))
	var err error
	if opts.Decoder.Volumes, err = (dataset.Anatomy{Mask: mask}).Volumes(1 << 20); err != nil {
		t.Fatal(err)
	}
	store := opts.Store.(*memStore)
	store.mark(blue, "caption", markup)
	for id := range colours {
		kind := "cold"
		if id == red || id == pink || id == big {
			kind = "warm"
		}
		store.mark(id, "kind", []string{kind, "flat"})
	}
	return opts, store
}

// volumeFile returns a NIfTI file of voxels of 2 mm.
func volumeFile(t *testing.T, name string, shape []int, values ...float32) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := nifti.WriteFile(path, nifti.Layout{Shape: shape, VoxelSize: [3]float32{2, 2, 2}}, values); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPageInABrowser does each task of the page in a real browser, on a desktop and on a
// phone, and fails on anything that the console says.
func TestPageInABrowser(t *testing.T) {
	opts, store := browserWorld(t)
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	ctx := newBrowser(t)
	complaints := watchConsole(ctx)
	for _, screen := range []struct {
		name string
		size chromedp.Action[chromedp.Void]
	}{{"desktop", desktop}, {"phone", phone}} {
		for name, task := range map[string]func(page, string){
			"start": page.lookAround, "words": page.searchByWords, "picture": page.searchByPicture, "scan": page.searchByScan,
			"paste and drop": page.pasteAndDrop, "more and less": page.wantMoreAndLess, "filters": page.filter, "browse": page.browse, "viewer": page.view,
			"keyboard": page.useKeysAlone, "download": page.download,
		} {
			t.Run(screen.name+"/"+name, func(t *testing.T) {
				p := page{t, ctx}
				p.do(screen.name, screen.size)
				task(p, server.URL)
				if wide := js[int](p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
					t.Errorf("the page is %d pixels wider than the screen", wide)
				}
			})
		}
	}
	t.Run("unsafe", func(t *testing.T) {
		store.mark(pink, "NSFW", "UNSURE")
		p := page{t, ctx}
		p.do("desktop", desktop)
		p.leaveOutUnsafe(server.URL)
	})
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}

// lookAround opens the page and reads what it says of itself.
func (p page) lookAround(address string) {
	p.t.Helper()
	p.open(address)
	p.until(`document.querySelectorAll("#items img").length === 5 && [...document.querySelectorAll("#items img")].every((img) => img.naturalWidth === 8)`)
	if promise := p.text("#promise"); promise != "Search 5 images with words, a picture or a brain scan" {
		p.t.Errorf("the page promises %q", promise)
	}
	if about := p.text("#about"); !strings.Contains(about, "colours: 5 items") ||
		!strings.Contains(about, "five flat pictures") || !strings.Contains(about, "colour 1") || !strings.Contains(about, "first three, 5 voxels") {
		p.t.Errorf("the footer says %q", about)
	}
	p.until(`document.querySelector("#trials li img").naturalWidth === 8 && document.querySelectorAll("#trials li").length === 2`)
	p.until(`!document.querySelector("#scans-simulated").hidden && document.querySelector("#scans-intro").textContent.includes("simulated subject")`)
	if first := js[string](p, `document.querySelector("input, select, textarea, .tool").id`); first != "words" {
		p.t.Errorf("the first field of the page is %q, wanted the words", first)
	}
}

// filter ticks values of the payload and takes them away again.
func (p page) filter(address string) {
	p.t.Helper()
	p.open(address + "/?q=something+green")
	p.until(searched + ` && document.querySelectorAll("#facets .value").length === 4`)
	js[bool](p, `document.querySelector("#filters").open = true`)
	if facets := p.text("#facets"); !strings.Contains(facets, "kind") || !strings.Contains(facets, "warm3") || !strings.Contains(facets, "cold2") || !strings.Contains(facets, "flat5") {
		p.t.Errorf("the filters are %q", facets)
	}
	p.click(`[id="facet kind cold"]`)
	p.address("?q=something+green&f.kind=cold")
	p.until(searched + ` && document.querySelectorAll("#hits li").length === 2 && document.activeElement.id === "facet kind cold"`)
	p.click(`[id="facet kind warm"]`)
	p.address("?q=something+green&f.kind=cold&f.kind=warm")
	p.until(searched + ` && document.querySelectorAll("#hits li").length === 4 && document.querySelector("#filter-count").textContent === "2"`)
	p.click(`#fold`)
	p.until(searched + ` && location.search.endsWith("&fold=0") && document.querySelectorAll("#hits li").length === 5`)
	p.back()
	p.back()
	p.until(searched + ` && document.querySelectorAll("#hits li").length === 2 && !document.querySelector("[id='facet kind warm']").checked`)
	p.open(address + "/?q=something+green&f.kind=cold")
	p.until(searched + ` && document.querySelectorAll("#hits li").length === 2 && document.querySelector("[id='facet kind cold']").checked`)
}

// browse looks at the images of a value before there is a search, and searches among them.
func (p page) browse(address string) {
	p.t.Helper()
	p.open(address)
	p.until(`document.querySelectorAll("#items li").length === 5 && document.querySelectorAll("#browse button").length === 3`)
	p.click(`#browse button[value="cold"]`)
	p.address("?f.kind=cold")
	p.until(`document.querySelectorAll("#items li").length === 2 && document.querySelector("#scans").hidden && document.querySelector('#browse button[value="cold"]').getAttribute("aria-pressed") === "true"`)
	p.do("type words", chromedp.Focus(chromedp.CSS("#words")), chromedp.KeyEvent("something red\r"))
	p.address("?q=something+red&f.kind=cold")
	p.until(searched + ` && document.querySelectorAll("#hits li").length === 2`)
	p.back()
	p.until(`document.querySelectorAll("#items li").length === 2 && document.body.classList.contains("start")`)
	p.back()
	p.until(`document.querySelectorAll("#items li").length === 5 && !document.querySelector("#scans").hidden`)
}

// view opens the viewer, turns to the next image and closes it, and opens it by an address.
func (p page) view(address string) {
	p.t.Helper()
	const open = `document.querySelector("#viewer").open && document.querySelector("#viewer-image").naturalWidth === 8`
	p.open(address + "/?q=something+green")
	p.until(searched)
	p.click("#hits a")
	p.address("?q=something+green&show=3")
	p.until(open + ` && document.querySelector("#viewer-name").textContent === "a flat green picture" && document.querySelector("#viewer-facts").textContent.includes("cold")`)
	p.keys(kb.ArrowRight)
	p.until(open + ` && !location.search.endsWith("show=3") && document.querySelector("#viewer-name").textContent !== "a flat green picture"`)
	p.keys("\x1b")
	p.address("?q=something+green")
	p.until(`!document.querySelector("#viewer").open`)
	js[bool](p, `history.forward(); true`)
	p.until(open)
	p.back()
	p.until(`!document.querySelector("#viewer").open && location.search === "?q=something+green"`)
	p.open(address + "/?q=something+green&show=1")
	p.until(open + ` && ` + searched + ` && document.querySelector("#viewer-name").textContent === "a flat red picture"`)
	p.click("#viewer-more")
	p.address("?q=something+green&item=1")
	p.until(`!document.querySelector("#viewer").open && ` + searched)
}

// useKeysAlone searches, views and refines with the keyboard.
func (p page) useKeysAlone(address string) {
	p.t.Helper()
	focused := func(what string) { p.t.Helper(); p.until("document.activeElement.matches(`" + what + "`)") }
	p.open(address)
	p.until(`document.querySelectorAll("#items li").length === 5`)
	p.keys("\t")
	focused(".skip")
	p.keys("\t", "\t")
	focused("#words")
	p.keys("blue\r")
	p.until(searched + ` && location.search === "?q=blue"`)
	focused("#results")
	p.keys("\t", "\t", "\t")
	focused("#how summary")
	p.keys("\r")
	p.until(`document.querySelector("#how").open`)
	p.keys("\t")
	focused("#hits li:first-child a")
	p.keys("\r")
	p.until(`document.querySelector("#viewer").open`)
	p.keys("\x1b")
	p.until(`!document.querySelector("#viewer").open`)
	focused("#hits li:first-child a")
	p.keys("\t")
	focused("#hits li:first-child [data-more]")
	p.keys("\t", "\r")
	p.until(searched + ` && location.search.startsWith("?q=blue&less=")`)

	p.open(address)
	p.until(`document.querySelectorAll("#trials li").length === 2`)
	p.keys("\t", "\r", "\t")
	focused("#surprise")
	p.keys("\t", "\r")
	p.address("?trial=t1")
	p.until(searched)
	focused("#results")
}

// download saves the hits on show as JSON.
func (p page) download(address string) {
	p.t.Helper()
	p.open(address + "/?trial=t1&q=blue")
	p.until(searched)
	js[bool](p, `window.saved = null; window.make = URL.createObjectURL; URL.createObjectURL = (blob) => { window.saved = blob; return window.make.call(URL, blob); }; true`)
	p.click("#download")
	saved := js[struct {
		Query struct{ Trial, Text string }
		Hits  []struct{ ID string }
	}](p, `window.saved.text().then(JSON.parse)`)
	if saved.Query.Trial != "t1" || saved.Query.Text != "blue" || len(saved.Hits) != 5 || saved.Hits[0].ID == "" {
		p.t.Errorf("what is saved is %+v", saved)
	}
}

// leaveOutUnsafe looks for the pink picture, which is marked as unsafe, with the
// box that shows it and without.
func (p page) leaveOutUnsafe(address string) {
	p.t.Helper()
	p.open(address)
	p.until(`document.querySelectorAll("#items li").length === 4 && !document.querySelector("#unsafe").checked`)
	p.open(address + "/?item=1")
	p.until(searched)
	if names := p.names(); strings.Contains(names, "pink") {
		p.t.Errorf("without the box: %s", names)
	}
	p.click("#unsafe")
	p.address("?item=1&unsafe=1")
	p.until(searched + ` && document.querySelector("#hits li:first-child .badge.unsafe") && document.querySelector("#hits li:first-child img").naturalWidth === 8`)
	if names := p.names(); !strings.HasPrefix(names, "a flat pink picture; ") {
		p.t.Errorf("with the box: %s", names)
	}
	p.click("#unsafe")
	p.address("?item=1")
	p.until(searched + ` && !document.querySelector("#hits .badge.unsafe")`)
	p.open(address + "/?show=2")
	p.until(`document.querySelector("#viewer").open && document.querySelector("#viewer-none").textContent === "This image is marked unsafe and not shown."`)
	p.open(address + "/?unsafe=1")
	p.until(`document.querySelectorAll("#items li").length === 5 && document.querySelector("#unsafe").checked && document.querySelectorAll("#items .badge.unsafe").length === 1`)
}

// An index without models is a page of images that lead to each other.
func TestPageWithoutModelsInABrowser(t *testing.T) {
	opts := fakeOptions(t)
	opts.Text, opts.Encoder, opts.Decoder, opts.Trials, opts.Suggestions = nil, nil, nil, nil, nil
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	p := page{t, newBrowser(t)}
	complaints := watchConsole(p.ctx)
	p.open(server.URL)
	p.until(`document.querySelectorAll("#items li").length === 5 && document.querySelector("#scans").hidden && document.querySelector("#words").hidden && document.querySelector("#choose-image").hidden && document.querySelector("#choose-scan").hidden`)
	if promise := p.text("#promise"); promise != "Each image leads to the ones like it" {
		t.Errorf("the page promises %q", promise)
	}
	p.click(`#items [data-more]`)
	p.until(searched + ` && document.querySelectorAll("#hits li").length > 2 && document.querySelector("#scan").hidden`)
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}
