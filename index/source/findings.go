package source

import (
	"slices"
	"sync"
)

// maxListed bounds each list of a Summary.
const maxListed = 1000

// Findings collects what a source meets beside its rows: what it leaves out, what
// it joins by name, and which records are odd. It is safe for concurrent use, and
// nil takes and keeps nothing.
type Findings struct {
	mu     sync.Mutex
	place  Summary            // what the list of shards says
	joined map[string]*Joined // by file
	shards map[string]shardFindings
}

// shardFindings is what reading one shard says.
type shardFindings struct {
	columns []Column
	notices []string
	odd     []Odd
	odds    int // more than the list has, perhaps
}

// oddly notes a record that could not be used.
func (s *shardFindings) oddly(o Odd) {
	if s.odds++; len(s.odd) < maxListed {
		s.odd = append(s.odd, o)
	}
}

// leaveOut counts a column, or a part of samples, that has no counterpart in a
// payload.
func (s *shardFindings) leaveOut(name, reason string) {
	for i := range s.columns {
		if s.columns[i].Name == name {
			s.columns[i].Rows++
			return
		}
	}
	s.columns = append(s.columns, Column{Name: name, Reason: reason, Rows: 1})
}

// keepShard takes what reading a shard said, in place of what an earlier reading
// did.
func (f *Findings) keepShard(name string, s shardFindings) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shards == nil {
		f.shards = map[string]shardFindings{}
	}
	f.shards[name] = s
}

// keepPlace takes what the list of shards said.
func (f *Findings) keepPlace(s Summary) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Kind, s.Taken = f.place.Kind, f.place.Taken
	f.place = s
}

// keepKind takes how the place was understood.
func (f *Findings) keepKind(kind Kind, taken string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.place.Kind, f.place.Taken = kind, taken
}

// keepJoined takes what became of a file whose records are joined to photos.
func (f *Findings) keepJoined(j Joined) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.joined == nil {
		f.joined = map[string]*Joined{}
	}
	f.joined[j.File] = &j
}

// Summary returns what was found until now.
func (f *Findings) Summary() Summary {
	if f == nil {
		return Summary{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.place
	for _, name := range sortedKeys(f.joined) {
		j := f.joined[name]
		s.Joined = append(s.Joined, *j)
		s.takeOdd(j.odd, j.odds)
	}
	for _, name := range sortedKeys(f.shards) {
		shard := f.shards[name]
		s.takeOdd(shard.odd, shard.odds)
		for _, text := range shard.notices {
			if len(s.Notices) < maxListed {
				s.Notices = append(s.Notices, name+": "+text)
			}
		}
		for _, c := range shard.columns {
			i := slices.IndexFunc(s.Columns, func(known Column) bool { return known.Name == c.Name && known.Reason == c.Reason })
			if i < 0 {
				s.Columns = append(s.Columns, c)
			} else {
				s.Columns[i].Rows += c.Rows
			}
		}
	}
	return s
}

// takeOdd adds odd records. There are count of them, and the list may be cut short.
func (s *Summary) takeOdd(odd []Odd, count int) {
	s.OddCount += count
	for _, o := range odd {
		if len(s.Odd) < maxListed {
			s.Odd = append(s.Odd, o)
		}
	}
}
