package local

import (
	"io/fs"
	"path/filepath"
	"testing"

	"engram/index"
)

// size is the bytes of the files of an index.
func size(t *testing.T, s *Store) (bytes int64) {
	t.Helper()
	if err := filepath.WalkDir(s.folder.Path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return bytes
}

// Half of the items are deleted, by one call or by many. The disk has room again without a
// flush or any other call.
func TestDeletesGiveSpaceBack(t *testing.T) {
	for _, calls := range []int{1, 50} {
		for _, d := range []Durability{AtFlush, Grouped} {
			s := mustCreate(t, t.TempDir(), 64)
			mustLog(t, s, d)
			var items []index.Item
			var odd []index.ID
			for id := range index.ID(10_000) {
				v := make([]float32, 64)
				v[id%64] = 1
				items = append(items, index.Item{ID: id, Vector: v, Payload: index.Payload{"version": int64(id)}})
				if id%2 == 1 {
					odd = append(odd, id)
				}
			}
			if err := s.Upsert(t.Context(), items); err != nil {
				t.Fatal(err)
			}
			mustFlush(t, s)
			before := size(t, s)
			for part := range calls {
				if n, err := s.Delete(t.Context(), odd[part*len(odd)/calls:(part+1)*len(odd)/calls]); err != nil || n != len(odd)/calls {
					t.Fatalf("%d were deleted, error %v", n, err)
				}
			}
			join(s)
			if after := size(t, s); after > before*2/3 { // up to two in five rows of a segment may be dead
				t.Errorf("%d calls, durability %s: %d bytes of %d are left after half was deleted", calls, d, after, before)
			}
			if n := len(versions(t, s)); n != len(items)/2 {
				t.Errorf("%d items are left, want %d", n, len(items)/2)
			}
			mustClose(t, s)
		}
	}
}

// Items that are replaced over and over do not make the log longer and longer, though few
// rows are in memory.
func TestTheLogOfReplacedRowsIsCut(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	s.maxLog = 10_000
	mustLog(t, s, Logged)
	for v := range int64(1000) {
		put(t, s, v, 1, 2, 3)
	}
	join(s)
	if bytes := size(t, s); bytes > 2*s.maxLog+20_000 {
		t.Errorf("the index of 3 items has %d bytes", bytes)
	}
	mustClose(t, s)
}
