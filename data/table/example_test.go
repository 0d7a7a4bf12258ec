package table_test

import (
	"fmt"

	"engram/data/table"
)

// Excel writes a byte order mark, and semicolons where the comma is the decimal sign.
func Example() {
	t, err := table.Parse("trials.csv", []byte("\ufefftrial;image\r\n1;zebra.png\r\n2;n/a\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	images, err := t.Column("image")
	fmt.Println(t.Columns, images.Values, images.Lines, err)
	// Output: [trial image] [zebra.png n/a] [2 3] <nil>
}
