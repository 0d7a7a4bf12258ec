package report

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/jpeg"

	"engram/embed/pixels"

	"golang.org/x/image/draw"
)

// pictureSide is the longer side of a picture in the report, in pixels.
const pictureSide = 112

// dataURI returns a picture as a small JPEG in a data URI.
func dataURI(img *pixels.Image) (template.URL, error) {
	src := image.NewRGBA(image.Rect(0, 0, img.W, img.H))
	for i := range img.W * img.H {
		copy(src.Pix[4*i:], img.Pix[3*i:3*i+3])
		src.Pix[4*i+3] = 255
	}
	scale := float64(pictureSide) / float64(max(img.W, img.H))
	dst := image.NewRGBA(image.Rect(0, 0, max(1, int(scale*float64(img.W))), max(1, int(scale*float64(img.H)))))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	var file bytes.Buffer
	if err := jpeg.Encode(&file, dst, &jpeg.Options{Quality: 80}); err != nil {
		return "", err
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(file.Bytes())), nil
}
