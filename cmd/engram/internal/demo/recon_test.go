package demo

import (
	"slices"
	"strings"
	"testing"

	"engram/embed"
)

func TestReportOfPictures(t *testing.T) {
	var text strings.Builder
	r := Report{Pictures: Pictures{Test: 8, Zebras: 4, Candidates: 4, TwoWay: .75, Bound: .985, FoundFirst: 11, Sheet: "/out/sheet.png"}}
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"12 reconstructed, of 8 test scenes and 4 zebras", "75.0 % by the CLIP among these 12 (chance 50 %), 98.5 %", "11 of these 12 scans", "/out/sheet.png"} {
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
