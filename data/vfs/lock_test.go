package vfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"engram/data/vfs"
)

func Example() {
	dir, err := os.MkdirTemp("", "vfs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	lock, err := vfs.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lock.Close() // gives it back
	_, err = vfs.Lock(filepath.Join(dir, "lock"))
	fmt.Println(errors.Is(err, vfs.ErrHeld))
	// Output: true
}

func TestALockThatWasGivenBackIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 {
		lock, err := vfs.Lock(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := vfs.Lock(filepath.Join(path, "no", "folder")); err == nil || errors.Is(err, vfs.ErrHeld) {
		t.Errorf("a folder that is missing: error %v", err)
	}
}

// A holder may remove the file of its lock. Nobody then holds the removed one beside the holder
// of a new one.
func TestALockIsHeldByOneWhereItsFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				lock, err := vfs.Lock(path)
				if errors.Is(err, vfs.ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n > 1 {
					t.Errorf("%d hold the lock", n)
				}
				runtime.Gosched()
				holders.Add(-1) // before the file goes: from then on the next one may hold a new one
				if err = errors.Join(os.Remove(path), lock.Close()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
