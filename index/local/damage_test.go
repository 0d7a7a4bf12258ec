package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/disk"
)

// twoSegments makes an index of two segments: items 1 to 4, where 2 is dead, and 10 to
// 12. It returns its folder and the name of the first segment's file.
func twoSegments(t *testing.T) (dir, first string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "index")
	s := mustCreateStamped(t, dir, 4)
	put(t, s, 1, 1, 2, 3, 4)
	mustFlush(t, s)
	put(t, s, 1, 10, 11, 12)
	remove(t, s, 2)
	mustFlush(t, s)
	mustClose(t, s)
	return dir, disk.SegmentName(1)
}

// A damaged segment does not take the others with it: the index opens, finds their items,
// says what is damaged, refuses writes and leaves the folder as it is.
func TestADamagedSegmentLeavesTheOthers(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir, first string){
		"a flipped header":     func(t *testing.T, dir, first string) { spoil(t, filepath.Join(dir, first), 9) },
		"flipped ids":          func(t *testing.T, dir, first string) { spoil(t, filepath.Join(dir, first), 4096) },
		"a file that is cut":   func(t *testing.T, dir, first string) { cut(t, filepath.Join(dir, first)) },
		"a file that is gone":  func(t *testing.T, dir, first string) { drop(t, filepath.Join(dir, first)) },
		"tombstones, flipped":  func(t *testing.T, dir, _ string) { spoil(t, only(t, dir, "*.dead"), 16) },
		"tombstones, gone":     func(t *testing.T, dir, _ string) { drop(t, only(t, dir, "*.dead")) },
		"tokens with a header": func(t *testing.T, dir, _ string) { spoil(t, filepath.Join(dir, disk.TokensName(1)), 9) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, first := twoSegments(t)
			damage(t, dir, first)
			before := folderContent(t, dir)
			for _, open := range []func(string) (*Store, error){Open, OpenReadOnly} {
				s, err := open(dir)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(map[index.ID]int64{10: 1, 11: 1, 12: 1}, versions(t, s)); diff != "" {
					t.Errorf("items (-want +got):\n%s", diff)
				}
				hits, err := s.Search(t.Context(), index.Query{Vector: []float32{1, 0, 0, 0}, K: 10})
				if err != nil || len(hits) != 3 {
					t.Errorf("a search finds %v, error %v, wanted 3 items", hits, err)
				}
				info, err := s.Info(t.Context())
				if err != nil || info.Count != 3 || !strings.Contains(info.Damage, dir) || !strings.Contains(info.Damage, "4 items at most") {
					t.Errorf("the index says of itself %+v, error %v", info, err)
				}
				if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), dir) {
					t.Errorf("Verify: error %v", err)
				}
				if _, err := s.Delete(t.Context(), []index.ID{10}); !errors.Is(err, index.ErrReadOnly) {
					t.Errorf("a write: error %v, wanted ErrReadOnly", err)
				}
				if err := s.Snapshot(t.Context(), filepath.Join(t.TempDir(), "copy")); !errors.Is(err, index.ErrCorrupt) {
					t.Errorf("a snapshot: error %v, wanted ErrCorrupt", err)
				}
				mustFlush(t, s)
				mustClose(t, s)
			}
			if diff := cmp.Diff(before, folderContent(t, dir)); diff != "" {
				t.Errorf("the folder has changed:\n%s", diff)
			}
		})
	}
}

func cut(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-100)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func drop(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// only returns the one file that a pattern matches.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %v, error %v, wanted one file", pattern, names, err)
	}
	return names[0]
}
