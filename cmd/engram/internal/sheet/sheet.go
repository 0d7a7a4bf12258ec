package sheet

import (
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"engram/data/vfs"
	"engram/embed/pixels"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Sheet shows pictures side by side: a column for each scan.
type Sheet struct {
	Columns []string // names of the scans
	Rows    []Row
}

// Row has a picture for each column, nil where there is none.
type Row struct {
	Label  string
	Images []*pixels.Image
}

// Sizes of the sheet in pixels.
const (
	cell   = 128 // side of a picture
	gap    = 6
	gutter = 112 // for the labels of rows
	header = 24  // for the names of columns
)

// Draw draws the sheet.
func (s *Sheet) Draw() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, gutter+len(s.Columns)*(cell+gap), header+len(s.Rows)*(cell+gap)))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	text := func(x, y int, words string) {
		(&font.Drawer{Dst: out, Src: image.Black, Face: basicfont.Face7x13, Dot: fixed.P(x, y)}).DrawString(words)
	}
	for c, name := range s.Columns {
		text(gutter+c*(cell+gap), header-gap, name)
	}
	for r, row := range s.Rows {
		y := header + r*(cell+gap)
		text(gap, y+cell/2, row.Label)
		for c, img := range row.Images {
			if img == nil {
				continue
			}
			at := image.Rect(0, 0, cell, cell).Add(image.Pt(gutter+c*(cell+gap), y))
			draw.CatmullRom.Scale(out, at, RGBA(img), image.Rect(0, 0, img.W, img.H), draw.Src, nil)
		}
	}
	return out
}

// WriteRow writes the pictures of a row to a folder, each under its column's name.
func (s *Sheet) WriteRow(row int, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, img := range s.Rows[row].Images {
		if err := WritePNG(filepath.Join(dir, s.Columns[i]+".png"), RGBA(img)); err != nil {
			return err
		}
	}
	return nil
}

// RGBA returns an image as the standard library has them.
func RGBA(img *pixels.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.W, img.H))
	for p := range img.W * img.H {
		copy(out.Pix[4*p:], img.Pix[3*p:3*p+3])
		out.Pix[4*p+3] = 255
	}
	return out
}

// WritePNG writes a PNG file, all of it or nothing.
func WritePNG(path string, img image.Image) error {
	return vfs.WriteFile(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// Strip returns pictures of one height side by side.
func Strip(images []*pixels.Image) *pixels.Image {
	out := &pixels.Image{H: images[0].H}
	for _, img := range images {
		out.W += img.W
	}
	for y := range out.H {
		for _, img := range images {
			out.Pix = append(out.Pix, img.Pix[3*img.W*y:][:3*img.W]...)
		}
	}
	return out
}
