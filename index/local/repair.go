package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
	"engram/index/internal/wal"
)

// DamagedFolder is the name of the folder in an index where repairs keep damaged files.
const DamagedFolder = "damaged"

// RepairOptions says what a repair does.
type RepairOptions struct {
	// Write repairs the index. Without it, Repair only says what it would do.
	Write bool
	// Watch is told how many segments have been checked.
	Watch progress.Func
}

// Repair makes a damaged index whole again, with all items that are not damaged
// themselves. It checks every byte. Codes, graphs and field indexes that are damaged are
// made again from vectors and payloads; of a segment whose vectors, payloads or tokens are
// damaged the other items are kept; a segment that cannot be read at all is taken out.
// Damaged files are kept in DamagedFolder. Nothing is written before the whole plan is
// known, and the index changes in one step: a repair that is interrupted can be begun again.
//
// A manifest that does not match its checksum is believed where it makes sense, and the
// report has the names of the files that are left out. One that makes no sense is
// index.ErrCorrupt: the index cannot be repaired. Other errors are as for Open.
func Repair(ctx context.Context, dir string, opts RepairOptions) (*index.RepairReport, error) {
	files, err := disk.OpenForRepair(dir, opts.Write)
	if errors.Is(err, index.ErrCorrupt) {
		return nil, fmt.Errorf("it cannot be repaired, as no other file says which of them are the index or whose vectors it has: "+
			"restore a snapshot, or build the index anew: %w", err)
	}
	if err != nil {
		return nil, err
	}
	r := &repair{files: files, report: &index.RepairReport{Index: dir, Faults: []index.Fault{}}, left: map[*segment]bool{}}
	parts, err := r.check(ctx, opts.Watch)
	if err != nil {
		return nil, errors.Join(err, files.Close())
	}
	if r.store, err = newStoreOf(files, parts); err != nil {
		return nil, err
	}
	r.addRecords()
	report, err := r.run(ctx, opts.Write)
	r.store.recovery = Recovery{Damage: []error{index.ErrCorrupt}} // Close leaves the index as it is
	return report, errors.Join(err, r.store.Close())
}

// repair is a repair under way.
type repair struct {
	files  *disk.Files
	store  *Store
	report *index.RepairReport
	left   map[*segment]bool // of damaged segments, whose rows are to be written anew
	kept   []string          // names of damaged files, which are to be kept
}

// add notes a fault.
func (r *repair) add(damage error, lost int, format string, args ...any) {
	r.report.Faults = append(r.report.Faults, index.Fault{Damage: damage.Error(), Remedy: fmt.Sprintf(format, args...), Lost: lost})
	r.report.Lost += lost
}

