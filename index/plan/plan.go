package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"engram/index"
	"engram/index/internal/graph"
	"engram/index/local"
)

// Engine is what keeps the vectors.
type Engine string

// The engines, named as in index.Info.
const (
	Local  Engine = "local"  // embedded: one machine, exact
	Qdrant Engine = "qdrant" // a cluster, by a graph
)

// Demand says what is planned for.
type Demand struct {
	Name  string `json:"name"`  // of the data
	Items int    `json:"items"` // n, at least 1
	Dim   int    `json:"dim"`   // D, elements of a vector, 1 to 65,536

	Payload int `json:"payload"` // P, bytes of an item's payload
	Indexes int `json:"indexes"` // F, fields of the payload with an index; for Qdrant
	Tokens  int `json:"tokens"`  // T, tokens kept of each item, 0: none
	// TokenDim is d, the elements of a token; 0: as many as a vector has. TokenKind is
	// how they are kept; "" means index.TokensFloat16.
	TokenDim  int             `json:"token_dim,omitempty"`
	TokenKind index.TokenKind `json:"token_kind,omitempty"`

	Engine Engine `json:"engine"`
	// Quantisation is index.Int8 in the embedded engine, which has no other.
	Quantisation index.Quantisation `json:"quantisation"`
	Links        int                `json:"links"`    // M, links of a row in a layer of the graph, at least 2; for Qdrant
	Shards       int                `json:"shards"`   // S, 0: as many as suit the nodes
	Replicas     int                `json:"replicas"` // R, copies of each shard, at least 1

	Memory   float64 `json:"memory"`   // RAM, bytes of a node
	Disk     float64 `json:"disk"`     // DISK, bytes of a node
	Cores    int     `json:"cores"`    // of a node
	Encoders int     `json:"encoders"` // E, machines that encode images at the rates

	Growth int `json:"growth"` // G, items that come in a month, 0: none
}

// Unit is what a cell counts.
type Unit string

// The units of cells.
const (
	Bytes        Unit = "bytes"
	Count        Unit = "count"
	Hours        Unit = "hours"
	Milliseconds Unit = "ms"
	Months       Unit = "months"
)

// Cell is one number of a plan with the formula behind it.
type Cell struct {
	Key     string  `json:"key"`
	Label   string  `json:"label"`
	Unit    Unit    `json:"unit"`
	Value   float64 `json:"value"`
	Formula string  `json:"formula"` // over variables and keys
	Numbers string  `json:"numbers"` // the formula with its numbers
	Source  string  `json:"source"`
}

// Plan is what a demand takes, cell by cell in the order in which they follow
// from each other.
type Plan struct {
	Demand Demand `json:"demand"`
	Rates  Rates  `json:"rates"`
	Cells  []Cell `json:"cells"`
}

// The errors of New that callers tell apart.
var (
	// ErrDemand: a number of the demand is out of its range.
	ErrDemand = errors.New("unusable demand")
	// ErrRoom: the demand does not fit nodes of this size.
	ErrRoom = errors.New("no room")
)

// New works out what d takes at rates r.
func New(d Demand, r Rates) (*Plan, error) {
	if err := errors.Join(d.check(), r.check()); err != nil {
		return nil, err
	}
	s := sheet{values: d.variables(r)}
	d.sizes(&s)
	if err := d.layout(&s); err != nil {
		return nil, err
	}
	d.time(&s, r)
	return &Plan{Demand: d, Rates: r, Cells: s.cells}, nil
}

// Value returns the value of the cell of that key. ok is false where the plan
// has none: an embedded engine has no graph.
func (p *Plan) Value(key string) (value float64, ok bool) {
	for _, c := range p.Cells {
		if c.Key == key {
			return c.Value, true
		}
	}
	return 0, false
}

// sizes adds the bytes in memory and on disk of one copy of the data.
func (d Demand) sizes(s *sheet) {
	memory, onDisk, spare, tokens := localMemory(), localDisk(), localSpare(d.localLinks() > 0), localTokens
	if d.Engine == Qdrant {
		memory = append([]formula{qdrantVectors(d.Quantisation)}, qdrantMemory()...)
		onDisk, spare, tokens = qdrantDisk(), qdrantSpare(), qdrantTokens
		if d.Quantisation != index.Unquantised {
			onDisk = slices.Insert(onDisk, 1, qdrantCodes())
		}
	}
	s.add(memory...)
	s.add(s.sum(Cell{Key: "memory", Label: "memory", Unit: Bytes}, "", "mem"))
	s.add(onDisk...)
	if d.Tokens > 0 {
		s.add(tokens(d.TokenKind))
	}
	s.add(s.sum(Cell{Key: "diskData", Label: "data", Unit: Bytes}, "", "disk"), spare, snapshot())
	s.add(s.sum(Cell{Key: "disk", Label: "disk", Unit: Bytes}, "diskData", "spare"))
}

