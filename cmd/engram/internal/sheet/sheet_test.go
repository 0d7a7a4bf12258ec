package sheet

import (
	"image/color"
	"path/filepath"
	"slices"
	"testing"

	"engram/embed/pixels"
)

// The sheet has each picture in its place, and files have each under its name.
func TestSheet(t *testing.T) {
	plain := func(v byte) *pixels.Image {
		return &pixels.Image{W: 2, H: 2, Pix: slices.Repeat([]byte{v, 0, 255 - v}, 4)}
	}
	s := Sheet{Columns: []string{"a-001", "b-001"}, Rows: []Row{
		{"seen", []*pixels.Image{plain(10), plain(20)}}, {"made", []*pixels.Image{plain(30), plain(40)}},
	}}
	img := s.Draw()
	for r, row := range s.Rows {
		for c := range s.Columns {
			v := row.Images[c].Pix[0]
			x, y := gutter+c*(cell+gap), header+r*(cell+gap)
			for _, at := range [][2]int{{x, y}, {x + cell - 1, y + cell - 1}} {
				if got := img.At(at[0], at[1]); got != (color.RGBA{v, 0, 255 - v, 255}) {
					t.Errorf("row %d, column %d: %v, want red %d", r, c, got, v)
				}
			}
			if got := img.At(x-1, y); got != (color.RGBA{255, 255, 255, 255}) {
				t.Errorf("beside row %d, column %d: %v, want white", r, c, got)
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "made")
	if err := s.WriteRow(1, dir); err != nil {
		t.Fatal(err)
	}
	back, err := pixels.DecodeFile(t.Context(), filepath.Join(dir, "b-001.png"), pixels.Limits{})
	if err != nil || !slices.Equal(back.Pix, plain(40).Pix) {
		t.Errorf("b-001.png is %v, %v", back, err)
	}
}
