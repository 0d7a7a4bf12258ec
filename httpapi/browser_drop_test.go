package httpapi

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// pasteAndDrop gives pictures as the clipboard and a drag do.
func (p page) pasteAndDrop(address string) {
	p.t.Helper()
	for event, colour := range map[string]string{"ClipboardEvent": "green", "DragEvent": "red"} {
		id := green
		if colour == "red" {
			id = red
		}
		p.open(address)
		p.until(`!document.querySelector("#choose-image").hidden`)
		js[bool](p, fmt.Sprintf(`(() => {
			const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
			const data = new DataTransfer();
			data.items.add(new File([bytes], "given.png", {type: "image/png"}));
			if (%q === "ClipboardEvent") return dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
			dispatchEvent(new DragEvent("dragover", {dataTransfer: data, cancelable: true}));
			if (document.querySelector("#drop").hidden) throw new Error("nothing says that a file may be dropped");
			return dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true})) || true;
		})()`, base64.StdEncoding.EncodeToString(flatPNG(p.t, colours[id])), event))
		p.until(searched + ` && document.querySelector("#drop").hidden && document.querySelector("#parts .part-text").textContent === "given.png"`)
		if names := p.names(); !strings.HasPrefix(names, "a flat "+colour+" picture") {
			p.t.Errorf("%s of %s finds %s", event, colour, names)
		}
	}
	p.dropNIfTI(address)
	p.dropFile("notes.txt", "text/plain", []byte("notes"))
	p.until(`!document.querySelector("#problem").hidden`)
	if detail := p.text("#problem-detail"); detail != "notes.txt is neither a picture nor a scan, wanted an image, or a scan as .npy, .nii, .nii.gz or .f32" {
		p.t.Errorf("the problem is shown as %q", detail)
	}
	if n := js[int](p, `document.querySelectorAll("#hits li").length`); n == 0 {
		p.t.Error("the images found before are gone")
	}
}

// dropFile drops a file onto the page.
func (p page) dropFile(name, mediaType string, file []byte) {
	p.t.Helper()
	js[bool](p, fmt.Sprintf(`(() => {
		const data = new DataTransfer();
		data.items.add(new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], %q, {type: %q}));
		return dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true})) || true;
	})()`, base64.StdEncoding.EncodeToString(file), name, mediaType))
}

// dropNIfTI drops a scan of blue as a gzipped NIfTI file of two volumes.
func (p page) dropNIfTI(address string) {
	p.t.Helper()
	p.open(address)
	p.until(`!document.querySelector("#choose-scan").hidden`)
	p.dropFile("blue.nii.gz", "application/gzip", volumeFile(p.t, "blue.nii.gz", []int{3, 2, 1, 2}, 0, 0, 77, 1, 5, 5, 0, 0, 77, 3, -5, 5))
	p.until(searched + ` && document.querySelector("#scan-size").textContent === "blue.nii.gz · 5 voxels, mean of 2 repeats"`)
	if names := p.names(); !strings.HasPrefix(names, markup) {
		p.t.Errorf("a NIfTI scan of blue finds %s", names)
	}
}
