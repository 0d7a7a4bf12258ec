package plan_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"engram/index"
	"engram/index/plan"

	"pgregory.net/rapid"
)

// rates have round numbers, so that a person can follow.
var rates = plan.Rates{
	Machine: "paper", Decode: 100, Encode: 25, Device: "cpu",
	Import: 4e6, Upload: 1e6, Scan: 1e9, Link: 1000, Walk: 1, EmbeddedLink: 2000, EmbeddedWalk: .5,
}

// cluster is a demand of a million rows, for Qdrant.
func cluster() plan.Demand {
	return plan.Demand{
		Name: "million", Items: 1_000_000, Dim: 100, Payload: 130, Indexes: 2, Tokens: 3,
		Engine: plan.Qdrant, Quantisation: index.Int8, Links: 5, Shards: 4, Replicas: 2,
		Memory: 200e6, Disk: 4e9, Cores: 2, Encoders: 2, Growth: 50_000,
	}
}

func must(t interface{ Fatal(...any) }, d plan.Demand, r plan.Rates) *plan.Plan {
	p, err := plan.New(d, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// expect compares cells with numbers worked out by hand.
func expect(t *testing.T, p *plan.Plan, want map[string]float64) {
	t.Helper()
	for key, w := range want {
		if got, ok := p.Value(key); !ok || math.Abs(got-w) > 1e-9*w {
			t.Errorf("%s is %v (there: %t), wanted %v", key, got, ok, w)
		}
	}
	for _, c := range p.Cells {
		if _, ok := want[c.Key]; !ok {
			t.Errorf("%s = %v was not worked out by hand", c.Key, c.Value)
		}
	}
}

func TestQdrantByHand(t *testing.T) {
	const (
		codes   = 116e6 // 112 bytes and an offset of 4
		graph   = 49e6  // 4 × (10 + 5/4 + 1)
		ids     = 36e6
		indexes = 56e6 // 2 × 28
		memory  = codes + graph + ids + indexes
		data    = 400e6 + codes + graph + 21e6 + 272e6 + indexes + 612e6 // payloads: 2 blocks of 128 and 16; tokens: 600 and 12
	)
	// A node holds floor(4 × min(160/257, 4000/3815)) = 2 shards of 4 × 2.
	expect(t, must(t, cluster(), rates), map[string]float64{
		"memCodes": codes, "memGraph": graph, "memIDs": ids, "memIndexes": indexes, "memory": memory,
		"diskVectors": 400e6, "diskCodes": codes, "diskGraph": graph, "diskIDs": 21e6, "diskPayloads": 272e6, "diskIndexes": indexes,
		"diskTokens": 612e6, "diskData": data, "spareMerge": data / 2, "spareSnapshot": data, "disk": 2.5 * data,
		"shards": 4, "perNode": 2, "nodes": 4, "onNode": 2, "nodeMemory": memory / 2, "nodeDisk": 2.5 * data / 2,
		"capacity":    math.Floor(1e6 * 160e6 / (memory / 2)), // by memory: the disk would hold more
		"encodeHours": 1e6 * (.01 + .04) / 2 / 3600,
		"importHours": 2 * 400e6 / 4e6 / 3600,
		"linkHours":   2e6 * (100. / 768) * (math.Log(250_000) / math.Log(200_000)) / (1000 * 2 * 4) / 3600,
		"walkMs":      100. / 768 * 1 * math.Log(250_000) / math.Log(200_000),
		"months":      (math.Floor(1e6*160e6/(memory/2)) - 1e6) / 50_000,
	})
}

func TestEmbeddedByHand(t *testing.T) {
	d := cluster()
	d.Engine, d.Shards, d.Replicas, d.Tokens = plan.Local, 0, 1, 0
	d.Memory, d.Disk = 500e6, 3e9
	const (
		codes  = 128e6
		graph  = 192e6 // 48 numbers of 4 bytes
		memory = codes + graph + 24e6
		data   = 448e6 + codes + graph + 8e6 + 16e6 + 130e6 // rows of 112 elements
		disk   = 3 * data * 4100 / 4096                     // all rows are written once more
	)
	r := rates
	r.Device = "cuda:0"
	expect(t, must(t, d, r), map[string]float64{
		"memCodes": codes, "memGraph": graph, "memBounds": 8e6, "memIDs": 16e6, "memory": memory,
		"diskVectors": 448e6, "diskCodes": codes + 8e6, "diskGraph": graph, "diskIDs": 16e6, "diskPayloads": 130e6, "diskSums": data / 1024,
		"diskData": disk / 3, "spareMerge": disk / 3, "spareSnapshot": disk / 3, "disk": disk,
		"shards": 1, "nodes": 1, "nodeMemory": memory, "nodeDisk": disk,
		"capacity":    math.Floor(1e6 * 3e9 / disk),
		"encodeHours": 1e6 / 25 / 2 / 3600,
		"importHours": 400e6 / 4e6 / 3600,
		"linkHours":   1e6 * (100. / 768) * (math.Log(1e6) / math.Log(200_000)) / (2000 * 2) / 3600,
		"walkMs":      100. / 768 * .5 * math.Log(1e6) / math.Log(200_000),
		"scanMs":      128,
		"months":      (math.Floor(1e6*3e9/disk) - 1e6) / 50_000,
	})
}

func TestQuantisations(t *testing.T) {
	for quantisation, want := range map[index.Quantisation]map[string]float64{
		index.Unquantised: {"memVectors": 400e6},
		index.Int8:        {"memCodes": 116e6, "diskCodes": 116e6},
		index.Binary:      {"memCodes": 16e6, "diskCodes": 16e6},
	} {
		d := cluster()
		d.Quantisation, d.Memory = quantisation, 1e9
		p := must(t, d, rates)
		for _, key := range []string{"memVectors", "memCodes", "diskCodes"} {
			if got, ok := p.Value(key); got != want[key] || ok != (want[key] > 0) {
				t.Errorf("%s: %s is %v (there: %t), wanted %v", quantisation, key, got, ok, want[key])
			}
		}
	}
}

// demands draws demands for Qdrant that have room.
func demands() *rapid.Generator[plan.Demand] {
	return rapid.Custom(func(t *rapid.T) plan.Demand {
		return plan.Demand{
			Items: rapid.IntRange(1, 10_000_000_000).Draw(t, "items"), Dim: rapid.IntRange(1, 4096).Draw(t, "dim"),
			Payload: rapid.IntRange(0, 5000).Draw(t, "payload"), Indexes: rapid.IntRange(0, 9).Draw(t, "indexes"),
			Tokens: rapid.IntRange(0, 257).Draw(t, "tokens"), TokenDim: rapid.IntRange(0, 1024).Draw(t, "token dim"),
			TokenKind: rapid.SampledFrom([]index.TokenKind{"", index.TokensFloat16, index.TokensInt8}).Draw(t, "token kind"), Engine: plan.Qdrant,
			Quantisation: rapid.SampledFrom([]index.Quantisation{index.Unquantised, index.Int8, index.Binary}).Draw(t, "quantisation"),
			Links:        rapid.IntRange(2, 64).Draw(t, "links"), Replicas: rapid.IntRange(1, 5).Draw(t, "replicas"),
			Memory: rapid.Float64Range(1e9, 1e12).Draw(t, "memory"), Disk: rapid.Float64Range(1e10, 1e14).Draw(t, "disk"),
			Cores: rapid.IntRange(1, 128).Draw(t, "cores"), Encoders: rapid.IntRange(1, 64).Draw(t, "encoders"),
			Growth: rapid.IntRange(0, 1_000_000).Draw(t, "growth"),
		}
	})
}

func TestMoreItemsTakeNoLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := demands().Draw(t, "demand")
		small := must(t, d, rates)
		factor := rapid.IntRange(2, 9).Draw(t, "factor")
		d.Items *= factor
		large := must(t, d, rates)
		for _, c := range small.Cells {
			more, _ := large.Value(c.Key)
			switch prefix := c.Key[:3]; {
			case prefix == "mem" || prefix == "dis" || prefix == "spa" || c.Key == "encodeHours":
				if math.Abs(more-float64(factor)*c.Value) > 1e-9*more {
					t.Errorf("%s of %d times the items is %v, wanted %d × %v", c.Key, factor, more, factor, c.Value)
				}
			case c.Key == "nodes":
				if more < c.Value {
					t.Errorf("%s of %d times the items is %v, less than %v", c.Key, factor, more, c.Value)
				}
			}
		}
	})
}

func TestAPlanFitsItsNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := demands().Draw(t, "demand")
		p := must(t, d, rates)
		value := func(key string) float64 { v, _ := p.Value(key); return v }
		const slack = 1 + 1e-9
		if value("nodeMemory") > .8*d.Memory*slack || value("nodeDisk") > d.Disk*slack || value("capacity")*slack < float64(d.Items) {
			t.Errorf("a node of %v and %v holds %v and %v, in all %v of %d items",
				d.Memory, d.Disk, value("nodeMemory"), value("nodeDisk"), value("capacity"), d.Items)
		}
		if value("nodes")*value("onNode") < value("shards")*float64(d.Replicas) || value("nodes") < float64(d.Replicas) {
			t.Errorf("%v nodes of %v shards hold %d × %v", value("nodes"), value("onNode"), d.Replicas, value("shards"))
		}
		for _, c := range p.Cells {
			if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) || c.Value < 0 {
				t.Errorf("%s is %v", c.Key, c.Value)
			}
		}
	})
}

func TestUnusableDemands(t *testing.T) {
	for want, change := range map[string]func(*plan.Demand){
		"items is 0, wanted 1 to":                      func(d *plan.Demand) { d.Items = 0 },
		"items is -5":                                  func(d *plan.Demand) { d.Items = -5 },
		"dim is 65537":                                 func(d *plan.Demand) { d.Dim = 65537 },
		"payload is -1":                                func(d *plan.Demand) { d.Payload = -1 },
		"tokens is -1":                                 func(d *plan.Demand) { d.Tokens = -1 },
		"token_dim is -1":                              func(d *plan.Demand) { d.TokenDim = -1 },
		`tokens as "float32"`:                          func(d *plan.Demand) { d.TokenKind = "float32" },
		"takes 1048576 elements":                       func(d *plan.Demand) { d.Tokens, d.TokenDim = 1025, 1024 },
		"replicas is 0":                                func(d *plan.Demand) { d.Replicas = 0 },
		"links is 1, wanted 2":                         func(d *plan.Demand) { d.Links = 1 },
		"cores is 0":                                   func(d *plan.Demand) { d.Cores = 0 },
		"growth is -1":                                 func(d *plan.Demand) { d.Growth = -1 },
		"memory of a node is NaN":                      func(d *plan.Demand) { d.Memory = math.NaN() },
		"disk of a node is 0":                          func(d *plan.Demand) { d.Disk = 0 },
		`engine is "faiss", wanted local or qdrant`:    func(d *plan.Demand) { d.Engine = "faiss" },
		`quantisation is "pq"`:                         func(d *plan.Demand) { d.Quantisation = "pq" },
		"quantisation is none, the embedded engine":    func(d *plan.Demand) { d.Engine, d.Quantisation = plan.Local, index.Unquantised },
		"4 shards and 2 replicas, the embedded engine": func(d *plan.Demand) { d.Engine = plan.Local },
	} {
		d := cluster()
		change(&d)
		_, err := plan.New(d, rates)
		if !errors.Is(err, plan.ErrDemand) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("the error is %v, wanted %q", err, want)
		}
	}
}

