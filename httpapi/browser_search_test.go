package httpapi

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// searchByWords types words, follows a suggestion, goes back and forward, and reloads.
func (p page) searchByWords(address string) {
	p.t.Helper()
	const green = `document.querySelector("#words")?.value === "something green" && document.querySelector("#hits .name")?.textContent === "a flat green picture" && ` + searched
	p.open(address)
	p.until(`document.querySelectorAll("#suggestions a").length === 2`)
	p.do("type words", chromedp.Focus(chromedp.CSS("#words")), chromedp.KeyEvent("something green\r"))
	p.address("?q=something+green")
	p.until(green)
	if heading := p.text("#heading"); heading != "Nearest to “something green”" {
		p.t.Errorf("the heading is %q", heading)
	}
	p.click("#home")
	p.until(`document.querySelector("#words").value === "" && document.body.classList.contains("start")`)
	p.click("#suggestions a")
	p.address("?q=something+red")
	p.until(`document.querySelector("#words").value === "something red" && document.querySelector("#hits .name")?.textContent === "a flat red picture" && ` + searched)
	// Pink is so near to red that it is folded into it.
	p.until(`document.querySelector("#hits .twins").textContent === "+ 1 alike"`)
	p.click("#hits .twins")
	p.until(`document.querySelectorAll("#hits .twin").length === 1`)
	if names := p.names(); !strings.HasPrefix(names, "a flat red picture; a flat pink picture") {
		p.t.Errorf("something red: %s", names)
	}
	p.back()
	p.until(`document.body.classList.contains("start")`)
	p.back()
	p.until(green)
	js[bool](p, `history.forward(); true`)
	p.until(`document.body.classList.contains("start")`)
	p.open(address + "/?q=something+green")
	p.until(green)
	js[bool](p, `document.querySelector("#words").value = "xylophone"; document.querySelector("#composer").requestSubmit(); true`)
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != `the model knows no word of "xylophone"` {
		p.t.Errorf("the problem is shown as %q", detail)
	}
}

// searchByPicture uploads a picture, adds words, reads how it was found, and goes back.
func (p page) searchByPicture(address string) {
	p.t.Helper()
	p.open(address)
	p.until(`!document.querySelector("#choose-image").hidden`)
	p.do("upload a picture", chromedp.SetUploadFiles(chromedp.CSS("#image-file"), []string{writeFile(p.t, "rose.png", flatPNG(p.t, colours[red]))}))
	p.until(searched + ` && document.querySelector("#parts img").naturalWidth === 8 && document.querySelector("#parts .part-text").textContent === "rose.png"`)
	if names := p.names(); !strings.HasPrefix(names, "a flat red picture; ") || !strings.Contains(names, markup) {
		p.t.Errorf("a red picture finds %s", names)
	}
	if title := js[string](p, `document.title`); title != "Most like your picture · Engram" {
		p.t.Errorf("the title is %q", title)
	}
	p.until(`!document.querySelector("#how").hidden && document.querySelector("#stages").textContent.includes("5 images were compared one by one")`)
	p.do("add words", chromedp.Focus(chromedp.CSS("#words")), chromedp.KeyEvent("blue\r"))
	p.address("?q=blue")
	p.until(searched + ` && document.querySelector("#heading").textContent === "Most like your picture, with “blue”"`)
	if names := p.names(); !strings.HasPrefix(names, markup) {
		p.t.Errorf("red, but blue: %s", names)
	}
	p.back()
	p.until(searched + ` && document.querySelector("#heading").textContent === "Most like your picture" && document.querySelector("#hits .name").textContent === "a flat red picture"`)
	p.click("#parts .remove")
	p.until(`document.body.classList.contains("start")`)
}

