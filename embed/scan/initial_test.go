package scan

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"testing"

	"engram/embed/grad"
)

// TestASeedKeepsItsFirstValues pins the values that networks begin with: another
// order of the parameters, or of the draws, would give every seed other decoders.
func TestASeedKeepsItsFirstValues(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   uint64
	}{
		"a network alone":          {Config{Voxels: 5, T: 2, D: 3, Width: 4, Blocks: 2, Projector: 3}, 0x5756a99eadc58a4e},
		"a network behind a ridge": {Config{Voxels: 5, T: 1, D: 4, Rank: 3, Width: 4, Blocks: 1}, 0xde28be060600ed4e},
	} {
		if got := firstValues(test.config, 7, []float32{.5, -.25, 0}); got != test.want {
			t.Errorf("%s begins with the hash %#x, want %#x", name, got, test.want)
		}
	}
}

func firstValues(c Config, seed uint64, gains []float32) uint64 {
	l := newLayers(c)
	l.gains = gains
	if c.Rank > 0 {
		l.scores(l.Graph().Data("ridge", 1, 2, c.Rank))
	} else {
		l.project(l.backbone(l.Graph().Data(voxelsName, 1, 2, c.Voxels)))
	}
	params := l.Graph().Params()
	values := grad.NewState(params, l.InitialiseInOrder(rand.New(rand.NewPCG(seed, 1)))).Values()
	sum := fnv.New64a()
	for _, p := range params {
		sum.Write([]byte(p.Name))
		_ = binary.Write(sum, binary.LittleEndian, values[p.Name])
	}
	return sum.Sum64()
}
