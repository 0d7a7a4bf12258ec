package disk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"engram/data/space"
	"engram/index"
	"engram/index/internal/bitmap"
	"engram/index/internal/column"
)

// ManifestName is the name of the manifest in the folder of an index.
const ManifestName = "manifest"

// Manifest says what an index is: which files, and whose vectors they hold.
type Manifest struct {
	Dim    int
	Space  space.Space
	Tokens index.TokenFormat
	Labels map[string]string // see index.Store
	Fields []bitmap.Field    // of payloads that new segments have indexes of, in ascending order
	Next   uint64            // number of the next file
	// Log is the number of the first log whose records come on top of the segments (see
	// package wal); 0: there is none.
	Log      uint64
	Segments []SegmentRecord
}

// manifestBody is a Manifest as it is written.
type manifestBody struct {
	Dim        int               `json:"dim"`
	Bundle     string            `json:"bundle"` // the fingerprint of the space
	BundleName string            `json:"bundle_name"`
	Tokens     *tokenRecord      `json:"tokens,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Fields     []bitmap.Field    `json:"fields,omitempty"`
	Next       uint64            `json:"next"`
	Log        uint64            `json:"log,omitempty"`
	Segments   []SegmentRecord   `json:"segments"`
}

// tokenRecord is an index.TokenFormat as it is written.
type tokenRecord struct {
	Kind  index.TokenKind `json:"kind"`
	Count int             `json:"count"`
	Dim   int             `json:"dim"`
}

// SegmentRecord names the files of one segment by their numbers.
type SegmentRecord struct {
	File  uint64 `json:"file"`            // see SegmentName
	Rows  int    `json:"rows"`            // rows, dead ones included
	Dead  uint64 `json:"dead,omitempty"`  // see TombstonesName; 0: no row is dead
	Graph uint64 `json:"graph,omitempty"` // see GraphName; 0: it has none
	// Fields is the number of its field indexes, see FieldsName; 0: it has none.
	Fields uint64 `json:"fields,omitempty"`
}

// SegmentName is the file name of the segment with a number.
func SegmentName(number uint64) string { return fmt.Sprintf("%016x.seg", number) }

// TombstonesName is the file name of the tombstones with a number.
func TombstonesName(number uint64) string { return fmt.Sprintf("%016x.dead", number) }

// manifestLine is the first line of a manifest: the version, and the checksum of
// "engram-index", the version and the JSON that follows.
func manifestLine(version int, body []byte) string {
	title := fmt.Sprintf("engram-index %d", version)
	return fmt.Sprintf("%s crc32c=%08x\n", title, crc32.Update(checksum([]byte(title)), castagnoli, body))
}

// WriteManifest writes m.
func WriteManifest(w io.Writer, m Manifest) error {
	b := manifestBody{
		Dim: m.Dim, Bundle: m.Space.Fingerprint, BundleName: m.Space.Name, Labels: m.Labels, Fields: m.Fields, Next: m.Next, Log: m.Log,
		Segments: m.Segments,
	}
	if m.Tokens.Kept() {
		b.Tokens = (*tokenRecord)(&m.Tokens)
	}
	body, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	body = append(body, '\n')
	_, err = io.WriteString(w, manifestLine(Version, body)+string(body))
	return err
}

// maxManifest bounds the bytes of a manifest: 100,000 segments and some labels.
const maxManifest = 16 << 20

// ReadManifest reads the manifest of the folder: ErrNotFound where there is
// none, ErrCorrupt where it is damaged.
func ReadManifest(folder string) (Manifest, error) {
	m, err := readManifest(folder)
	if err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// errChecksum says that a manifest does not match its checksum.
var errChecksum = fmt.Errorf("it does not match its checksum: %w", index.ErrCorrupt)

// readManifest is ReadManifest. The error errChecksum comes with what the manifest says,
// where that makes sense.
func readManifest(folder string) (Manifest, error) {
	path := filepath.Join(folder, ManifestName)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Manifest{}, fmt.Errorf("%s has no manifest: %w", folder, index.ErrNotFound)
	}
	if err != nil {
		return Manifest{}, err
	}
	if info.Size() > maxManifest {
		return Manifest{}, fmt.Errorf("%s has %d bytes, at most %d were expected: %w",
			path, info.Size(), maxManifest, index.ErrCorrupt)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, err
	}
	m, err := parseManifest(content)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// parseManifest is readManifest of bytes.
func parseManifest(content []byte) (Manifest, error) {
	line, body, _ := bytes.Cut(content, []byte("\n"))
	var version int
	if n, _ := fmt.Sscanf(string(line), "engram-index %d ", &version); n != 1 && !json.Valid(body) {
		return Manifest{}, fmt.Errorf("it does not begin as a manifest does: %w", index.ErrCorrupt)
	}
	sound := string(line)+"\n" == manifestLine(version, body)
	if sound && (version < 1 || version > Version) {
		return Manifest{}, versionError(version)
	}
	b, err := parseBody(body, sound)
	if err != nil && !sound {
		return Manifest{}, fmt.Errorf("it does not match its checksum, and does not parse: %w: %w", index.ErrCorrupt, err)
	} else if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", index.ErrCorrupt, err)
	}
	m := Manifest{
		Dim: b.Dim, Space: space.Space{Name: b.BundleName, Fingerprint: b.Bundle}, Labels: b.Labels,
		Fields: b.Fields, Next: b.Next, Log: b.Log, Segments: b.Segments,
	}
	if b.Tokens != nil {
		m.Tokens = index.TokenFormat(*b.Tokens)
	}
	if err := m.validate(); err != nil || sound {
		return m, err
	}
	return m, errChecksum
}

// parseBody reads the JSON of a manifest. Where it does not match its checksum, a key that
// is not known is damage: without the key "segments", the index would seem to be empty.
func parseBody(body []byte, sound bool) (b manifestBody, err error) {
	if err := json.Unmarshal(body, &b); err != nil || sound {
		return b, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return b, d.Decode(new(manifestBody))
}

func (m Manifest) validate() error {
	if m.Dim < 1 || m.Dim > MaxDim {
		return fmt.Errorf("dimension %d, wanted 1 to %d: %w", m.Dim, MaxDim, index.ErrCorrupt)
	}
	if err := m.Tokens.Check(); err != nil {
		return fmt.Errorf("%w: %w", err, index.ErrCorrupt)
	}
	if !slices.IsSortedFunc(m.Fields, bitmap.Compare) || slices.ContainsFunc(m.Fields, func(f bitmap.Field) bool { return f.Check() != nil }) {
		return fmt.Errorf("fields %v, wanted keys with kinds in order: %w", m.Fields, index.ErrCorrupt)
	}
	if m.Log >= m.Next && m.Log != 0 {
		return fmt.Errorf("log %d, next file %d: %w", m.Log, m.Next, index.ErrCorrupt)
	}
	used := map[uint64]bool{}
	for _, s := range m.Segments {
		if s.Rows < 1 || s.Rows > maxRows || s.File >= m.Next || s.Dead >= m.Next || s.Graph >= m.Next || s.Fields >= m.Next || used[s.File] {
			return fmt.Errorf("segment %d with %d rows, tombstones %d, graph %d and field indexes %d, next file %d: %w",
				s.File, s.Rows, s.Dead, s.Graph, s.Fields, m.Next, index.ErrCorrupt)
		}
		used[s.File] = true
	}
	return nil
}

const tombstonesMagic = "engram\x00D"

// WriteTombstones writes the set of dead rows of a segment with rows rows.
func WriteTombstones(w io.Writer, dead column.Bits, rows int) error {
	b := append([]byte(nil), tombstonesMagic...)
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(rows))
	for _, word := range dead.Clone(rows) {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	_, err := w.Write(binary.LittleEndian.AppendUint32(b, checksum(b)))
	return err
}

// ReadTombstones reads the dead rows of a segment with rows rows.
func ReadTombstones(path string, rows int) (column.Bits, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// One byte more than wanted shows a file that is too long.
	content, err := io.ReadAll(io.LimitReader(f, int64(tombstonesSize(rows)+1)))
	if err != nil {
		return nil, err
	}
	dead, err := parseTombstones(content, rows)
	if err != nil {
		return nil, fmt.Errorf("tombstones %s: %w", path, err)
	}
	return dead, nil
}

func tombstonesSize(rows int) int { return 16 + (rows+63)/64*8 + 4 }

func parseTombstones(b []byte, rows int) (column.Bits, error) {
	if len(b) != tombstonesSize(rows) {
		return nil, fmt.Errorf("%d bytes, wanted %d for %d rows: %w", len(b), tombstonesSize(rows), rows, index.ErrCorrupt)
	}
	body := b[:len(b)-4]
	if string(b[:8]) != tombstonesMagic || checksum(body) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, fmt.Errorf("they do not match their checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < 1 || v > Version {
		return nil, versionError(int(v))
	}
	if n := binary.LittleEndian.Uint32(b[12:]); int64(n) != int64(rows) {
		return nil, fmt.Errorf("they are for %d rows, the segment has %d: %w", n, rows, index.ErrCorrupt)
	}
	dead := make(column.Bits, (rows+63)/64)
	for i := range dead {
		dead[i] = binary.LittleEndian.Uint64(body[16+8*i:])
	}
	if last := rows & 63; last != 0 && dead[len(dead)-1]>>last != 0 {
		return nil, fmt.Errorf("they name rows beyond the last of %d: %w", rows, index.ErrCorrupt)
	}
	return dead, nil
}
