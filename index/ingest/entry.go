package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"engram/index"
)

// entry is one line of the file. One of its fields is set.
type entry struct {
	Shard *record `json:"shard,omitempty"`
	End   *end    `json:"end,omitempty"`
}

// record says that the rows of a shard from number From up to Next are settled. A
// record with From 0 forgets what earlier ones said of the shard.
type record struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	From        int    `json:"from"`
	Next        int    `json:"next"`
	Done        bool   `json:"done,omitempty"` // Next is the end
	// Stale: the store may hold rows of an earlier version of the shard.
	Stale bool `json:"stale,omitempty"`
	// Gone: the source has no such shard, and the store no rows of it.
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

// parse reads a line. Its error completes the sentence "line 7 …".
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

// scan calls do with every entry of a ledger, and returns how many bytes they
// take. It leaves out a last line that is torn.
func scan(r io.Reader, do func(entry) error) (size int64, err error) {
	reader := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		text, err := reader.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			return size, nil
		}
		if err != nil && err != io.EOF {
			return size, err
		}
		var e entry
		if problem := e.parse(text); problem != nil {
			if _, err := reader.Peek(1); err == io.EOF {
				return size, nil
			}
			return size, fmt.Errorf("line %d %w; without the file, a build goes through all shards again", n, problem)
		}
		if err := do(e); err != nil {
			return size, fmt.Errorf("line %d: %w", n, err)
		}
		size += int64(len(text))
	}
}
