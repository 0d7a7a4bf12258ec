package ingest

import "engram/index/source"

// maxListed bounds each list of a Report. The ledger has all entries.
const maxListed = 1000

// counts are rows by what became of them.
type counts struct {
	Stored    int `json:"stored,omitempty"`    // put into the store: new or changed
	Unchanged int `json:"unchanged,omitempty"` // in the store as they are
	Excluded  int `json:"excluded,omitempty"`  // left out by the filter
	Unusable  int `json:"unusable,omitempty"`  // bad
	Encoded   int `json:"encoded,omitempty"`   // stored, from images that went through the encoder
	Rescaled  int `json:"rescaled,omitempty"`  // stored, from vectors that were not of unit length
}

// counts returns the counts of one row.
func (o outcome) counts() counts {
	switch o {
	case stored:
		return counts{Stored: 1}
	case rescaled:
		return counts{Stored: 1, Rescaled: 1}
	case encoded:
		return counts{Stored: 1, Encoded: 1}
	case unchanged:
		return counts{Unchanged: 1}
	case excluded:
		return counts{Excluded: 1}
	case unusable:
		return counts{Unusable: 1}
	}
	return counts{}
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
	Shards   int `json:"shards"`   // of the job
	Skipped  int `json:"skipped"`  // shards that earlier runs finished, and that have not changed since
	Finished int `json:"finished"` // shards that this run finished
	Damaged  int `json:"damaged"`  // finished shards that could not be read to their end

	Stored    int `json:"stored"`    // rows put into the store: new or changed
	Unchanged int `json:"unchanged"` // rows that were there already
	Excluded  int `json:"excluded"`  // rows that the filter left out
	Unusable  int `json:"unusable"`  // rows that could not be indexed
	Gone      int `json:"gone"`      // rows in the store that the source has no longer
	Deleted   int `json:"deleted"`   // gone rows that were deleted
	Encoded   int `json:"encoded"`   // images that went through the encoder
	Rescaled  int `json:"rescaled"`  // stored vectors that were not of unit length before

	// Incomplete counts images whose files end early or are damaged, and that were
	// encoded as far as they go.
	Incomplete      int      `json:"incomplete,omitempty"`
	IncompleteNames []string `json:"incomplete_names,omitempty"`

	Bad       []Bad         `json:"bad"`        // rows that were unusable
	GoneNames []string      `json:"gone_names"` // of the rows that are gone
	PerShard  []ShardReport `json:"per_shard"`  // shards finished

	// Sources say what the sources were taken for and what was left out. Whoever
	// opened them fills them in.
	Sources []source.Summary `json:"sources,omitempty"`

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

// finish counts a shard that is recorded as done.
func (r *Report) finish(s *state) {
	r.Finished++
	if s.Damaged != "" {
		r.Damaged++
	}
	r.PerShard = appendListed(r.PerShard, ShardReport{
		Name: s.Name, Rows: s.Next, Bad: s.Unusable, Damaged: s.Damaged, Seconds: s.Seconds,
	})
}

// appendListed appends to a list of a report if it has room.
func appendListed[T any](list []T, entry T) []T {
	if len(list) >= maxListed {
		return list
	}
	return append(list, entry)
}

// Rate returns rows stored per second.
func (r *Report) Rate() float64 {
	if r.Seconds == 0 {
		return 0
	}
	return float64(r.Stored) / r.Seconds
}