func TestNoRoom(t *testing.T) {
	d := cluster()
	d.Shards = 1
	if _, err := plan.New(d, rates); !errors.Is(err, plan.ErrRoom) || !strings.Contains(err.Error(), "one of 1 shards takes 257 MB of memory and 3.81 GB of disk") {
		t.Errorf("one shard: %v, wanted that it does not fit", err)
	}
	d = cluster()
	d.Engine, d.Shards, d.Replicas = plan.Local, 1, 1
	d.Memory = 400e6 // 80 % of it is less than 344 MB
	if _, err := plan.New(d, rates); !errors.Is(err, plan.ErrRoom) || !strings.Contains(err.Error(), "the embedded engine takes 344 MB of memory") {
		t.Errorf("embedded: %v, wanted that it does not fit", err)
	}
}

// LAION says that its 5.85 billion images took a week on 32 A100s, at 312 images
// per second each (laion.ai/blog/laion-5b).
func TestEncodingTakesAsLongAsWasPublished(t *testing.T) {
	d := plan.Known()[2]
	d.Encoders = 32
	r := plan.DefaultRates()
	r.Decode, r.Encode, r.Device = 1500, 312, "cuda:0"
	if hours, _ := must(t, d, r).Value("encodeHours"); hours < 6*24 || hours > 8*24 {
		t.Errorf("encoding takes %v hours, wanted about a week", hours)
	}
}

func TestKnownSetsFit(t *testing.T) {
	for _, d := range plan.Known() {
		must(t, d, plan.DefaultRates())
	}
}
