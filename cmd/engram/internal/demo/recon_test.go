package demo

import (
	"image/color"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/pixels"
)

// The sheet has each picture in its place, and files have each under its name.
func TestSheet(t *testing.T) {
	plain := func(v byte) *pixels.Image {
		return &pixels.Image{W: 2, H: 2, Pix: slices.Repeat([]byte{v, 0, 255 - v}, 4)}
	}
	s := sheet{columns: []string{"a-001", "b-001"}, rows: []row{
		{"seen", []*pixels.Image{plain(10), plain(20)}}, {"made", []*pixels.Image{plain(30), plain(40)}},
	}}
	img := s.draw()
	for r, row := range s.rows {
		for c := range s.columns {
			v := row.images[c].Pix[0]
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
	if err := s.writeRow(1, dir); err != nil {
		t.Fatal(err)
	}
	back, err := pixels.DecodeFile(t.Context(), filepath.Join(dir, "b-001.png"), pixels.Limits{})
	if err != nil || !slices.Equal(back.Pix, plain(40).Pix) {
		t.Errorf("b-001.png is %v, %v", back, err)
	}
}

func TestReportOfPictures(t *testing.T) {
	var text strings.Builder
	r := Report{Pictures: Pictures{Test: 8, Zebras: 4, Candidates: 4, TwoWay: .75, Bound: .985, Sheet: "/out/sheet.png"}}
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"12 reconstructed, of 8 test scenes and 4 zebras", "75.0 % by the CLIP among these 12 (chance 50 %), 98.5 %", "/out/sheet.png"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %q in\n%s", part, &text)
		}
	}
}

func TestGlobalTokens(t *testing.T) {
	got := globals([]embed.Tokens{{T: 2, D: 2, Data: []float32{1, 2, 3, 4}}, {T: 2, D: 2, Data: []float32{5, 6, 7, 8}}})
	if got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.Data, []float32{1, 2, 5, 6}) {
		t.Errorf("global tokens are %v", got)
	}
}
