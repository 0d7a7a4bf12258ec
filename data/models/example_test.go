package models_test

import (
	"fmt"
	"io/fs"

	"engram/data/models"
)

func Example() {
	clip, err := models.Folder(models.CLIP)
	if err != nil {
		fmt.Println(err)
		return
	}
	card, err := fs.ReadFile(clip, "CARD.md")
	fmt.Println(err, len(card) > 0)
	// Output: <nil> true
}
