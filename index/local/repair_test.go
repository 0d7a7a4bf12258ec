package local

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
	"engram/index/internal/disk"
)

const (
	shownDim  = 24
	shownRows = 220 // of the smaller segment; the other has five times as many
)

// everyFile makes an index with a file of every kind: two segments with graphs, tokens and
// field indexes, tombstones, and a log, as a process that was killed leaves it. It returns
// its items.
func everyFile(t *testing.T) (dir string, items map[index.ID]index.Item) {
	t.Helper()
	format := index.TokenFormat{Kind: index.TokensInt8, Count: 1, Dim: 8}
	s, err := Create(filepath.Join(t.TempDir(), "writing"), Options{
		Dim: shownDim, Tokens: format, Space: space.Space{Name: "test 1", Fingerprint: "abc"}, Indexes: map[string]index.PayloadKind{"n": index.Integer},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.graphRows, s.segmentRows = shownRows, math.MaxInt
	rng := rand.New(rand.NewPCG(5, 5))
	write := func(from, n int) {
		var items []index.Item
		for i := range n {
			item := index.Item{ID: index.ID(from + i), Vector: make([]float32, shownDim), Payload: index.Payload{"n": int64((from + i) % 7)}}
			for j := range item.Vector {
				item.Vector[j] = float32(rng.NormFloat64())
			}
			item.Tokens = make([]byte, format.Size())
			item.Tokens[len(item.Tokens)-1] = byte(from + i)
			items = append(items, item)
		}
		if err := s.Upsert(t.Context(), items); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		if err := s.BeginBulk(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(1+10*shownRows*i, shownRows*(1+4*i)) // one merges neither with the other
		if err := s.EndBulk(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, s, 3, 4, 5, 10*shownRows+7)
	mustLog(t, s, Synced)
	write(1, 2) // replaces items of the first segment
	write(100*shownRows, 3)
	items = map[index.ID]index.Item{}
	for item, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		items[item.ID] = item
	}
	dir = filepath.Join(t.TempDir(), "index")
	if err := os.CopyFS(dir, os.DirFS(s.folder.Path)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	return dir, items
}

// damages returns ways to damage a file of a size: a bit is flipped, the end is torn off, a
// block is zeros, or there is nothing.
func damages(size int64) map[string]func(b []byte) []byte {
	all := map[string]func([]byte) []byte{
		"emptied": func([]byte) []byte { return nil },
		"torn":    func(b []byte) []byte { return b[:len(b)-1] },
		"halved":  func(b []byte) []byte { return b[:len(b)/2] },
	}
	places := []int64{0, 9, 13, 61, size / 2, size - 1}
	for block := int64(4096); block < size; block += max(4096, size/8/4096*4096) {
		places = append(places, block+900)
	}
	for _, at := range places {
		if at < size {
			all[fmt.Sprintf("flipped at %d", at)] = func(b []byte) []byte { b[at] ^= 0x42; return b }
		}
	}
	if size > 3*4096 {
		all["a block of zeros"] = func(b []byte) []byte { clear(b[4096*(size/8192):][:4096]); return b }
	}
	return all
}

// Whatever is damaged in whatever file: it is told with the file, no answer is wrong, and
// a repair keeps every item that is sound, says what is lost, and leaves a whole index.
func TestEveryDamageIsToldAndRepaired(t *testing.T) {
	dir, items := everyFile(t)
	kinds := map[string]bool{}
	for name, size := range files(t, dir) {
		if name == disk.LockName {
			continue
		}
		kinds[filepath.Ext(name)] = true
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all := damages(size)
		for _, what := range slices.Sorted(maps.Keys(all)) {
			t.Run(name+" "+what, func(t *testing.T) {
				damaged := filepath.Join(t.TempDir(), "index")
				linkFiles(t, dir, damaged, name)
				if err := os.WriteFile(filepath.Join(damaged, name), all[what](slices.Clone(content)), 0o666); err != nil {
					t.Fatal(err)
				}
				d := damagedIndex{dir: damaged, file: name, items: items}
				if d.checkOpen(t) {
					d.checkRepair(t)
				}
			})
		}
	}
	if want := map[string]bool{"": true, ".seg": true, ".tok": true, ".graph": true, ".fld": true, ".dead": true, ".log": true}; !maps.Equal(kinds, want) {
		t.Errorf("files of kinds %v, wanted %v", kinds, want)
	}
}

// linkFiles makes a folder with the files of another, which are not to be changed, but for
// one.
func linkFiles(t *testing.T, from, to, but string) {
	t.Helper()
	if err := os.Mkdir(to, 0o777); err != nil {
		t.Fatal(err)
	}
	for name := range files(t, from) {
		if name == but || name == disk.LockName {
			continue
		}
		if err := os.Link(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// damagedIndex is an index with one damaged file.
type damagedIndex struct {
	dir, file string
	items     map[index.ID]index.Item // before
}

// checkOpen opens the index for reading: what is found is right, and the damage is told. It
// reports whether the index can be repaired.
func (d damagedIndex) checkOpen(t *testing.T) bool {
	t.Helper()
	s, err := OpenReadOnly(d.dir)
	if err != nil {
		if d.file != disk.ManifestName || !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), d.file) {
			t.Fatalf("opening: error %v", err)
		}
		_, err := Repair(t.Context(), d.dir, RepairOptions{})
		if err != nil && (!errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "restore a snapshot, or build")) {
			t.Fatalf("repair: error %v", err)
		}
		return err == nil
	}
	defer s.Close()
	if err := s.Verify(t.Context()); err == nil && strings.HasSuffix(d.file, ".log") {
		return d.checkSpare(t, s)
	} else if !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), d.file) {
		t.Errorf("Verify: error %v, wanted ErrCorrupt with %s", err, d.file)
	}
	d.checkAnswers(t, s)
	d.checkNoSnapshot(t, s)
	return true
}

// checkNoSnapshot: damage is not copied, and the error says once what it is.
func (d damagedIndex) checkNoSnapshot(t *testing.T, s *Store) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	err := s.Snapshot(t.Context(), copied)
	if !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), d.file) || !strings.Contains(err.Error(), "engram index repair") {
		t.Fatalf("a snapshot: error %v, wanted ErrCorrupt with %s", err, d.file)
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Count(line, index.ErrCorrupt.Error()) > 1 || strings.Count(line, "/"+d.file+":") > 1 {
			t.Errorf("a snapshot: the error says something twice: %s", line)
		}
	}
	if _, err := os.Stat(copied); err == nil {
		t.Error("a snapshot of a damaged index has left a folder")
	}
}