// searchByScan picks a stored scan, uploads one and a broken one, and goes back.
func (p page) searchByScan(address string) {
	p.t.Helper()
	p.open(address)
	p.click("#trials a")
	p.address("?trial=t1")
	p.until(searched + ` && document.querySelector("#seen-image").naturalWidth === 8 && document.querySelector(".card.seen .name").textContent === "a flat red picture"`)
	p.until(`!document.querySelector("#activity").hidden && document.querySelectorAll("#views canvas").length === 3 && !document.querySelector("#scan-simulated").hidden`)
	if size := p.text("#scan-size"); size != "t1 · 5 voxels, mean of 2 repeats" {
		p.t.Errorf("the scan is said to be %q", size)
	}
	// The fifth voxel is 16 deviations up: the pixel there is warm, and the first is cold.
	colours := js[[]int](p, `(() => {
		const canvas = document.querySelectorAll("#views canvas")[1];
		const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		return [...data.slice(4 * 12, 4 * 12 + 3), ...data.slice(4 * 8, 4 * 8 + 3)];
	})()`)
	if warm, cold := colours[:3], colours[3:]; warm[0] < warm[2]+100 || cold[0] > 140 {
		p.t.Errorf("the colours of the highest and a low voxel are %v and %v", warm, cold)
	}
	p.until(`[...document.querySelectorAll("#views .view")].every((view) => Math.abs(view.clientWidth / view.clientHeight - view.style.getPropertyValue("--w") / view.style.getPropertyValue("--h")) < .1)`)
	p.until(`[...document.querySelectorAll("#views .view")].every((view) => view.getAttribute("aria-label").startsWith("Activity seen from"))`)
	p.click("#regions button")
	p.until(`document.querySelector('#views path.marked[data-region="0"]') !== null`)
	if verdict := p.text("#verdict"); verdict != "Found: the first image is the one that was seen." {
		p.t.Errorf("the verdict is %q", verdict)
	}

	p.do("upload a scan", chromedp.SetUploadFiles(chromedp.CSS("#scan-file"),
		[]string{writeFile(p.t, "scan.npy", npyFile([]int{2, 5}, 0, 0, 1, 3, 4, 0, 0, 1, 5, 6))}))
	p.until(searched + ` && document.querySelector("#scan-size").textContent === "scan.npy · 5 voxels, mean of 2 repeats" && document.querySelector("#seen").hidden`)
	p.until(`!document.querySelector("#activity").hidden && document.querySelector("#scan-simulated").hidden`)
	if names := p.names(); !strings.HasPrefix(names, markup) {
		p.t.Errorf("a scan of blue finds %s", names)
	}
	p.do("upload the numbers alone", chromedp.SetUploadFiles(chromedp.CSS("#scan-file"), []string{writeFile(p.t, "scan.f32", []byte(floats(0, .95, 0, 7, 7)))}))
	p.until(searched + ` && document.querySelector("#scan-size").textContent === "scan.f32 · 5 voxels"`)
	if names := p.names(); !strings.HasPrefix(names, "a flat green picture") {
		p.t.Errorf("a scan of green finds %s", names)
	}
	p.do("break a scan", chromedp.SetUploadFiles(chromedp.CSS("#scan-file"), []string{writeFile(p.t, "short.npy", npyFile([]int{2}, 1, 2))}))
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != "repeat 0 of the scan has 2 voxels, the decoder takes 5" {
		p.t.Errorf("the problem is shown as %q", detail)
	}
	p.back()
	p.until(`document.querySelector("#problem").hidden && document.querySelector("#scan-size").textContent.startsWith("scan.f32") && ` + searched)
	p.open(address + "/?item=99")
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != "the index has no item 99" {
		p.t.Errorf("the problem is shown as %q", detail)
	}
}

// wantMoreAndLess asks for more like a hit and less like another.
func (p page) wantMoreAndLess(address string) {
	p.t.Helper()
	p.open(address + "/?q=something+green")
	p.until(searched)
	const act = `document.querySelector("#hits [data-%s='%d']").click(); true`
	js[bool](p, fmt.Sprintf(act, "more", blue))
	p.address("?q=something+green&item=4")
	p.until(searched + ` && document.querySelector("#parts .part-text").textContent.startsWith("like: ")`)
	if names := p.names(); strings.Contains(names, markup) {
		p.t.Errorf("more like blue finds blue itself: %s", names)
	}
	before := p.names()
	js[bool](p, fmt.Sprintf(act, "less", big))
	p.until(searched + ` && location.search.startsWith("?q=something+green&item=4&less=1844") && document.querySelector("#parts .less .part-text").textContent.startsWith("less like: ")`)
	if after := p.names(); before == after || strings.Contains(after, "yellow") {
		p.t.Errorf("less like yellow finds %s, as before %s", after, before)
	}
	p.open(address + "/?q=something+green&item=4")
	p.until(searched + ` && document.querySelector("#parts img").naturalWidth === 8`)
	p.click("#parts .remove")
	p.address("?q=something+green")
	p.until(searched + ` && document.querySelector("#parts").hidden`)
}
