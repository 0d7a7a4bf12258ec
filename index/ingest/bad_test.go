package ingest_test

import (
	"fmt"
	"slices"
	"testing"
)

// What a ledger has of bad rows and damaged shards, it gives back, after it
// was opened again as well.
func TestLedgerListsWhatIsBad(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a/1.jpg": "unreadable", "a/2.jpg": "good", "b/1.jpg": "good", "b/2.jpg": "black"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	names := func() []string {
		t.Helper()
		bad, err := to.ledger.Bad()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range bad {
			names = append(names, fmt.Sprint(b.Row, " ", b.Name))
		}
		return names
	}
	if got, want := names(), []string{"0 a/1.jpg", "1 b/2.jpg"}; !slices.Equal(got, want) {
		t.Errorf("bad are %q, want %q", got, want)
	}
	// A shard that changes is begun anew, and what was bad of it forgotten.
	writeFiles(t, root, map[string]string{"a/1.jpg": "mended now"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	if got, want := names(), []string{"1 b/2.jpg"}; !slices.Equal(got, want) {
		t.Errorf("bad are %q, want %q", got, want)
	}
}
