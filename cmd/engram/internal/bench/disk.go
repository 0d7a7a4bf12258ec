package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// diskChunk is how much is written or read at a time.
const diskChunk = 1 << 20

// disk measures how fast a file is written, its sync included, and read again
// after the system has forgotten it.
func (b *bench) disk(ctx context.Context) error {
	path := filepath.Join(b.dir, "file")
	chunks := (b.Bytes + diskChunk - 1) / diskChunk
	size := float64(chunks * diskChunk)
	_, err := b.measure(ctx, "write the disk", "bytes", size, func(ctx context.Context) error { return writeFile(ctx, path, chunks) })
	if err != nil {
		return err
	}
	name := "read the disk"
	if !canForget {
		name = "read the disk, or its cache"
	}
	_, err = b.measure(ctx, name, "bytes", size, func(ctx context.Context) error { return readFile(ctx, path) })
	return errors.Join(err, os.Remove(path))
}

// writeFile writes chunks to a file and syncs it.
func writeFile(ctx context.Context, path string, chunks int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	chunk := bytes.Repeat([]byte("engram: "), diskChunk/8)
	for i := 0; i < chunks && err == nil; i++ {
		_, err = file.Write(chunk)
		err = errors.Join(err, ctx.Err())
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// readFile reads a file that is not in memory.
func readFile(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := forget(file); err != nil {
		return err
	}
	chunk := make([]byte, diskChunk)
	for err == nil {
		_, err = io.ReadFull(file, chunk)
		err = errors.Join(err, ctx.Err())
	}
	if errors.Is(err, io.EOF) {
		return ctx.Err()
	}
	return err
}
