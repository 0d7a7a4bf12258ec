package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"engram/index"

	"github.com/chromedp/chromedp"
)

// A proxy may have the page below a path of its own: the page, its searches and its
// pictures are all found there.
func TestPageBelowAPathInABrowser(t *testing.T) {
	opts := fakeOptions(t)
	mux := http.NewServeMux()
	mux.Handle("/lab/engram/", http.StripPrefix("/lab/engram", checked(t, newServer(t, opts))))
	server := httptest.NewServer(mux)
	defer server.Close()
	p := page{t, newBrowser(t)}
	const pictures = `[...document.querySelectorAll("#items img")]`
	p.do("open", chromedp.Navigate(server.URL+"/lab/engram/"))
	p.until(pictures + `.length === 5 && ` + pictures + `.every((img) => img.naturalWidth === 8)`)
	p.do("search by an item", chromedp.Click(chromedp.CSS(`#items [data-more]`)))
	p.until(searched + ` && location.pathname === "/lab/engram/" && location.search.startsWith("?item=")`)
	p.until(`[...document.querySelectorAll("#hits img, #parts img")].every((img) => img.naturalWidth === 8)`)
	p.do("pick a trial", chromedp.Navigate(server.URL+"/lab/engram/?trial=t1"))
	p.until(searched + ` && document.querySelector("#seen-image").naturalWidth === 8`)
}

// A study has more trials than one page of them, and an index more items than one.
func TestPageShowsAllTrialsAndItemsInABrowser(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	for i := range index.ID(95) {
		item := store.items[red]
		item.ID = 100 + i
		store.items[item.ID] = item
	}
	opts.Trials = nil
	for i := range 80 {
		opts.Trials = append(opts.Trials, Trial{ID: fmt.Sprintf("trial-%d", i), Repeats: [][]float32{{1, 0, 0, 1, float32(i)}}})
	}
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	p := page{t, newBrowser(t)}
	p.open(server.URL + "/")
	p.until(`document.querySelectorAll("#trials li").length === 36 && document.querySelector("#more-trials").textContent === "More of the 80 scans"`)
	p.click("#more-trials")
	p.until(`document.querySelectorAll("#trials li").length === 72`)
	p.click("#more-trials")
	p.until(`document.querySelectorAll("#trials li").length === 80 && document.querySelector("#more-trials").hidden`)
	// The next items come as the visitor scrolls.
	p.until(`document.querySelectorAll("#items li").length >= 48`)
	js[bool](p, `scrollTo(0, document.body.scrollHeight); true`)
	p.until(`document.querySelectorAll("#items li").length >= 96`)
	js[bool](p, `scrollTo(0, document.body.scrollHeight); true`)
	p.until(`document.querySelectorAll("#items li").length === 100 && document.querySelector("#more").hidden`)
	p.until(`new Set([...document.querySelectorAll("#items li")].map((card) => card.dataset.id)).size === 100`)
	p.click("#trials li:last-child a")
	p.until(searched + ` && location.search === "?trial=trial-79"`)
	// So do the next hits.
	p.open(server.URL + "/?q=something+red&fold=0")
	p.until(searched + ` && document.querySelectorAll("#hits li").length >= 30`)
	for range 4 {
		js[bool](p, `scrollTo(0, document.body.scrollHeight); new Promise((done) => setTimeout(done, 50)).then(() => true)`)
	}
	p.until(`(scrollTo(0, document.body.scrollHeight), document.querySelectorAll("#hits li").length === 100 && document.querySelector("#more").hidden)`)
	p.until(`new Set([...document.querySelectorAll("#hits li")].map((card) => card.dataset.id)).size === 100`)
}
