package pattern_test

import (
	"fmt"

	"engram/data/pattern"
)

func ExampleExpand() {
	words, err := pattern.Expand("{train,val}/part-{08..10}.tar")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, word := range words {
		fmt.Println(word)
	}
	// Output:
	// train/part-08.tar
	// train/part-09.tar
	// train/part-10.tar
	// val/part-08.tar
	// val/part-09.tar
	// val/part-10.tar
}

func ExamplePaths() {
	_, err := pattern.Paths("nowhere/{00000..00041}.tar")
	fmt.Println(err)
	// Output: pattern: "nowhere/{00000..00041}.tar": missing are 42 of 42, the first is nowhere/00000.tar: file does not exist
}
