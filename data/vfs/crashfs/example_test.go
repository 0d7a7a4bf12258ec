package crashfs_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
)

// A file whose content was never synced is renamed over a good one. A power loss
// may leave the new name with nothing behind it.
func Example() {
	dir, err := os.MkdirTemp("", "crash")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	live, left := filepath.Join(dir, "live"), filepath.Join(dir, "left")
	if err := os.Mkdir(live, 0o777); err != nil {
		fmt.Println(err)
		return
	}
	fsys, err := crashfs.New(live)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := careless(fsys, filepath.Join(live, "state")); err != nil {
		fmt.Println(err)
		return
	}
	lengths := map[int]bool{}
	for seed := range uint64(100) {
		into := filepath.Join(left, fmt.Sprint(seed))
		if err := fsys.Crash(into, rand.New(rand.NewPCG(seed, 0))); err != nil {
			fmt.Println(err)
			return
		}
		content, _ := os.ReadFile(filepath.Join(into, "state"))
		lengths[len(content)] = true
	}
	fmt.Println("empty after a crash:", lengths[0], "- whole after another:", lengths[5])
	// Output: empty after a crash: true - whole after another: true
}

// careless writes "state" without a sync of the file.
func careless(fsys vfs.FS, path string) error {
	f, err := fsys.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte("state")); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fsys.Rename(path+".tmp", path); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}
