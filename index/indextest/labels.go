package indextest

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

func testLabels(t *testing.T, f fixture) {
	store := f.open(2)
	want := map[string]string{}
	check := func(when string) {
		t.Helper()
		got, err := store.Labels(t.Context())
		if err != nil {
			t.Fatalf("labels: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("labels %s (-want +got):\n%s", when, diff)
		}
		got["a label of"] = "the caller's map"
	}
	set := func(name, value string) {
		t.Helper()
		if err := store.SetLabel(t.Context(), name, value); err != nil {
			t.Fatalf("set label %q: %v", name, err)
		}
		if want[name] = value; value == "" {
			delete(want, name)
		}
	}
	check("of an empty store")
	set("origin", `{"root": "/photos", "é": "\u0000 < ü"}`)
	set("build", "first")
	set("long", strings.Repeat("ü", 100_000))
	check("that were set")
	set("build", "second")
	set("origin", "")
	set("never there", "")
	check("that were changed and removed")

	for name, label := range map[string][2]string{
		"no name": {"", "x"}, "a name that is not UTF-8": {"a\xff", "x"}, "a value that is not UTF-8": {"a", "\xff"}, "too long": {"a", strings.Repeat("x", 2<<20)},
	} {
		if err := store.SetLabel(t.Context(), label[0], label[1]); !errors.Is(err, index.ErrLabel) {
			t.Errorf("%s: error %v, want ErrLabel", name, err)
		}
	}
	check("after refusals")

	// They are durable without a Flush, and have nothing to do with the items.
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0)})
	set("after", "items")
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after a flush")
	before := maps.Clone(want)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Labels(t.Context()); !errors.Is(err, index.ErrClosed) {
		t.Errorf("labels of a closed store: error %v, want ErrClosed", err)
	}
	if err := store.SetLabel(t.Context(), "a", "b"); !errors.Is(err, index.ErrClosed) {
		t.Errorf("set label of a closed store: error %v, want ErrClosed", err)
	}
	store = f.fresh(2)
	want = before
	check("after reopening")
	if n := f.count(store); n != 1 {
		t.Errorf("%d items after reopening, want 1", n)
	}
}
