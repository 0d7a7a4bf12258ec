package ingest

import (
	"engram/index/source"
	"fmt"
	"sync"
	"time"
)

// maxListed bounds each list of a Report. All is in the ledger.
const maxListed = 1000

// counts are rows by what became of them.
type counts struct {
	Stored    int `json:"stored,omitempty"`    // put into the store: new or changed
	Unchanged int `json:"unchanged,omitempty"` // in the store as they are
	Excluded  int `json:"excluded,omitempty"`  // left out by the filter
	Unusable  int `json:"unusable,omitempty"`  // bad
	Encoded   int `json:"encoded,omitempty"`   // of those stored, images that went through the encoder
	Rescaled  int `json:"rescaled,omitempty"`  // of those stored, vectors that were not of unit length
}

func (c *counts) add(d counts) {
	c.Stored += d.Stored
	c.Unchanged += d.Unchanged
	c.Excluded += d.Excluded
	c.Unusable += d.Unusable
	c.Encoded += d.Encoded
	c.Rescaled += d.Rescaled
}

// rows is how many rows they are.
func (c counts) rows() int { return c.Stored + c.Unchanged + c.Excluded + c.Unusable }

// Bad is a row that could not be indexed, and why.
type Bad struct {
	Row    int    `json:"row"` // its number in the shard
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// ShardReport says what became of one shard.
type ShardReport struct {
	Name    string  `json:"name"`
	Rows    int     `json:"rows"`
	Bad     int     `json:"bad"`
	Damaged string  `json:"damaged,omitempty"` // why it could not be read to its end
	Seconds float64 `json:"seconds"`
}

// Report says what a job did. Lists end after 1,000 entries; the ledger has
// all but Gone.
type Report struct {
	Shards   int `json:"shards"`   // that the job was for
	Skipped  int `json:"skipped"`  // of those, finished by earlier runs and not changed since
	Finished int `json:"finished"` // by this one
	Damaged  int `json:"damaged"`  // of those finished, not read to their end

	Stored    int `json:"stored"`    // rows put into the store: new or changed
	Unchanged int `json:"unchanged"` // rows that were there already
	Excluded  int `json:"excluded"`  // rows that the filter left out
	Unusable  int `json:"unusable"`  // rows that could not be indexed
	Gone      int `json:"gone"`      // rows in the store that the source has no longer
	Deleted   int `json:"deleted"`   // of those
	Encoded   int `json:"encoded"`   // images that went through the encoder
	Rescaled  int `json:"rescaled"`  // stored vectors that were not of unit length before

	Bad       []Bad         `json:"bad"`        // rows that were unusable
	GoneNames []string      `json:"gone_names"` // of the rows that are gone
	PerShard  []ShardReport `json:"per_shard"`  // shards finished

	Seconds float64 `json:"seconds"`
	// EncoderBusy is the part of the time between the first row and the last
	// in which the encoder worked, 0 to 1.
	EncoderBusy float64 `json:"encoder_busy"`
}

func newReport() *Report {
	return &Report{Bad: []Bad{}, GoneNames: []string{}, PerShard: []ShardReport{}}
}

// count adds rows that were settled.
func (r *Report) count(c counts) {
	r.Stored += c.Stored
	r.Unchanged += c.Unchanged
	r.Excluded += c.Excluded
	r.Unusable += c.Unusable
	r.Encoded += c.Encoded
	r.Rescaled += c.Rescaled
}

// list appends to a list of a report that has room.
func list[T any](to *[]T, more ...T) {
	if room := maxListed - len(*to); room < len(more) {
		more = more[:max(0, room)]
	}
	*to = append(*to, more...)
}

// Rate returns rows stored per second.
func (r *Report) Rate() float64 {
	if r.Seconds == 0 {
		return 0
	}
	return float64(r.Stored) / r.Seconds
}

// meter measures how long at least one of several calls is under way.
type meter struct {
	mu    sync.Mutex
	calls int
	since time.Time
	busy  time.Duration
}

// during runs call.
func (m *meter) during(call func()) {
	m.mu.Lock()
	if m.calls == 0 {
		m.since = time.Now()
	}
	m.calls++
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.calls--; m.calls == 0 {
			m.busy += time.Since(m.since)
		}
	}()
	call()
}

// Part is one of several builds that share the shards of a source among
// themselves without talking to each other. The zero Part is all of it.
type Part struct {
	Number int `json:"number"` // from 1
	Of     int `json:"of"`
}

// ParsePart reads "2/8".
func ParsePart(text string) (Part, error) {
	var p Part
	var rest string
	if n, _ := fmt.Sscanf(text, "%d/%d%s", &p.Number, &p.Of, &rest); n != 2 || p.Number < 1 || p.Number > p.Of {
		return Part{}, fmt.Errorf("part %q: wanted one such as 2/8", text)
	}
	return p, nil
}

func (p Part) String() string { return fmt.Sprintf("%d/%d", p.Number, p.Of) }

// of returns the part's shards: every Of-th, so that shards that are appended
// to a source leave the others in their parts.
func (p Part) of(shards []source.Shard) []source.Shard {
	if p.Of <= 1 {
		return shards
	}
	var own []source.Shard
	for i := p.Number - 1; i < len(shards); i += p.Of {
		own = append(own, shards[i])
	}
	return own
}
