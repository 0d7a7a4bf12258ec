package batch_test

import (
	"context"
	"fmt"
	"strings"

	"engram/cmd/engram/internal/batch"
)

// A model that takes several texts in one pass serves requests of one text.
func Example() {
	encode := func(_ context.Context, texts []string) ([]int, error) {
		vectors := make([]int, len(texts))
		for i, text := range texts {
			vectors[i] = len(strings.Fields(text))
		}
		return vectors, nil
	}
	texts := batch.New(encode, batch.Options{Size: 32})
	defer texts.Close()
	fmt.Println(texts.Do(context.Background(), "a zebra at night"))
	// Output: 4 <nil>
}
