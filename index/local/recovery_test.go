package local

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/wal"
)

// killed makes an index of the items 1 and 2 in a segment and 3, 4 and 5 in its log, as a
// process that was killed leaves it, and returns its folder and its log.
func killed(t *testing.T) (dir, log string) {
	t.Helper()
	s := mustCreate(t, t.TempDir(), 4)
	mustLog(t, s, Synced)
	put(t, s, 1, 1, 2)
	mustFlush(t, s)
	for id := range index.ID(3) {
		put(t, s, 1, 3+id)
	}
	dir = filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(dir, os.DirFS(s.folder.Path)); err != nil {
		t.Fatal(err)
	}
	log = filepath.Join(dir, wal.Name(s.log.Number()))
	mustClose(t, s)
	return dir, log
}

// A log that is damaged is told with file and offset, when it was the last record too. The
// index opens with the rest and refuses writes, and goes on without what is lost once it
// was repaired.
func TestADamagedLogIsToldAndRepaired(t *testing.T) {
	dir, log := killed(t)
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for what, damage := range map[string]struct {
		content []byte
		left    []index.ID
	}{
		"the last record":   {flipped(content, len(content)-1), []index.ID{1, 2, 3, 4}},
		"a record between":  {flipped(content, len(content)/2), []index.ID{1, 2, 4, 5}},
		"a log that is cut": {content[:len(content)/2], []index.ID{1, 2}},
		"the header":        {flipped(content, 3), []index.ID{1, 2, 3, 4, 5}},
		"an empty log":      {nil, []index.ID{1, 2}},
	} {
		t.Run(what, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "index")
			if err := os.CopyFS(damaged, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(damaged, filepath.Base(log))
			if err := os.WriteFile(name, damage.content, 0o666); err != nil {
				t.Fatal(err)
			}
			left := map[index.ID]int64{}
			for _, id := range damage.left {
				left[id] = 1
			}
			checkDamaged(t, damaged, name, left)
			report, err := Repair(t.Context(), damaged, RepairOptions{Write: true})
			if err != nil || !report.Repaired || report.LostRecords < 1 || report.Items != len(left) || !strings.Contains(report.Faults[0].Damage, name) {
				t.Fatalf("the repair tells %+v, error %v", report, err)
			}
			s := mustOpen(t, damaged)
			if err := s.Verify(t.Context()); err != nil {
				t.Error(err)
			}
			put(t, s, 1, 9)
			mustClose(t, s)
			left[9] = 1
			s = mustOpen(t, damaged)
			if diff := cmp.Diff(left, versions(t, s)); diff != "" {
				t.Errorf("after the repair (-want +got):\n%s", diff)
			}
			mustClose(t, s)
			kept, err := os.ReadFile(filepath.Join(damaged, DamagedFolder, filepath.Base(log)))
			if err != nil || string(kept) != string(damage.content) {
				t.Errorf("the repair kept %d bytes of the log, want %d, error %v", len(kept), len(damage.content), err)
			}
		})
	}
}

func flipped(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 4
	return b
}

func told(err error, file string) bool {
	return errors.Is(err, index.ErrCorrupt) && strings.Contains(err.Error(), file) && strings.Contains(err.Error(), "at byte ")
}

// checkDamaged opens an index whose log is damaged, for reading and for writing. It has the
// items that are left and changes nothing in its folder.
func checkDamaged(t *testing.T, dir, log string, left map[index.ID]int64) {
	t.Helper()
	before := folderContent(t, dir)
	for _, open := range []func(string) (*Store, error){Open, OpenReadOnly} {
		s, err := open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r := s.Recovery(); !told(errors.Join(r.Damage...), log) {
			t.Errorf("opening tells %v", r.Damage)
		}
		if diff := cmp.Diff(left, versions(t, s)); diff != "" {
			t.Errorf("items (-want +got):\n%s", diff)
		}
		if err := s.Upsert(t.Context(), version(2, 1)); !errors.Is(err, index.ErrReadOnly) {
			t.Errorf("a write: error %v, want ErrReadOnly", err)
		}
		if !s.readOnly() {
			if err := s.Upsert(t.Context(), version(2, 1)); !told(err, log) {
				t.Errorf("a write: error %v", err)
			}
			if err := s.Verify(t.Context()); !told(err, log) {
				t.Errorf("Verify: error %v", err)
			}
		}
		mustClose(t, s)
	}
	if diff := cmp.Diff(before, folderContent(t, dir)); diff != "" {
		t.Errorf("the folder has changed:\n%s", diff)
	}
}

// folderContent returns the files of a folder, but for the lock.
func folderContent(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		content[e.Name()] = string(b)
	}
	maps.DeleteFunc(content, func(name, _ string) bool { return name == "lock" })
	return content
}
