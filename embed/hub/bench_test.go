package hub_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// hubOfOneFile returns a client of a hub on this machine, and a repository there with a file
// of 256 MiB, a.onnx.
func hubOfOneFile(b *testing.B) (*hub.Client, *hub.Snapshot) {
	b.Helper()
	const size = 256 << 20
	s := hubtest.New(b, hubtest.Repo{Name: name, Files: fstest.MapFS{"a.onnx": {Data: random(size)}}})
	c, err := hub.New(hub.Options{Endpoint: s.URL})
	if err != nil {
		b.Fatal(err)
	}
	snap, err := c.Resolve(b.Context(), name, "main")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	return c, snap
}

// BenchmarkFetch downloads a file from this machine, hashes it, writes it and makes it
// durable.
func BenchmarkFetch(b *testing.B) {
	c, snap := hubOfOneFile(b)
	dir := b.TempDir()
	n := 0
	for b.Loop() {
		n++
		if _, err := c.Fetch(b.Context(), snap, []string{"a.onnx"}, filepath.Join(dir, fmt.Sprint(n)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPresent checks a file that is there.
func BenchmarkPresent(b *testing.B) {
	c, snap := hubOfOneFile(b)
	dir := b.TempDir()
	for b.Loop() {
		if _, err := c.Fetch(b.Context(), snap, []string{"a.onnx"}, dir, nil); err != nil {
			b.Fatal(err)
		}
	}
}
