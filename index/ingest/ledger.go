package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// LedgerName is the name of the ledger in its folder.
const LedgerName = "build.jsonl"

// Ledger says how far the build of an index has come, shard by shard. It is a
// file of lines, each a checksum and a JSON object, that only ever grows:
//
//	shards begun, before their first row is stored
//	rows settled, after the store has flushed them
//	the end of a run that has gone through all shards
//
// So whatever a crash leaves behind, the store holds at least what the ledger
// says, and what it holds beyond that has the same ids the next time. A last
// line that is torn was never acted upon, and is cut off.
type Ledger struct {
	file   vfs.File
	size   int64 // where the next line goes
	shards map[string]*state
	end    *end // of the last run that came to its end
}

// entry is one line of the file; one of its fields is set.
type entry struct {
	Shard *record `json:"shard,omitempty"`
	End   *end    `json:"end,omitempty"`
}

// record says that the rows of a shard from number From up to Next are settled.
// One with From 0 begins anew.
type record struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	From        int    `json:"from"`
	Next        int    `json:"next"`
	Done        bool   `json:"done,omitempty"` // Next is the end
	// Stale: the store may hold rows of what the shard was before.
	Stale bool `json:"stale,omitempty"`
	// Gone: the shard and its rows are no longer there.
	Gone    bool    `json:"gone,omitempty"`
	Damaged string  `json:"damaged,omitempty"` // why the shard could not be read beyond Next
	counts          // of the rows From to Next
	Bad     []Bad   `json:"bad,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // since the shard was begun
}

// end is the end of a run.
type end struct {
	Part   Part   `json:"part"`
	Shards int    `json:"shards"` // in the source, all parts together
	List   string `json:"list"`   // fingerprint of their names and fingerprints
}

// state is what the lines so far say of a shard.
type state struct {
	record
	bad []int // the numbers of bad rows, ascending
}

// OpenLedger opens the ledger in a folder, or begins one. ErrLocked says
// that another process has it open, ErrCorrupt that a line in its midst is
// damaged.
func OpenLedger(dir string) (*Ledger, error) { return OpenLedgerFS(vfs.OS{}, dir) }

// OpenLedgerFS is OpenLedger on a file system.
func OpenLedgerFS(fsys vfs.FS, dir string) (*Ledger, error) {
	path := filepath.Join(dir, LedgerName)
	folder := disk.Folder{Path: dir, FS: fsys}
	file, err := folder.Lock(LedgerName)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	l := &Ledger{file: file, shards: map[string]*state{}}
	err = l.load()
	if err == nil {
		err = folder.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("build: %s: %w", path, err), file.Close())
	}
	return l, nil
}

// load reads the lines, cuts a torn one off, and makes the others durable: the
// process that wrote them may have been killed before it could.
func (l *Ledger) load() error {
	reader := bufio.NewReaderSize(l.file, 1<<16)
	for n := 1; ; n++ {
		text, err := reader.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return err
		}
		var e entry
		if problem := e.parse(text); problem != nil {
			if _, err := reader.Peek(1); err == io.EOF {
				break
			}
			return fmt.Errorf("line %d %w; without the file, a build goes through all shards again", n, problem)
		}
		if err := l.apply(e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		l.size += int64(len(text))
	}
	if err := l.file.Truncate(l.size); err != nil {
		return err
	}
	return l.file.Sync()
}

// castagnoli is the table of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// text returns the line as it is written.
func (e entry) text() ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, castagnoli), body), nil
}

// parse reads a line; its error completes a sentence.
func (e *entry) parse(text []byte) error {
	sum, body, ok := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte(" "))
	if !ok || !bytes.HasSuffix(text, []byte("\n")) || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) {
		return fmt.Errorf("does not match its checksum: %w", index.ErrCorrupt)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(e); err != nil {
		return fmt.Errorf("is not what this program writes: %w: %w", err, index.ErrCorrupt)
	}
	return nil
}

// append writes lines and makes them durable. Where that fails it takes them back,
// so that the next lines do not follow half a one.
func (l *Ledger) append(entries ...entry) error {
	var text []byte
	for _, e := range entries {
		t, err := e.text()
		if err != nil {
			return err
		}
		text = append(text, t...)
	}
	if len(entries) == 0 {
		return nil
	}
	_, err := l.file.WriteAt(text, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(text))
	for _, e := range entries {
		if err := l.apply(e); err != nil {
			return err
		}
	}
	return nil
}

// apply takes a line into the states.
func (l *Ledger) apply(e entry) error {
	if e.End != nil {
		l.end = e.End
	}
	r := e.Shard
	if r == nil {
		return nil
	}
	if r.Gone {
		delete(l.shards, r.Name)
		return nil
	}
	s := l.shards[r.Name]
	if s == nil || r.From == 0 {
		s = &state{}
		l.shards[r.Name] = s
	}
	if r.From != s.Next {
		return fmt.Errorf("shard %s goes on at row %d, it had come to row %d: %w", r.Name, r.From, s.Next, index.ErrCorrupt)
	}
	sum, bad := s.counts, s.bad
	sum.add(r.counts)
	for _, b := range r.Bad {
		bad = append(bad, b.Row)
	}
	*s = state{record: *r, bad: bad}
	s.counts, s.Bad = sum, nil
	return nil
}

// each calls do with every line of the file.
func (l *Ledger) each(do func(entry) error) error {
	reader := bufio.NewReaderSize(io.NewSectionReader(l.file, 0, l.size), 1<<16)
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var e entry
		if err == nil {
			err = e.parse(text)
		}
		if err == nil {
			err = do(e)
		}
		if err != nil {
			return fmt.Errorf("build: a line of %s: %w", l.file.Name(), err)
		}
	}
}

// state returns what is known of a shard, nil where that is nothing.
func (l *Ledger) state(shard string) *state {
	if l == nil {
		return nil
	}
	return l.shards[shard]
}

// Close closes the file and gives up its lock.
func (l *Ledger) Close() error { return l.file.Close() }
