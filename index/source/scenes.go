package source

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"engram/data/scenes"
	"engram/index"
)

// Generated is the source of scenes that are drawn when they are read (see
// package scenes). Their rows are known by what they are generated from, and
// carry their captions and what is to be seen. They are drawings, and whoever
// shows them says so.
type Generated struct {
	N    int // scenes, from number 0 on
	Seed uint64
	Size int // of a picture, in pixels
}

// ParseScenes reads "scenes:5000", with "?seed=7" or "?seed=7&size=128" where
// they are not 1 and 256.
func ParseScenes(text string) (Generated, error) {
	g := Generated{Seed: 1, Size: 256}
	number, query, _ := strings.Cut(strings.TrimPrefix(text, scenesPrefix), "?")
	values, err := url.ParseQuery(query)
	if err == nil {
		g.N, err = strconv.Atoi(number)
	}
	for name := range values {
		if err != nil {
			break
		}
		switch value := values.Get(name); name {
		case "seed":
			g.Seed, err = strconv.ParseUint(value, 10, 64)
		case "size":
			g.Size, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("%q is neither seed nor size", name)
		}
	}
	if err != nil || g.N < 1 || g.Size < 1 || g.Size > 4096 {
		return Generated{}, fmt.Errorf("build: source %q: wanted such as scenes:5000?seed=1&size=256: %w", text, err)
	}
	return g, nil
}

// String returns what ParseScenes reads.
func (g Generated) String() string {
	return fmt.Sprintf("%s%d?seed=%d&size=%d", scenesPrefix, g.N, g.Seed, g.Size)
}

// scenesPerShard is the number of scenes in all shards but the last.
const scenesPerShard = 1000

// Origin implements Source.
func (g Generated) Origin() Origin {
	return placed(Origin{Source: g.base(), Place: g.String(), Kind: Scenes})
}

// base is what the names of shards begin with. It leaves out how many scenes
// there are, so that further ones are shards of the same source.
func (g Generated) base() string {
	return fmt.Sprintf("%sseed=%d&size=%d", scenesPrefix, g.Seed, g.Size)
}

// Shards implements Source.
func (g Generated) Shards(context.Context) ([]Shard, error) {
	var shards []Shard
	for first := 0; first < g.N; first += scenesPerShard {
		s := sceneShard{Generated: g, name: fmt.Sprintf("%s/%d", g.base(), first/scenesPerShard), first: first}
		s.rows = min(scenesPerShard, g.N-first)
		shards = append(shards, Shard{Name: s.name, Fingerprint: fmt.Sprint(s.rows), Rows: s.rows, Read: s.read})
	}
	return shards, checkNumbered(shards)
}

// sceneShard is one shard.
type sceneShard struct {
	Generated
	name        string
	first, rows int
}

func (s sceneShard) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		world, id := scenes.New(s.Seed), numberedIDs(s.name)
		for n := from; n < s.rows; {
			if !checkContext(ctx, yield) {
				return
			}
			var rows []Row
			for ; n < s.rows && len(rows) < imagesAtOnce; n++ {
				rows = append(rows, s.row(world, id(n), n))
			}
			if !yield(rows, nil) {
				return
			}
		}
	}
}

// row describes scene n of the shard. It is drawn when it is opened.
func (s sceneShard) row(world *scenes.World, id index.ID, n int) Row {
	scene := world.Scene(scenes.Train, uint64(s.first+n))
	captions := scene.Captions()
	var kinds []string
	for i := range scene.Things {
		kinds = append(kinds, scene.Things[i].Kind.String())
	}
	slices.Sort(kinds)
	payload := index.Payload{index.KeyShard: s.name, index.KeyCaptions: captions[:], index.KeyCategories: slices.Compact(kinds)}
	return Row{ID: id, Name: RowName(s.name, n), Payload: payload, Open: func() (io.ReadCloser, error) {
		var file bytes.Buffer
		err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&file, scene.Draw(s.Size))
		return io.NopCloser(&file), err
	}}
}
