package train_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
	"engram/embed/grad"
	"engram/embed/train"
)

// The power goes before each operation of a training that keeps checkpoints. It
// goes on from the last checkpoint that was written or from the one under way.
func TestAPowerLossLeavesACheckpoint(t *testing.T) {
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := grad.NewGraph()
	g.Param("w", true, 100, 100)
	filled := func(epoch float32) map[string][]float32 {
		values := make([]float32, 100*100)
		for i := range values {
			values[i] = epoch
		}
		return map[string][]float32{"w": values}
	}
	written, crashes := 0, uint64(0)
	crash := func() {
		for range 10 {
			crashes++
			left := t.TempDir()
			if err := fsys.Crash(left, rand.New(rand.NewPCG(crashes, 0))); err != nil {
				t.Fatal(err)
			}
			state, history, err := train.Checkpoint{Path: filepath.Join(left, "training", "c.safetensors")}.Read(g.Params())
			if written == 0 && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				t.Fatalf("after %d checkpoints: %v", written, err)
			}
			epoch, found := len(history.Losses), state.Snapshot()
			if epoch < written || epoch > written+1 || found.Steps != 10*epoch ||
				found.Values["w"][0] != float32(epoch) || found.V["w"][9999] != float32(epoch) {
				t.Fatalf("after %d checkpoints: one of epoch %d with %d steps and the weights %v … %v",
					written, epoch, found.Steps, found.Values["w"][0], found.V["w"][9999])
			}
		}
	}
	fsys.Before(func(crashfs.Op, string) error { crash(); return nil })
	c := train.Checkpoint{Path: filepath.Join(dir, "training", "c.safetensors"), Training: about{3, 4}}.OnFS(fsys)
	if err := vfs.MkdirAllFS(fsys, filepath.Dir(c.Path), 0o755); err != nil { // as Run does
		t.Fatal(err)
	}
	for epoch := 1; epoch <= 3; epoch++ {
		values := filled(float32(epoch))
		snapshot := grad.Snapshot{Values: values, M: values, V: values, Steps: 10 * epoch}
		if err := c.Write(g.Params(), snapshot, train.History{Losses: make([]float32, epoch)}); err != nil {
			t.Fatal(err)
		}
		written = epoch
	}
	crash()
}
