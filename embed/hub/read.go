package hub

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

// MaxReadBytes is the size of the largest file that Read returns.
const MaxReadBytes = 128 << 20

// Read returns the content of a small file, from the cache where it is there. The
// content has the size and the hash that the snapshot states.
func (c *Client) Read(ctx context.Context, snap *Snapshot, path string) ([]byte, error) {
	text, err := c.read(ctx, snap, path)
	if err != nil {
		return nil, fmt.Errorf("hub: %s: %w", snap.Repo, err)
	}
	return text, nil
}

func (c *Client) read(ctx context.Context, snap *Snapshot, path string) ([]byte, error) {
	f, err := c.file(ctx, snap, path)
	if err != nil {
		return nil, err
	}
	if f.Size > MaxReadBytes {
		return nil, say(ErrFile, "%s has %d bytes, wanted at most %d", path, f.Size, MaxReadBytes)
	}
	if cached := c.cached(snap, f); cached != "" {
		text, err := os.ReadFile(cached)
		if err == nil && IsPointer(text) {
			err = pointerError(path)
		}
		return text, err
	}
	if c.offline {
		return nil, say(ErrOffline, "%s is not in the cache, and the network is off", path)
	}
	about := subject{snap.Repo, snap.Commit, path}
	var text []byte
	err = c.retry(ctx, func() error {
		resp, err := c.once(ctx, c.files, request{method: http.MethodGet, url: c.fileURL(about), plain: true, about: about})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if err := refuseWebPage(resp, path); err != nil {
			return err
		}
		text, err = readBody(resp, max(f.Size, maxPointerBytes))
		return err
	})
	if err != nil {
		return nil, err
	}
	if IsPointer(text) {
		return nil, pointerError(path)
	}
	h := f.newHash()
	h.Write(text)
	return text, f.check(int64(len(text)), h)
}

// pointerError says that a file is a Git LFS pointer.
func pointerError(path string) error {
	return say(ErrPointer, "%s is the pointer of Git LFS and not the file: it was uploaded or copied without LFS, so take another revision or mirror", path)
}
