package sheet_test

import (
	"fmt"

	"engram/cmd/engram/internal/sheet"
	"engram/embed/pixels"
)

// Two scans. One has no picture.
func Example() {
	s := sheet.Sheet{Columns: []string{"0000", "0001"}, Rows: []sheet.Row{
		{Label: "seen", Images: []*pixels.Image{{W: 1, H: 1, Pix: []byte{255, 0, 0}}, nil}},
	}}
	fmt.Println(s.Draw().Bounds())
	// Output: (0,0)-(380,158)
}
