package filelock_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"engram/data/filelock"
)

func Example() {
	dir, err := os.MkdirTemp("", "filelock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	lock, err := filelock.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lock.Close() // gives it back
	_, err = filelock.Lock(filepath.Join(dir, "lock"))
	fmt.Println(errors.Is(err, filelock.ErrHeld))
	// Output: true
}

func TestALockThatWasGivenBackIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 {
		lock, err := filelock.Lock(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := filelock.Lock(filepath.Join(path, "no", "folder")); err == nil || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("a folder that is missing: error %v", err)
	}
}
