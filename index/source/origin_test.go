package source_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/laion"
	"engram/data/vfs"
	"engram/index"
	"engram/index/local"
	"engram/index/source"
)

// A source can be opened again from what its index remembers, with the shards
// that other runs took from below the same base.
func TestOriginOpensTheSourceAgain(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"a/0.tar": "", "a/1.tar": "", "a/0.parquet": "", "a/x.jpg": ""})
	w, err := laion.Create(vfs.OS{}, filepath.Join(dir, "b", "c"), laion.WriterOptions{Dim: 2, Sets: []laion.Set{laion.Image, laion.Text}})
	if err == nil {
		err = w.Append(map[string]any{"url": "u"}, []float32{1, 0}, []float32{0, 1})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, test := range []struct {
		place  string
		opts   source.Options
		want   source.Origin
		name   string
		shards []string
	}{
		{at("a"), source.Options{}, source.Origin{Source: at("a"), Kind: source.Tars}, at("a"), []string{"0.tar", "1.tar"}},
		{at("a"), source.Options{Kind: source.Images}, source.Origin{Source: at("a"), Kind: source.Images, Root: at("a")}, at("a"), []string{"."}},
		{at("a/1*.tar"), source.Options{}, source.Origin{Source: at("a"), Place: at("a/1*.tar"), Kind: source.Tars}, at("a"), []string{"1.tar", "0.tar"}},
		{
			at("a"), source.Options{Kind: source.Tables, Column: "v"},
			source.Origin{Source: at("a"), Kind: source.Tables, Column: "v"}, "column v of " + at("a"), []string{"0.parquet"},
		},
		{
			at("b/c"), source.Options{Set: laion.Text},
			source.Origin{Source: at("b/c"), Kind: source.Embeddings, Set: laion.Text}, "text_emb of " + at("b/c"), []string{"text_emb/text_emb_0000.npy"},
		},
		{ // nothing lies where the base alone leads
			at("b/*/img_emb/img_emb_*.npy"), source.Options{},
			source.Origin{Source: at("b"), Place: at("b/*/img_emb/img_emb_*.npy"), Kind: source.Embeddings, Set: laion.Image}, at("b"), []string{"c/img_emb/img_emb_0000.npy"},
		},
		{
			"scenes:1001?seed=2", source.Options{},
			source.Origin{Source: "scenes:seed=2&size=256", Place: "scenes:1001?seed=2&size=256", Kind: source.Scenes},
			"scenes:seed=2&size=256", []string{"scenes:seed=2&size=256/0", "scenes:seed=2&size=256/1"},
		},
	} {
		source, err := source.Open(test.place, test.opts)
		if err != nil {
			t.Fatal(err)
		}
		origin := source.Origin()
		if diff := cmp.Diff(test.want, origin); diff != "" || origin.String() != test.name {
			t.Errorf("%s: origin %q, wanted %q (-want +got):\n%s", test.place, origin, test.name, diff)
		}
		shards, err := origin.Shards(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range shards {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, test.shards) {
			t.Errorf("%s: shards %q, want %q", test.place, names, test.shards)
		}
	}
	if _, err := (source.Origin{Source: at("gone/away"), Kind: source.Images}).Shards(t.Context()); err == nil {
		t.Error("a source that is gone has shards")
	}
}

func TestAStoreKeepsItsOrigin(t *testing.T) {
	store, err := local.Create(t.TempDir(), local.Options{Dim: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got, err := readOrigin(t, store); err != nil || got != (source.Origin{}) {
		t.Errorf("a new store: %v, %v, want the zero Origin", got, err)
	}
	want := source.Origin{Source: "/photos", Root: "/photos", Model: "/models/clip"}
	if err := source.KeepOrigin(t.Context(), store, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readOrigin(t, store); err != nil || got != want {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	// As FORMAT.md describes it, in the words of each version.
	for text, want := range map[string]source.Origin{
		`{"root":"/photos","bundle":"/models/clip"}`:                                                 {Root: "/photos", Model: "/models/clip"},
		`{"source":"/photos","kind":"images","root":"/photos","bundle":""}`:                          {Source: "/photos", Kind: source.Images, Root: "/photos"},
		`{"source":"/l","place":"/l/*.npy","kind":"laion","set":"text_emb","root":"","bundle":"/b"}`: {Source: "/l", Place: "/l/*.npy", Kind: source.Embeddings, Set: laion.Text, Model: "/b"},
		`{"source":"/p","kind":"parquet","column":"v","root":"","bundle":""}`:                        {Source: "/p", Kind: source.Tables, Column: "v"},
	} {
		if err := store.SetLabel(t.Context(), "origin", text); err != nil {
			t.Fatal(err)
		}
		if got, err := readOrigin(t, store); err != nil || got != want {
			t.Errorf("read %v of %s, %v, want %v", got, text, err, want)
		}
	}
	if err := store.SetLabel(t.Context(), "origin", `{"root": 3}`); err != nil {
		t.Fatal(err)
	}
	if _, err := readOrigin(t, store); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("damaged: error is %v, want ErrCorrupt", err)
	}
}

// readOrigin returns the first source of a store.
func readOrigin(t *testing.T, store index.Store) (source.Origin, error) {
	t.Helper()
	all, err := source.ReadOrigins(t.Context(), store)
	if len(all) == 0 {
		return source.Origin{}, err
	}
	return all[0], err
}

// The sources of an index keep apart by their labels, whatever their folders are
// called.
func TestAStoreKeepsSeveralOrigins(t *testing.T) {
	store, err := local.Create(t.TempDir(), local.Options{Dim: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var want []source.Origin
	for _, root := range []string{"/photos", "/a/B", "/b/B", "/", "/c/B-2"} {
		o := source.Origin{Source: root, Kind: source.Images, Root: root}
		o.Label = source.NewLabel(o, want)
		if err := source.KeepOrigin(t.Context(), store, o); err != nil {
			t.Fatal(err)
		}
		want = append(want, o)
	}
	got, err := source.ReadOrigins(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, o := range got {
		labels[o.Label] = o.Root
	}
	if diff := cmp.Diff(map[string]string{"": "/photos", "B": "/a/B", "B-2": "/b/B", "source": "/", "B-2-2": "/c/B-2"}, labels); diff != "" || got[0].Label != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
