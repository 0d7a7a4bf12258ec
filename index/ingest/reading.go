package ingest

import (
	"slices"
	"time"

	"engram/index/source"
)

// reading is a shard that is being read. Rows are settled, which means stored
// or passed over for good, in another order than they are read; the ledger
// records how many are settled from the first one on without a gap. The
// recorder's lock guards it.
type reading struct {
	source.Shard
	stale bool // see record
	since time.Time

	from    int   // row to begin with
	retry   bool  // read only the rows that are again, and every row from tail on
	again   []int // ascending
	tail    int
	next    int             // the first row that is not settled
	ahead   map[int]settled // settled rows beyond it
	written int             // next of the last record
	sum     counts          // of the rows since written
	bad     []Bad           // of the rows since written
	total   int             // rows of the shard, -1 until all are read
	damaged string          // why there are no more
}

// settled is what became of a row.
type settled struct {
	outcome outcome
	bad     *Bad // where it is unusable
}

// newReading continues a shard at row from, or begins it.
func newReading(s source.Shard, known *state) *reading {
	r := &reading{Shard: s, since: time.Now(), ahead: map[int]settled{}, total: -1}
	if known == nil {
		return r
	}
	r.stale = known.Stale || known.Fingerprint != s.Fingerprint
	if known.Fingerprint == s.Fingerprint {
		r.from, r.next, r.written = known.Next, known.Next, known.Next
	}
	return r
}

// newRetry goes through a shard again for its bad rows and for the rows that
// damage kept out of reach.
func newRetry(s source.Shard, known *state) *reading {
	r := newReading(s, nil)
	r.stale, r.retry = known.Stale, true
	r.again, r.tail = known.bad, known.Next
	r.sum = known.counts
	r.sum.Unusable = 0
	return r
}

// wants reports whether row n is to be looked at.
func (r *reading) wants(n int) bool {
	if !r.retry || n >= r.tail {
		return true
	}
	_, bad := slices.BinarySearch(r.again, n)
	return bad
}

// settle notes what became of row n.
func (r *reading) settle(n int, s settled) {
	for ok := n == r.next; ok; s, ok = r.ahead[r.next] {
		delete(r.ahead, r.next)
		r.next++
		r.sum.add(s.outcome.counts())
		if s.bad != nil {
			r.bad = append(r.bad, *s.bad)
		}
	}
	if n >= r.next {
		r.ahead[n] = s
	}
}

// done reports whether nothing is left to do.
func (r *reading) done() bool { return r.next == r.total }

// record returns what is new since the last record, and whether anything is. A
// retry is recorded when it is done.
func (r *reading) record() (record, bool) {
	done := r.done()
	if !done && (r.retry || r.next == r.written) {
		return record{}, false
	}
	rec := record{
		Name: r.Name, Fingerprint: r.Fingerprint, From: r.written, Next: r.next, Done: done, Stale: r.stale,
		counts: r.sum, Bad: r.bad, Seconds: time.Since(r.since).Seconds(),
	}
	if done {
		rec.Damaged = r.damaged
	}
	r.written, r.sum, r.bad = r.next, counts{}, nil
	return rec, true
}