// checkSpare checks that nothing is lost: what is damaged is in the log twice, or is not
// used. There is nothing to repair.
func (d damagedIndex) checkSpare(t *testing.T, s *Store) bool {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil || info.Count != len(d.items) || info.Damage != "" {
		t.Errorf("the index says of itself %+v, error %v, wanted %d items", info, err, len(d.items))
	}
	d.checkAnswers(t, s)
	return false
}

// checkAnswers compares all that the store says with the items.
func (d damagedIndex) checkAnswers(t *testing.T, s *Store) {
	t.Helper()
	for item, err := range s.All(t.Context()) {
		if err != nil {
			d.told(t, err)
			break
		}
		d.same(t, item)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range 6 {
		q := index.Query{Vector: make([]float32, shownDim), K: 5, Exact: i%2 == 0}
		for j := range q.Vector {
			q.Vector[j] = float32(rng.NormFloat64())
		}
		if i > 3 {
			q.Filter = index.Equal{Key: "n", Value: int64(3)}
		}
		hits, err := s.Search(t.Context(), q)
		if err != nil {
			d.told(t, err)
		}
		unit, _ := index.Unit(q.Vector, shownDim)
		for _, h := range hits {
			item, there := d.items[h.ID]
			if d.revived() && (!there || h.ID < 3) {
				continue // see same
			}
			score := 0.
			for j, x := range item.Vector {
				score += float64(x) * float64(unit[j])
			}
			if !there || math.Abs(score-float64(h.Score)) > .01 {
				t.Errorf("item %d is found with the score %v, its cosine is %v", h.ID, h.Score, score)
			}
			if q.Filter != nil && item.Payload["n"] != int64(3) {
				t.Errorf("item %d is found, whose payload is %v", h.ID, item.Payload)
			}
		}
	}
}

// told refuses an error that is not damage of the file.
func (d damagedIndex) told(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), d.file) {
		t.Errorf("error %v, wanted ErrCorrupt with %s", err, d.file)
	}
}

// revived are items that were deleted, which come back where the file says so.
func (d damagedIndex) revived() bool {
	return strings.HasSuffix(d.file, ".dead") || strings.HasSuffix(d.file, ".log") || d.file == disk.ManifestName
}