// layout adds shards and nodes.
func (d Demand) layout(s *sheet) error {
	if d.Engine == Local {
		s.add(localLayout()...)
		if s.values.of("capacity") < s.values.of("n") {
			return fmt.Errorf("the embedded engine takes %s of memory and %s of disk, a node has %s (80 %% of it usable) and %s, wanted a larger node or engine qdrant: %w",
				size(s.values.of("memory")), size(s.values.of("disk")), size(d.Memory), size(d.Disk), ErrRoom)
		}
		return nil
	}
	s.add(qdrantShards(d.Shards > 0), qdrantPerNode())
	if s.values.of("perNode") < 1 {
		return fmt.Errorf("one of %.0f shards takes %s of memory and %s of disk, a node has %s (80 %% of it usable) and %s, wanted more shards: %w",
			s.values.of("shards"), size(s.values.of("memory")/s.values.of("shards")), size(s.values.of("disk")/s.values.of("shards")), size(d.Memory), size(d.Disk), ErrRoom)
	}
	s.add(qdrantLayout()...)
	return nil
}

// time adds hours, milliseconds and months.
func (d Demand) time(s *sheet, r Rates) {
	s.add(encoding(r.Device != "cpu"))
	if d.Engine == Qdrant {
		s.add(qdrantTime()...)
	} else {
		s.add(localTime(d.localLinks() > 0)...)
	}
	if d.Growth > 0 {
		s.add(growth())
	}
}

// variables names the numbers that formulas begin with.
func (d Demand) variables(r Rates) values {
	return values{
		"n": float64(d.Items), "D": float64(d.Dim), "P": float64(d.Payload), "F": float64(d.Indexes), "T": float64(d.Tokens), "d": float64(cmp.Or(d.TokenDim, d.Dim)),
		"M": float64(d.Links), "L": float64(d.localLinks()), "S": float64(d.Shards), "R": float64(d.Replicas),
		"RAM": d.Memory, "DISK": d.Disk, "cores": float64(d.Cores), "E": float64(d.Encoders), "G": float64(d.Growth),
		"decode": r.Decode, "encode": r.Encode, "load": r.Import, "upload": r.Upload, "scan": r.Scan, "link": r.Link, "walk": r.Walk, "elink": r.EmbeddedLink, "ewalk": r.EmbeddedWalk,
	}
}

// localLinks is how many links the embedded engine keeps room for in each row.
func (d Demand) localLinks() int {
	tokens := index.TokenFormat{Kind: cmp.Or(d.TokenKind, index.TokensFloat16), Count: d.Tokens, Dim: cmp.Or(d.TokenDim, d.Dim)}
	if d.Items < graph.MinRows || d.Tokens > 0 && tokens.Size() > local.LargeTokens {
		return 0
	}
	return graph.Degree
}

// limit is the range of a whole number of a demand.
type limit struct {
	name        string
	value       int
	least, most int
}

// check refuses what no plan can be made of.
func (d Demand) check() error {
	const many = 1 << 50 // the sum of all bytes stays exact in a float64
	limits := []limit{
		{"items", d.Items, 1, many}, {"dim", d.Dim, 1, 65536}, {"payload", d.Payload, 0, 1 << 30},
		{"indexes", d.Indexes, 0, 1000}, {"tokens", d.Tokens, 0, 1 << 20}, {"token_dim", d.TokenDim, 0, 65536}, {"shards", d.Shards, 0, 1 << 20},
		{"replicas", d.Replicas, 1, 1000}, {"cores", d.Cores, 1, 1 << 20}, {"encoders", d.Encoders, 1, 1 << 20},
		{"growth", d.Growth, 0, many},
	}
	if d.Engine == Qdrant {
		limits = append(limits, limit{"links", d.Links, 2, 1024})
	}
	for _, l := range limits {
		if l.value < l.least || l.value > l.most {
			return fmt.Errorf("%s is %d, wanted %d to %d: %w", l.name, l.value, l.least, l.most, ErrDemand)
		}
	}
	for name, v := range map[string]float64{"memory": d.Memory, "disk": d.Disk} {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%s of a node is %v bytes, wanted a number above 0: %w", name, v, ErrDemand)
		}
	}
	if d.Tokens > 0 {
		f := index.TokenFormat{Kind: cmp.Or(d.TokenKind, index.TokensFloat16), Count: d.Tokens, Dim: cmp.Or(d.TokenDim, d.Dim)}
		if err := f.Check(); err != nil {
			return fmt.Errorf("%w: %w", err, ErrDemand)
		}
		if d.Engine == Qdrant && f.Elements() > multivector {
			return fmt.Errorf("%s, a collection takes %d elements of an item: %w", f, multivector, ErrDemand)
		}
	}
	return d.checkEngine()
}

// multivector is how many elements of tokens Qdrant takes of an item.
const multivector = 1 << 20

// checkEngine refuses what the engine has not.
func (d Demand) checkEngine() error {
	switch {
	case d.Engine != Local && d.Engine != Qdrant:
		return fmt.Errorf("engine is %q, wanted %s or %s: %w", d.Engine, Local, Qdrant, ErrDemand)
	case !d.Quantisation.Known():
		return fmt.Errorf("quantisation is %q, wanted %s, %s or %s: %w", d.Quantisation, index.Unquantised, index.Int8, index.Binary, ErrDemand)
	case d.Engine == Local && d.Quantisation != index.Int8:
		return fmt.Errorf("quantisation is %s, the embedded engine has %s alone: %w", d.Quantisation, index.Int8, ErrDemand)
	case d.Engine == Local && (d.Shards > 1 || d.Replicas > 1):
		return fmt.Errorf("%d shards and %d replicas, the embedded engine has one of each: %w", d.Shards, d.Replicas, ErrDemand)
	}
	return nil
}
