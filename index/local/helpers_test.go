package local

import (
	"bytes"
	"encoding/binary"
	"testing"

	"engram/index"
)

func mustCreate(t *testing.T, dir string, dim int) *Store {
	t.Helper()
	s, err := Create(dir, Options{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if damage := s.Recovery().String(); damage != "" {
		t.Fatal(damage)
	}
	return s
}

func mustClose(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustFlush(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// join waits for a flush that Upsert has begun.
func join(s *Store) {
	s.flusher.Lock()
	s.flusher.Unlock() //nolint:staticcheck // nothing is to be done under the lock
}

// stamped is the format of tokens that say which version of the item they are of.
var stamped = index.TokenFormat{Kind: index.TokensFloat16, Count: 2, Dim: 2}

// stamp returns the tokens of a version.
func stamp(version int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(version)) }

// mustCreateStamped is mustCreate of an index that keeps such tokens.
func mustCreateStamped(t *testing.T, dir string, dim int) *Store {
	t.Helper()
	s, err := Create(dir, Options{Dim: dim, Tokens: stamped})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put upserts items with these ids, in a direction that depends on the id, and
// with a payload that says which version of the item it is.
func put(t *testing.T, s *Store, version int64, ids ...index.ID) {
	t.Helper()
	items := make([]index.Item, len(ids))
	for i, id := range ids {
		v := make([]float32, s.info.Dim)
		v[int(id)%len(v)] = 1
		items[i] = index.Item{ID: id, Vector: v, Payload: index.Payload{"version": version}}
		if s.info.Tokens.Kept() {
			items[i].Tokens = stamp(version)
		}
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s *Store, ids ...index.ID) {
	t.Helper()
	if n, err := s.Delete(t.Context(), ids); err != nil || n != len(ids) {
		t.Fatalf("delete of %d items: %d, %v", len(ids), n, err)
	}
}

// versions returns the version of every item.
func versions(t *testing.T, s *Store) map[index.ID]int64 {
	t.Helper()
	got := map[index.ID]int64{}
	for item, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[item.ID] = item.Payload["version"].(int64)
		if !s.info.Tokens.Kept() {
			continue
		}
		tokens, err := s.Tokens(t.Context(), []index.ID{item.ID})
		if err != nil || !bytes.Equal(tokens[0], stamp(got[item.ID])) {
			t.Fatalf("item %d of version %d has the tokens %v, error %v", item.ID, got[item.ID], tokens, err)
		}
	}
	return got
}
