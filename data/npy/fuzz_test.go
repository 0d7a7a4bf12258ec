package npy_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/npy"
)

// What is read must fit its shape, stay within the limit and survive a round
// trip.
func FuzzRead(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.File)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		a, err := npy.Read(bytes.NewReader(content), 1<<16)
		if err != nil {
			return
		}
		checkShape(t, a)
		var written bytes.Buffer
		if err := npy.Write(&written, a.Shape, a.Data); err != nil {
			t.Fatal(err)
		}
		b, err := npy.Read(&written, 1<<17)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b, goldentest.SameFloats()); diff != "" {
			t.Errorf("(-read +written and read)\n%s", diff)
		}
	})
}
