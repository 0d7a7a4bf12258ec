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
	const pictures = `[...document.querySelectorAll("#hits img")]`
	p.do("open", chromedp.Navigate(server.URL+"/lab/engram/"))
	p.until(pictures + `.length === 5 && ` + pictures + `.every((img) => img.naturalWidth === 8)`)
	p.do("click an item", chromedp.Click(chromedp.CSS(`#hits a`)))
	p.until(searched + ` && location.pathname === "/lab/engram/" && location.search.startsWith("?item=")`)
	p.until(pictures + `.length === 4 && ` + pictures + `.every((img) => img.naturalWidth === 8)`)
	p.until(`document.querySelector("#query-image").naturalWidth === 8`)
	p.do("pick a trial", chromedp.Navigate(server.URL+"/lab/engram/?trial=t1"))
	p.until(searched + ` && document.querySelector("#seen-image").naturalWidth === 8`)
}

// A study has more trials than one page of them, and an index more items than the
// first dozen.
func TestPageShowsAllTrialsAndItemsInABrowser(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	for i := range index.ID(25) {
		item := store.items[red]
		item.ID = 100 + i
		store.items[item.ID] = item
	}
	opts.Trials = nil
	for i := range 2080 {
		opts.Trials = append(opts.Trials, Trial{ID: fmt.Sprintf("trial-%d", i), Repeats: [][]float32{{1, 0, 0, 1, float32(i)}}})
	}
	server := httptest.NewServer(checked(t, newServer(t, opts)))
	defer server.Close()
	p := page{t, newBrowser(t)}
	p.do("open", chromedp.Navigate(server.URL+"/"))
	p.until(`document.querySelectorAll("#trial option").length === 2081`)
	p.until(`document.querySelectorAll("#hits li").length === 12`)
	p.do("show more", chromedp.Click(chromedp.CSS("#more")))
	p.until(`document.querySelectorAll("#hits li").length === 24 && !document.querySelector("#more").hidden`)
	p.do("show the rest", chromedp.Click(chromedp.CSS("#more")))
	p.until(`document.querySelectorAll("#hits li").length === 30 && document.querySelector("#more").hidden`)
	p.until(`new Set([...document.querySelectorAll("#hits a")].map((a) => a.dataset.item)).size === 30`)
	p.do("pick the last trial", chromedp.Navigate(server.URL+"/?trial=trial-2079"))
	p.until(searched + ` && document.querySelector("#trial").value === "trial-2079"`)
}
