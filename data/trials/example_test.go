package trials_test

import (
	"fmt"
	"strings"

	"engram/data/trials"
)

func ExampleRead() {
	volumes, err := trials.Read(strings.NewReader("rest 0\nface 0\nhouse 1\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, v := range volumes {
		fmt.Printf("volume %d: %s in run %d\n", i, v.Label, v.Run)
	}
	// Output:
	// volume 0: rest in run 0
	// volume 1: face in run 0
	// volume 2: house in run 1
}
