package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/wal"
)

// LockName is the name of the file whose lock the process holds that has the
// index open for writing.
const LockName = "lock"

// Files are the open files of an index: all that its manifest names.
type Files struct {
	Folder   Folder
	Lock     vfs.File // closing it gives the lock back; nil of files that are only read
	Manifest Manifest
	Segments []StoredSegment // in the manifest's order
	// Damaged are the segments that the manifest names and that could not be opened. Where
	// there are any, nothing in the folder is changed.
	Damaged []DamagedSegment
	Log     wal.Chain // what was written since the segments
	// ManifestDamage says that the manifest does not match its checksum and was read all
	// the same (see OpenForRepair).
	ManifestDamage error

	// settled says that a file that is missing is damage, and was not removed by a
	// writer.
	settled bool
	repair  bool // a manifest that does not match its checksum is read all the same
}

// DamagedSegment is a segment that cannot be used.
type DamagedSegment struct {
	Record SegmentRecord
	Err    error // says which file, index.ErrCorrupt
}

// StoredSegment is an open segment with the rows of it that were deleted.
type StoredSegment struct {
	*Segment
	Record SegmentRecord
	Dead   column.Bits // nil where no row was
}

// Open opens the files of the index in the folder dir for writing, and sweeps what
// a process that ended early has left: index.ErrNotFound where there is no index,
// index.ErrLocked where a process has it open for writing, index.ErrCorrupt where
// the manifest is damaged. Files.Damaged has segments that are.
func Open(fsys vfs.FS, dir string) (_ *Files, err error) {
	if _, err := ReadManifest(dir); err != nil { // or else the lock file would be made
		return nil, err
	}
	f := &Files{Folder: Folder{Path: dir, FS: fsys}, settled: true}
	if f.Lock, err = f.Folder.Lock(LockName); err != nil {
		return nil, err
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// OpenForRepair opens the files of an index as Open does, where the manifest does not
// match its checksum too, as long as it can be read. It changes nothing, and takes the
// lock where write is set.
func OpenForRepair(dir string, write bool) (_ *Files, err error) {
	if _, err := os.Stat(filepath.Join(dir, ManifestName)); err != nil { // or else the lock file would be made
		_, err = ReadManifest(dir)
		return nil, err
	}
	f := &Files{Folder: Folder{Path: dir, FS: vfs.OS{}}, settled: true, repair: true}
	if write {
		if f.Lock, err = f.Folder.Lock(LockName); err != nil {
			return nil, err
		}
	}
	if err := f.openNamed(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// OpenReadOnly opens the files of the index in the folder dir as its manifest
// names them now, without the lock and without changing anything. Errors are as
// for Open, without index.ErrLocked.
func OpenReadOnly(dir string) (*Files, error) {
	settled := false
	for {
		f := &Files{Folder: Folder{Path: dir, FS: vfs.OS{}}, settled: settled}
		failed := f.openNamed()
		if failed == nil && !f.damaged() {
			return f, nil
		}
		// A writer may have replaced the manifest and removed its files before they
		// were open. Where it has not, what is missing is damage.
		now, err := ReadManifest(dir)
		same := err == nil && now.Log == f.Manifest.Log && reflect.DeepEqual(now.Segments, f.Manifest.Segments)
		if failed == nil && same {
			return f, nil
		}
		_ = f.Close() // nothing was written
		if err != nil || same && settled {
			return nil, cmp.Or(failed, err)
		}
		settled = same
	}
}

// damaged reports whether items or records are lost.
func (f *Files) damaged() bool { return len(f.Damaged) > 0 || len(f.Log.Damage) > 0 }

// open opens what the manifest names, under the lock.
func (f *Files) open() error {
	// The manifest is read again: it may have changed before the lock was taken.
	if err := f.openNamed(); err != nil {
		return err
	}
	// The process that wrote the manifest may have ended before it synced the
	// folder. Until the manifest's name is durable, the files of the one before it
	// must stay, and a flush must not say that all is durable.
	if err := f.Folder.Sync(); err != nil {
		return err
	}
	if f.damaged() {
		return nil // all stays as it is
	}
	if err := f.Log.CutTorn(f.Folder.FS); err != nil {
		return err
	}
	return f.Folder.Sweep(f.Manifest)
}

// openNamed reads the manifest and opens what it names.
func (f *Files) openNamed() (err error) {
	if f.Manifest, err = readManifest(f.Folder.Path); errors.Is(err, errChecksum) && f.repair {
		f.ManifestDamage = err
	} else if err != nil {
		return err
	}
	if err := f.Manifest.readOldOrigin(f.Folder.Path); err != nil {
		return err
	}
	for _, r := range f.Manifest.Segments {
		switch err := f.openSegment(r); {
		case errors.Is(err, index.ErrCorrupt), err != nil && f.settled && errors.Is(err, fs.ErrNotExist):
			f.Damaged = append(f.Damaged, DamagedSegment{r, missing(err)})
		case err != nil:
			return err
		}
	}
	f.Log, err = f.Manifest.readLog(f.Folder.Path)
	return err
}

// readLog reads the logs that come on top of the segments.
func (m Manifest) readLog(dir string) (wal.Chain, error) {
	if m.Log == 0 {
		return wal.Chain{}, nil
	}
	return wal.Read(dir, m.Log)
}

func (f *Files) openSegment(r SegmentRecord) error {
	opened, err := OpenSegment(filepath.Join(f.Folder.Path, SegmentName(r.File)))
	if err != nil {
		return err
	}
	s := StoredSegment{Segment: opened, Record: r}
	if f.Manifest.Tokens.Kept() {
		err = opened.OpenTokens(filepath.Join(f.Folder.Path, TokensName(r.File)), f.Manifest.Tokens.Size())
	}
	if err == nil && r.Graph != 0 {
		err = f.withoutDamage(opened.OpenGraph(filepath.Join(f.Folder.Path, GraphName(r.Graph))))
	}
	if err == nil && r.Fields != 0 {
		err = f.withoutDamage(opened.OpenIndexes(filepath.Join(f.Folder.Path, FieldsName(r.Fields))))
	}
	if err == nil {
		s.Dead, err = f.deadRows(opened, r)
	}
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	f.Segments = append(f.Segments, s)
	return nil
}

// deadRows returns the dead rows of a segment, which must be the one that the manifest
// means.
func (f *Files) deadRows(s *Segment, r SegmentRecord) (column.Bits, error) {
	if s.Dim != f.Manifest.Dim || len(s.IDs) != r.Rows {
		return nil, fmt.Errorf("segment %s has %d rows of dimension %d, the manifest says %d of %d: %w",
			s.file.Name(), len(s.IDs), s.Dim, r.Rows, f.Manifest.Dim, index.ErrCorrupt)
	}
	if r.Dead == 0 {
		return nil, nil
	}
	return ReadTombstones(filepath.Join(f.Folder.Path, TombstonesName(r.Dead)), r.Rows)
}

// withoutDamage returns an error of opening what is made from the rows of a segment,
// but for damage: until it is made again, rows are scanned and payloads are read.
func (f *Files) withoutDamage(err error) error {
	if errors.Is(err, index.ErrCorrupt) || f.settled && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Verify checks the manifest in the folder and the tombstones and logs that it names,
// which nobody may replace meanwhile.
func (f Folder) Verify() error {
	m, err := ReadManifest(f.Path)
	for _, r := range m.Segments {
		if r.Dead != 0 && err == nil {
			_, err = ReadTombstones(filepath.Join(f.Path, TombstonesName(r.Dead)), r.Rows)
		}
	}
	if err == nil {
		var log wal.Chain
		log, err = m.readLog(f.Path)
		err = errors.Join(append(log.Damage, err)...)
	}
	return err
}

// Close closes the segments and gives the lock back.
func (f *Files) Close() error {
	for _, s := range f.Segments {
		_ = s.Close() // mapped for reading
	}
	if f.Lock == nil {
		return nil
	}
	return f.Lock.Close()
}

// missing marks the error of a file that the manifest names and that is not
// there as damage.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", index.ErrCorrupt, err)
	}
	return err
}

// WriteManifest writes the manifest of the folder in one step. The new one is
// durable with Sync.
func (f Folder) WriteManifest(m Manifest) error {
	return f.Write(ManifestName, func(w io.Writer) error { return WriteManifest(w, m) })
}

// leftover matches the names of files that are swept when no manifest names
// them, and of no others.
var leftover = regexp.MustCompile(`^(manifest\.tmp|[0-9a-f]{16}\.(seg|tok|dead|graph|fld|log)(\.tmp)?)$`)

// Sweep removes files that were written for a manifest that never came, or that
// m has replaced.
func (f Folder) Sweep(m Manifest) error {
	names, err := f.Unnamed(m)
	for _, name := range names {
		if err := f.Remove(name); err != nil {
			return err
		}
	}
	return err
}

// Unnamed returns the names of the files of an index in the folder that m does not name.
func (f Folder) Unnamed(m Manifest) ([]string, error) {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, r := range m.Segments {
		used[SegmentName(r.File)] = true
		used[TokensName(r.File)] = m.Tokens.Kept()
		used[TombstonesName(r.Dead)] = true
		used[GraphName(r.Graph)] = true
		used[FieldsName(r.Fields)] = true
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); leftover.MatchString(name) && !used[name] && !wal.InChain(name, m.Log) {
			names = append(names, name)
		}
	}
	return names, nil
}

// An index in format 1 had the label "origin" in a file of its own.
const (
	originLabel   = "origin"
	oldOriginName = "origin.json"
)

// readOldOrigin takes the content of that file for the label, where there is one
// and the manifest has no such label.
func (m *Manifest) readOldOrigin(dir string) error {
	if _, labelled := m.Labels[originLabel]; labelled {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, oldOriginName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m.Labels = maps.Clone(m.Labels)
	if m.Labels == nil {
		m.Labels = map[string]string{}
	}
	m.Labels[originLabel] = strings.TrimSpace(string(text))
	return nil
}

// RemoveOldLabel removes the file that an index in format 1 had for a label, once
// the manifest has the label.
func (f Folder) RemoveOldLabel(name string) error {
	if name != originLabel {
		return nil
	}
	return ignoreMissing(f.Remove(oldOriginName))
}
