package vfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
