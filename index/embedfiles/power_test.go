package embedfiles_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs/crashfs"
	"engram/index/embedfiles"
)

var errKilled = errors.New("killed")

// machine is a computer that embeds images into a folder on its disk.
type machine struct {
	fsys *crashfs.FS
	dir  string
}

func newMachine(t *testing.T, disk string) machine {
	t.Helper()
	fsys, err := crashfs.New(disk)
	if err != nil {
		t.Fatal(err)
	}
	return machine{fsys, filepath.Join(disk, "out")}
}

// losePower returns the machine after a power loss.
func (m machine) losePower(t *testing.T, rng *rand.Rand) machine {
	t.Helper()
	left := t.TempDir()
	if err := m.fsys.Crash(left, rng); err != nil {
		t.Fatal(err)
	}
	return newMachine(t, left)
}

// embed embeds the images below root as one pair. The process is killed after a
// number of operations; it reports whether it came to its end before.
func (m machine) embed(t *testing.T, root string, operations int) (ended bool) {
	t.Helper()
	m.fsys.Before(func(crashfs.Op, string) error {
		if operations--; operations < 0 {
			return errKilled
		}
		return nil
	})
	defer m.fsys.Before(nil)
	job := newJob(t, root, m.dir)
	job.Rows = 100
	_, err := job.OnFS(m.fsys).Run(t.Context())
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	return err == nil
}

// finished reports whether the pair is finished according to the plan: then its
// shards must not change.
func (m machine) finished(t *testing.T) bool {
	t.Helper()
	plan, err := os.ReadFile(filepath.Join(m.dir, embedfiles.PlanName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Contains(plan, []byte(`"finished": true`))
}

// visible returns the files that are not the job's own. What it has removed of
// its own may be back after a power loss.
func visible(files map[string]string) map[string]string {
	files = maps.Clone(files)
	maps.DeleteFunc(files, func(name, _ string) bool { return name[0] == '.' })
	return files
}

// forEver is more operations than a job has.
const forEver = 1 << 30

// A job is killed after each number of operations, and the power goes with it.
// Then the source may have changed, and a job that finds that out is killed, too.
// The last one comes to its end, with the files of a job that was left alone, which
// then survive a power loss.
func TestAJobGoesOnAfterAPowerLoss(t *testing.T) {
	t.Parallel()
	root, changed := t.TempDir(), t.TempDir()
	for _, dir := range []string{root, changed} {
		writeFolders(t, dir, 2, 6)
	}
	writeFiles(t, root, map[string]string{"f0/02.png": "unreadable"})
	writeFiles(t, changed, map[string]string{"f0/01.png": "another image", "f1/06.png": "one more"})
	want := map[string]map[string]string{}
	for _, dir := range []string{root, changed} {
		alone := newMachine(t, t.TempDir())
		alone.embed(t, dir, forEver)
		want[dir] = files(t, alone.dir)
	}
	changes := 0
	for operations, ended := 0, false; !ended; operations++ {
		for seed := range uint64(3) {
			rng := rand.New(rand.NewPCG(seed, uint64(operations)))
			m, source := newMachine(t, t.TempDir()), root
			ended = m.embed(t, root, operations)
			m = m.losePower(t, rng)
			if ended {
				if diff := cmp.Diff(visible(want[root]), visible(files(t, m.dir))); diff != "" {
					t.Fatalf("killed after %d operations, seed %d: the files of a job that came to its end (-want +got):\n%s", operations, seed, diff)
				}
			} else if !m.finished(t) && rng.IntN(2) == 0 {
				changes++
				source = changed
				m.embed(t, source, rng.IntN(20))
				m = m.losePower(t, rng)
				if !m.finished(t) && rng.IntN(2) == 0 {
					source = root // the change was undone
				}
			}
			m.embed(t, source, forEver)
			if diff := cmp.Diff(want[source], files(t, m.dir)); diff != "" {
				t.Fatalf("killed after %d operations, seed %d: the files of the last job (-want +got):\n%s", operations, seed, diff)
			}
			m = m.losePower(t, rng)
			if diff := cmp.Diff(visible(want[source]), visible(files(t, m.dir))); diff != "" {
				t.Fatalf("killed after %d operations, seed %d: the files of the last job after a power loss (-want +got):\n%s", operations, seed, diff)
			}
		}
	}
	if changes < 15 {
		t.Errorf("the source changed %d times only", changes)
	}
}
