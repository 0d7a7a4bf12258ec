package scan

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/data/vfs/crashfs"
	"engram/embed/model"
)

// decoderFiles returns the files of a decoder's folder, none where it is no
// decoder.
func decoderFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	if _, err := model.Open(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range []string{weightsFile, configFile, modelFile, model.FileName} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

// The power goes before each operation of a decoder's saving over another one.
// The folder has the old decoder, or none, or the new one, and once Save has
// returned, the new one.
func TestAPowerLossLeavesAWholeDecoderOrNone(t *testing.T) {
	models := []*Model{}
	for _, weight := range []float32{1, 2} {
		c, err := PresetConfig(PresetLinear, 5, 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		c.Rank, c.Target = 2, space.Space{Name: "test", Fingerprint: strings.Repeat("ab", 32)}
		m := &Model{Config: c, Values: map[string][]float32{}}
		for _, p := range c.parameters() {
			size := 1
			for _, n := range p.Shape {
				size *= n
			}
			m.Values[p.Name] = make([]float32, size)
			for i := range m.Values[p.Name] {
				m.Values[p.Name][i] = weight
			}
		}
		models = append(models, m)
	}
	top := t.TempDir()
	fsys, err := crashfs.New(top)
	if err != nil {
		t.Fatal(err)
	}
	var saved []map[string]string
	for _, m := range models {
		alone := filepath.Join(t.TempDir(), "decoder")
		if err := m.Save(alone); err != nil {
			t.Fatal(err)
		}
		saved = append(saved, decoderFiles(t, alone))
	}
	crashes := uint64(0)
	crash := func(may ...map[string]string) {
		for range 10 {
			crashes++
			left := t.TempDir()
			if err := fsys.Crash(left, rand.New(rand.NewPCG(crashes, 0))); err != nil {
				t.Fatal(err)
			}
			got := decoderFiles(t, filepath.Join(left, "decoder"))
			found := false
			for _, want := range may {
				found = found || cmp.Equal(got, want)
			}
			if !found {
				t.Fatalf("crash %d left a decoder of %d files that is neither the old nor the new one", crashes, len(got))
			}
		}
	}
	for i, m := range models {
		may := []map[string]string{nil, saved[i]}
		if i > 0 {
			may = append(may, saved[i-1])
		}
		fsys.Before(func(crashfs.Op, string) error { crash(may...); return nil })
		if err := m.save(fsys, filepath.Join(top, "decoder")); err != nil {
			t.Fatal(err)
		}
		fsys.Before(nil)
		crash(saved[i])
	}
}
