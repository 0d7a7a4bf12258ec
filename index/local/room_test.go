package local

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"engram/index"
)

// Writes that find the memory full at the same time wait until one of them has begun a
// flush, and not until the flush has ended.
func TestWritesGoOnWhileTheFlushThatTheyWantedWrites(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	gate := make(chan struct{})
	s.folder.FS = onCreate(func(path string) error {
		if strings.HasSuffix(path, ".seg.tmp") {
			<-gate
		}
		return nil
	})
	put(t, s, 1, 1, 2, 3, 4, 5, 6, 7, 8)
	s.memoryLimit = s.current.Load().parts[0].segment.Bytes() - 1 // it has room for the others once these are being written
	written := make(chan error, 3)
	s.flusher.Lock() // so that all of them meet
	for id := range index.ID(3) {
		go func() {
			written <- s.Upsert(t.Context(), []index.Item{{ID: 9 + id, Vector: []float32{1, 0, 0, 0}}})
		}()
	}
	for waitingForRoom() < cap(written) {
		time.Sleep(time.Millisecond)
	}
	s.flusher.Unlock()
	for range cap(written) {
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("a write waits for the flush to end")
		}
	}
	close(gate)
	join(s)
	mustClose(t, s)
}

// waitingForRoom counts the goroutines that wait for a lock in makeRoom.
func waitingForRoom() (n int) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "[sync.Mutex.Lock") && strings.Contains(stack, ".makeRoom(") {
			n++
		}
	}
	return n
}
