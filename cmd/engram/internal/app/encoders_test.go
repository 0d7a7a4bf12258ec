package app

import (
	"runtime"
	"testing"

	"engram/embed/clip"
)

// A build gives each processor a run of its own, of a few images, and
// leaves a GPU to the defaults.
func TestHowBuildsRunModels(t *testing.T) {
	processors := runtime.GOMAXPROCS(0)
	runs := min(processors, 16)
	for _, test := range []struct {
		device string
		batch  int
		want   clip.Options
	}{
		{"", 0, clip.Options{Device: "cpu", Batch: 4, Threads: processors - runs + 1, Concurrency: runs}},
		{"cpu", 32, clip.Options{Device: "cpu", Batch: 32, Threads: processors - runs + 1, Concurrency: runs}},
		{"cuda:0", 0, clip.Options{Device: "cuda:0"}},
		{"cuda:0", 32, clip.Options{Device: "cuda:0", Batch: 32}},
	} {
		if got := New(Options{Device: test.device}).bulk(test.batch); got != test.want {
			t.Errorf("device %q, batch %d: %+v, want %+v", test.device, test.batch, got, test.want)
		}
	}
}