// check verifies every segment, and returns the parts of the index without what is lost.
func (r *repair) check(ctx context.Context, watch progress.Func) ([]part, error) {
	m := r.files.Manifest
	if err := r.addManifest(); err != nil {
		return nil, err
	}
	done := watch.Stage("checking", "segments", int64(len(m.Segments)))
	var parts, memory, undead []part
	for i, s := range r.files.Segments {
		done(int64(i), int64(len(m.Segments)))
		damage := s.VerifyRows(ctx)
		if damage == nil {
			p, err := r.checkDerived(ctx, storedPart(s))
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
			continue
		}
		if !errors.Is(damage, index.ErrCorrupt) {
			return nil, damage
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
		r.files.Damaged = append(r.files.Damaged, disk.DamagedSegment{Record: s.Record, Err: damage})
	}
	r.files.Segments = nil // the parts have them
	for _, d := range r.files.Damaged {
		p, coded, withoutDead, err := r.salvage(ctx, d)
		if err != nil {
			return nil, err
		}
		parts, memory = append(parts, p...), append(memory, coded...)
		if withoutDead {
			undead = append(undead, p...)
		}
	}
	r.files.Damaged = nil
	parts = append(parts, memory...)
	for _, p := range undead {
		bury(parts, p.segment)
	}
	return parts, nil
}

// addManifest notes that the manifest is damaged, with the files that it does not name: a
// damaged number may have hidden them.
func (r *repair) addManifest() error {
	m := r.files.Manifest
	if r.files.ManifestDamage == nil {
		return nil
	}
	unnamed, err := r.files.Folder.Unnamed(m)
	if err != nil {
		return err
	}
	files := "it names all files"
	if len(unnamed) > 0 {
		files = fmt.Sprintf("what is in %s, which it does not name, is left out and kept in %s", strings.Join(unnamed, ", "), DamagedFolder)
	}
	segments := "segments"
	if len(m.Segments) == 1 {
		segments = "segment"
	}
	r.add(r.files.ManifestDamage, 0, "what it says is believed: %d %s of dimension %d by model %s; %s", len(m.Segments), segments, m.Dim, m.Space, files)
	return nil
}

// checkDerived verifies the graph and the field indexes of a segment, which are made from
// its rows, and takes them out of the part where they are damaged.
func (r *repair) checkDerived(ctx context.Context, p part) (part, error) {
	graph, fields := p.segment.VerifyGraph(ctx), p.segment.VerifyIndexes(ctx)
	for _, err := range []error{graph, fields} {
		if err != nil && !errors.Is(err, index.ErrCorrupt) {
			return p, err
		}
	}
	if graph != nil {
		p.segment.graph = 0
		r.add(graph, 0, "the graph is built again")
	}
	if fields != nil {
		p.segment.fields, p.segment.stored = 0, nil
		r.add(fields, 0, "the field indexes are made again")
	}
	return p, nil
}

// salvage returns what is left of a damaged segment: its sound rows, and rows in memory
// that got new codes.
func (r *repair) salvage(ctx context.Context, d disk.DamagedSegment) (rows, coded []part, withoutDead bool, err error) {
	r.kept = append(r.kept, disk.SegmentName(d.Record.File))
	if r.files.Manifest.Tokens.Kept() {
		r.kept = append(r.kept, disk.TokensName(d.Record.File))
	}
	if d.Record.Dead != 0 {
		r.kept = append(r.kept, disk.TombstonesName(d.Record.Dead))
	}
	left, err := r.files.Salvage(ctx, d.Record)
	if errors.Is(err, index.ErrCorrupt) {
		r.add(err, d.Record.Rows, "the segment is taken out, with %d items at most", d.Record.Rows)
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	p := part{segment: &segment{Segment: left.Segment, file: d.Record.File}, dead: left.Dead, live: len(left.IDs) - left.Dead.Count()}
	r.left[p.segment] = true
	remedy := fmt.Sprintf("%d of %d rows are written anew", p.live, len(left.IDs))
	if left.Coded != nil {
		n := len(left.Coded.IDs)
		coded = []part{{segment: &segment{Segment: left.Coded}, live: n}}
		remedy = fmt.Sprintf("%d of %d rows are written anew, %d of them with new codes", p.live+n, len(left.IDs), n)
	}
	if left.WithoutDead {
		remedy += "; items of it that were deleted are there again"
	}
	r.report.LostIDs = append(r.report.LostIDs, left.LostIDs...)
	r.add(d.Err, left.Lost, "%s", remedy)
	return []part{p}, coded, left.WithoutDead, nil
}

// bury marks the rows of a segment without tombstones as dead whose ids are live in other
// parts: an id is live in one part only, and these items were replaced.
func bury(parts []part, of *segment) {
	at := slices.IndexFunc(parts, func(p part) bool { return p.segment == of })
	p := &parts[at]
	for row, id := range p.segment.IDs {
		elsewhere := func(q part) bool {
			_, live := q.find(id)
			return live && q.segment != of
		}
		if !p.dead.Has(row) && slices.ContainsFunc(parts, elsewhere) {
			p.dead.Set(row)
			p.live--
		}
	}
}

// addRecords notes the records of the log that are lost.
func (r *repair) addRecords() {
	for _, err := range r.store.recovery.Damage {
		r.report.LostRecords++
		r.add(err, 0, "the writes that were there are left out")
	}
}

// run repairs the index where write is set and anything is damaged.
func (r *repair) run(ctx context.Context, write bool) (*index.RepairReport, error) {
	s, report := r.store, r.report
	report.Items = s.current.Load().count
	if !write || len(report.Faults) == 0 {
		return report, nil
	}
	if err := r.keep(); err != nil {
		return nil, err
	}
	s.recovery = Recovery{}
	s.bulk = true // no graph is built in the background meanwhile
	s.flusher.Lock()
	frozen, err := s.freeze(true)
	if err == nil {
		err = s.flushFrozen(ctx, frozen, flushing{plan: r.plan})
	}
	s.flusher.Unlock()
	if err != nil {
		return nil, err
	}
	report.Repaired = true
	return report, r.buildGraphs(ctx)
}

// plan keeps sound segments as they are, and merges the rest.
func (r *repair) plan(_ context.Context, parts []part) (kept, merged []part, err error) {
	for _, p := range parts {
		switch {
		case p.live == 0:
		case p.inMemory() || r.left[p.segment]:
			merged = append(merged, p)
		default:
			kept = append(kept, p)
		}
	}
	return kept, merged, nil
}

// buildGraphs builds the graphs of segments that are large enough for one and have none.
func (r *repair) buildGraphs(ctx context.Context) error {
	for {
		due := r.store.current.Load().withoutGraph(r.store).segment
		if due == nil {
			return nil
		}
		due.tried = true
		if err := r.store.buildGraph(ctx, due); err != nil {
			return err
		}
	}
}

// keep puts damaged files, logs, and files that a damaged manifest does not name into
// DamagedFolder.
func (r *repair) keep() error {
	m, from := r.files.Manifest, r.files.Folder
	names := r.kept
	if r.store.recovery.Damage != nil {
		logs, err := wal.Names(from.Path, m.Log)
		if err != nil {
			return err
		}
		names = append(names, logs...)
	}
	if r.files.ManifestDamage != nil {
		unnamed, err := from.Unnamed(m)
		if err != nil {
			return err
		}
		names = append(append(names, disk.ManifestName), unnamed...)
	}
	if len(names) == 0 {
		return nil
	}
	to := disk.Folder{Path: filepath.Join(from.Path, DamagedFolder), FS: from.FS}
	if err := vfs.MkdirAllFS(to.FS, to.Path, 0o777); err != nil {
		return err
	}
	for _, name := range names {
		if err := keepFile(filepath.Join(from.Path, name), to, name); err != nil {
			return err
		}
	}
	return to.Sync()
}

// keepFile copies a file into a folder, where the file system can by another name for it.
// A file that is missing is passed over.
func keepFile(path string, to disk.Folder, name string) error {
	target := filepath.Join(to.Path, name)
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a repair that was interrupted
		return err
	}
	if err := os.Link(path, target); err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	err = to.Write(name, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
	return errors.Join(err, from.Close())
}