func (d damagedIndex) same(t *testing.T, item index.Item) {
	t.Helper()
	before, there := d.items[item.ID]
	if !there && d.revived() {
		return
	}
	// Where records of the log are lost, an item can be as it was before them.
	if diff := cmp.Diff(before, item); diff != "" && (!d.revived() || item.ID > 2) {
		t.Errorf("item %d (-want +got):\n%s", item.ID, diff)
	}
}

// checkRepair repairs the index: what the report says is so.
func (d damagedIndex) checkRepair(t *testing.T) {
	t.Helper()
	before := folderContent(t, d.dir)
	planned, err := Repair(t.Context(), d.dir, RepairOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, folderContent(t, d.dir)); diff != "" {
		t.Fatalf("the plan has changed the folder:\n%.500s", diff)
	}
	report, err := Repair(t.Context(), d.dir, RepairOptions{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	planned.Repaired = true
	if diff := cmp.Diff(planned, report); diff != "" || len(report.Faults) == 0 {
		t.Errorf("planned and done (-want +got):\n%s", diff)
	}
	s := mustOpen(t, d.dir)
	defer s.Close()
	if err := s.Verify(t.Context()); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	left := 0
	ids := []index.ID{}
	for item, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		d.same(t, item)
		if _, there := d.items[item.ID]; there {
			left++
		}
		ids = append(ids, item.ID)
	}
	tokens, err := s.Tokens(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if tokens[i][len(tokens[i])-1] != byte(id) {
			t.Errorf("item %d has the tokens %v", id, tokens[i])
		}
	}
	if report.Items != len(ids) || left+report.Lost < len(d.items) && report.LostRecords == 0 {
		t.Errorf("%d of %d items are left, and %d in all, the report says %+v", left, len(d.items), len(ids), report)
	}
	if _, err := s.Delete(t.Context(), ids[:1]); err != nil {
		t.Errorf("a write after the repair: %v", err)
	}
	if strings.HasSuffix(d.file, ".graph") || strings.HasSuffix(d.file, ".fld") {
		if report.Lost > 0 || report.Items != len(d.items) {
			t.Errorf("what is made from the rows was damaged, the report says %+v", report)
		}
	}
	d.checkAnswers(t, s)
}

// A second repair of a whole index does nothing.
func TestAWholeIndexIsNotRepaired(t *testing.T) {
	dir, items := everyFile(t)
	before := folderContent(t, dir)
	report, err := Repair(t.Context(), dir, RepairOptions{Write: true})
	if err != nil || report.Repaired || len(report.Faults) > 0 || report.Items != len(items) {
		t.Errorf("report %+v, error %v", report, err)
	}
	if diff := cmp.Diff(before, folderContent(t, dir)); diff != "" {
		t.Errorf("the folder has changed:\n%.500s", diff)
	}
	if _, err := Repair(t.Context(), t.TempDir(), RepairOptions{Write: true}); !errors.Is(err, index.ErrNotFound) {
		t.Errorf("error %v, wanted ErrNotFound", err)
	}
}

// A manifest that is believed in spite of its checksum hides nothing: what it no longer
// names is told.
func TestADamagedManifestHidesNothing(t *testing.T) {
	dir, _ := twoSegments(t)
	s := mustOpen(t, dir)
	mustLog(t, s, Synced)
	put(t, s, 1, 20)
	damaged := filepath.Join(t.TempDir(), "index")
	linkFiles(t, dir, damaged, disk.ManifestName)
	content, err := os.ReadFile(filepath.Join(dir, disk.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	believed := 0
	for bit := range 8 * len(content) {
		flipped := slices.Clone(content)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(filepath.Join(damaged, disk.ManifestName), flipped, 0o666); err != nil {
			t.Fatal(err)
		}
		report, err := Repair(t.Context(), damaged, RepairOptions{})
		if err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("bit %d of byte %d: error %v", bit%8, bit/8, err)
			}
			continue
		}
		believed++
		told := report.Lost > 0 || report.LostRecords > 0 || strings.Contains(report.Faults[0].Remedy, "left out")
		if report.Items != 7 && !told {
			t.Errorf("bit %d of byte %d: %+v, want 7 items", bit%8, bit/8, report)
		}
	}
	if believed == 0 {
		t.Error("no manifest is believed")
	}
}
