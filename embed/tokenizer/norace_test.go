//go:build !race

package tokenizer_test

// raced says that the race detector is on, under which sync.Pool drops values.
const raced = false
