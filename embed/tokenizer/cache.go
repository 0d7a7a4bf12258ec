package tokenizer

import (
	"hash/maphash"
	"sync/atomic"
)

const (
	cacheSlots = 1 << 14 // words
	cacheBytes = 64      // of the longest word
	cacheIDs   = 16      // of the longest word
)

// cache keeps the ids of words that were met. A word has two slots: a new one
// takes the first, and what was there moves to the second. It is safe for
// concurrent use and holds at most cacheSlots words, about 3 MB.
type cache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cached]
}

// cached is a word and its ids. It does not change.
type cached struct {
	word string
	ids  []int32
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

// slot returns the index of a word's first slot; the second is its neighbour.
func (c *cache) slot(word []byte) uint64 {
	return maphash.Bytes(c.seed, word) % cacheSlots
}

// add appends the ids of a word to s.ids, if they are kept.
func (c *cache) add(s *scratch, word []byte) bool {
	if c == nil || len(word) > cacheBytes {
		return false
	}
	i := c.slot(word)
	e := c.slots[i].Load()
	if e == nil || e.word != string(word) {
		if e = c.slots[i^1].Load(); e == nil || e.word != string(word) {
			return false
		}
	}
	for _, id := range e.ids {
		s.ids = append(s.ids, int64(id))
	}
	return true
}

// keep remembers the ids of a word.
func (c *cache) keep(word []byte, ids []int64) {
	if c == nil || len(word) > cacheBytes || len(ids) > cacheIDs {
		return
	}
	e := &cached{word: string(word), ids: make([]int32, len(ids))}
	for i, id := range ids {
		e.ids[i] = int32(id)
	}
	i := c.slot(word)
	if old := c.slots[i].Swap(e); old != nil {
		c.slots[i^1].Store(old)
	}
}
