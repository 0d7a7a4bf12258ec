package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/data/vfs"
)

const (
	// stateDir is the folder, inside a target folder, of downloads under way.
	stateDir = ".download"
	lockName = "lock"
	// lockEvery is the pause between two looks at a lock that is held.
	lockEvery = 100 * time.Millisecond
)

// lock makes the folder dir and keeps other processes from downloading into it until
// unlock is called. It waits while one does.
func (c *Client) lock(ctx context.Context, dir string) (unlock func(), err error) {
	state := filepath.Join(dir, stateDir)
	path := filepath.Join(state, lockName)
	told := false
	_, statErr := os.Stat(dir)
	for {
		if err := vfs.MkdirAllFS(c.fsys, state, 0o755); err != nil {
			return nil, err
		}
		held, err := c.fsys.Lock(path)
		switch {
		case err == nil && sameFile(held, path):
			return func() {
				// The lock goes with its folder, unless parts are left there, and a
				// folder that was made for nothing goes too.
				if parts, err := os.ReadDir(state); err == nil && len(parts) == 1 {
					_ = c.fsys.Remove(path)
					_ = c.fsys.Remove(state)
					if errors.Is(statErr, fs.ErrNotExist) {
						_ = c.fsys.Remove(dir)
					}
				}
				_ = held.Close()
			}, nil
		case err == nil: // it was removed by the process before, which had it
			_ = held.Close()
			continue
		case errors.Is(err, fs.ErrNotExist):
			continue
		case !errors.Is(err, vfs.ErrHeld):
			return nil, fmt.Errorf("the lock of %s: %w", dir, err)
		}
		if !told {
			c.log.Info("waiting for another process that downloads into the folder", "folder", dir)
			told = true
		}
		timer := time.NewTimer(lockEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// sameFile reports whether an open file is still the one at path.
func sameFile(open vfs.File, path string) bool {
	file, ok := open.(interface{ Stat() (os.FileInfo, error) })
	if !ok {
		return true // a file system of tests
	}
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(mine, now)
}
