package pictures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"engram/data/webdataset"
	"engram/index"
)

// tarSample returns the tar and the key of the sample that a payload names.
func tarSample(p index.Payload) (tar, key string, named bool) {
	key, _ = p[index.KeyKey].(string)
	for _, name := range []string{index.KeyTar, index.KeyShard} {
		if tar, _ = p[name].(string); webdataset.IsTar(tar) {
			return tar, key, key != ""
		}
	}
	return "", "", false
}

// tarMembers remembers where the samples of tars lie. It reads the headers of a
// tar when the first of its images is asked for.
type tarMembers struct {
	root *os.Root

	mu    sync.Mutex
	known map[string]*tarList
	order []string // of known, the oldest first
}

// maxTars bounds the tars whose members are remembered: each takes about a
// megabyte for the 10,000 samples that img2dataset puts into one.
const maxTars = 64

// maxTarImage bounds an image in a tar, in bytes: it is held in memory. A build
// reads no larger samples.
const maxTarImage = 64 << 20

// tarList is what is remembered of one tar.
type tarList struct {
	once    sync.Once
	modTime time.Time
	size    int64
	members map[string][]webdataset.Member
	err     error
}

// open opens the image of the sample called key in the tar at name below the root.
// Of its files it is the one with the size and checksum that the payload records.
func (t *tarMembers) open(ctx context.Context, name, key string, p index.Payload) (Image, error) {
	file, info, err := openRegular(t.root, name)
	if err != nil {
		return Image{}, err
	}
	defer file.Close()
	list := t.list(name, info)
	list.once.Do(func() {
		if list.members, list.err = webdataset.Members(file); errors.Is(list.err, webdataset.ErrCorrupt) {
			list.err = nil // what comes before the damage was indexed
		}
	})
	if list.err != nil {
		return Image{}, fmt.Errorf("%s: %w: %w", name, list.err, fs.ErrNotExist)
	}
	for _, m := range list.members[key] {
		if size, recorded := p[index.KeySize].(int64); m.Size > maxTarImage || recorded && size != m.Size {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Image{}, err
		}
		content := make([]byte, min(m.Size, max(0, info.Size()-m.Offset)))
		if _, err := io.ReadFull(io.NewSectionReader(file, m.Offset, m.Size), content); err != nil {
			return Image{}, fmt.Errorf("%s: %w", name, err)
		}
		sum := crc32.Checksum(content, castagnoli())
		if recorded, found := p[index.KeyChecksum].(int64); found && recorded != int64(sum) {
			continue
		}
		r := readCloser{bytes.NewReader(content)}
		if contentType, err := sniffImage(r); err == nil {
			return Image{Content: r, ContentType: contentType, ModTime: info.ModTime(), ETag: fmt.Sprintf(`"%08x-%x"`, sum, m.Size)}, nil
		}
	}
	return Image{}, fmt.Errorf("%s has no image %s like the one that was indexed: %w", name, key, fs.ErrNotExist)
}

// list returns what is remembered of a tar, or a fresh list where it has changed.
func (t *tarMembers) list(name string, info fs.FileInfo) *tarList {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.known[name]
	if list != nil && list.size == info.Size() && list.modTime.Equal(info.ModTime()) {
		return list
	}
	if list == nil {
		if len(t.order) == maxTars {
			delete(t.known, t.order[0])
			t.order = t.order[1:]
		}
		t.order = append(t.order, name)
	}
	if t.known == nil {
		t.known = map[string]*tarList{}
	}
	list = &tarList{modTime: info.ModTime(), size: info.Size()}
	t.known[name] = list
	return list
}

// castagnoli returns the table of CRC-32C, which package crc32 makes once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// readCloser is a reader of bytes that needs no closing.
type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
