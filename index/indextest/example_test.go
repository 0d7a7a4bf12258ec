package indextest_test

import (
	"testing"

	"engram/index"
	"engram/index/indextest"
)

// openMemory stands for the engine under test.
var openMemory indextest.Opener = func(testing.TB, string, int) index.Store { return nil }

// An engine's test is one call.
func ExampleContract() {
	testContract := func(t *testing.T) {
		indextest.Contract(t, openMemory)
	}
	_ = testContract
}
