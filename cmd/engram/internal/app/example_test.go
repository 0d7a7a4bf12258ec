package app_test

import (
	"fmt"
	"os"

	"engram/cmd/engram/internal/app"
	"engram/embed/ort"
)

// The built-in bundle needs neither weights nor a network.
func Example() {
	cache, err := os.MkdirTemp("", "engram-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(cache)
	a := app.New(app.Options{Library: ort.LibraryOptions{CacheDir: cache}})
	b, err := a.OpenBundle(app.Pixels)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Label(b), b.T, b.D)
	// Output: pixels 1 1 1024
}
