package tokenizer_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/embed/tokenizer"
)

func Example() {
	dir, err := os.MkdirTemp("", "tokenizer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := tokenizer.WriteVocabulary(filepath.Join(dir, "words.txt"), []string{"a", "zebra", "at", "night"}); err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "words.txt", Context: 6})
	if err != nil {
		log.Fatal(err)
	}
	ids := make([]int64, t.Context())
	e := t.Encode(ids, "A zebra, at midnight.")
	fmt.Println(ids, e.N, e.Known)
	// Output: [2 3 4 1 0 0] 4 3
}
