package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/local"
	"engram/index/plan"
)

// TestTheEmbeddedEngineTakesWhatIsPlanned compares the plan with the files of
// an index.
func TestTheEmbeddedEngineTakesWhatIsPlanned(t *testing.T) {
	for _, size := range []struct {
		items, dim int
		tokens     index.TokenFormat
	}{
		{4000, 768, index.TokenFormat{}}, {20_000, 100, index.TokenFormat{}}, {9000, 17, index.TokenFormat{}},
		{2000, 64, index.TokenFormat{Kind: index.TokensFloat16, Count: 9, Dim: 50}}, {2000, 64, index.TokenFormat{Kind: index.TokensInt8, Count: 9, Dim: 50}},
	} {
		t.Run(fmt.Sprintf("%dx%d, %s", size.items, size.dim, size.tokens), func(t *testing.T) {
			folder, payload := buildIndex(t, size.items, local.Options{Dim: size.dim, Tokens: size.tokens})
			got := folderSize(t, folder)
			p := must(t, plan.Demand{
				Items: size.items, Dim: size.dim, Payload: payload, Engine: plan.Local, Quantisation: index.Int8,
				Tokens: size.tokens.Count, TokenDim: size.tokens.Dim, TokenKind: size.tokens.Kind, Replicas: 1, Memory: 1e12, Disk: 1e12, Cores: 1, Encoders: 1,
			}, rates)
			planned, _ := p.Value("diskData")
			if ratio := float64(got) / planned; ratio < .99 || ratio > 1.02 {
				t.Errorf("the index takes %d bytes, planned %.0f: ratio %.4f, wanted .99 to 1.02", got, planned, ratio)
			}
		})
	}
}

// buildIndex returns the folder of an index and the mean size of its payloads.
func buildIndex(t *testing.T, items int, opts local.Options) (folder string, payload int) {
	t.Helper()
	folder = t.TempDir()
	store, err := local.Create(folder, opts)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	list := make([]index.Item, items)
	for i := range list {
		v := make([]float32, opts.Dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		list[i] = index.Item{ID: index.ID(rng.Uint64()), Vector: v, Payload: index.Payload{
			"path": fmt.Sprintf("train2017/%012d.jpg", i), "captions": []string{"a zebra in the grass", "a striped animal"},
		}}
		if opts.Tokens.Kept() {
			list[i].Tokens = make([]byte, opts.Tokens.Size())
		}
		payload += len(disk.AppendPayload(nil, list[i].Payload))
	}
	if err := store.Upsert(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := store.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return folder, payload / items
}

// folderSize returns the bytes of all files of a folder.
func folderSize(t *testing.T, folder string) (total int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}
