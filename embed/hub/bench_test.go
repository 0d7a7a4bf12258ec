package hub_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// BenchmarkFetch downloads a file from this machine, hashes it, writes it and makes it
// durable.
func BenchmarkFetch(b *testing.B) {
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
	dir := b.TempDir()
	b.SetBytes(size)
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
	dir := b.TempDir()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := c.Fetch(b.Context(), snap, []string{"a.onnx"}, dir, nil); err != nil {
			b.Fatal(err)
		}
	}
}
