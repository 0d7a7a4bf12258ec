package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"engram/embed/grad"
)

// Net is a network under construction, in one graph. It is not safe for
// concurrent use.
type Net struct {
	graph  *grad.Graph
	style  Style
	params map[string]*grad.Node
	starts map[string]Start
}

// New returns an empty network.
func New(s Style) *Net {
	return &Net{graph: grad.NewGraph(), style: s, params: map[string]*grad.Node{}, starts: map[string]Start{}}
}

// Graph returns the graph that the network is built in.
func (n *Net) Graph() *grad.Graph { return n.graph }

// Param returns the parameter of a name, which is made where it is new. It panics
// where the name has another shape.
func (n *Net) Param(name string, start Start, shape ...int) *grad.Node {
	if p := n.params[name]; p != nil {
		if !slices.Equal(p.Shape(), shape) {
			panic(fmt.Sprintf("nn: parameter %s has shape %v, wanted %v", name, p.Shape(), shape))
		}
		return p
	}
	n.starts[name] = start
	n.params[name] = n.graph.Param(name, n.style.Decays(name), shape...).Node()
	return n.params[name]
}

// InitialiseByName returns what fills a parameter's first values, see
// grad.NewState. They depend on the seed and the parameter's name alone, so that
// a layer more or less changes no other.
func (n *Net) InitialiseByName(seed uint64) func(*grad.Param, []float32) {
	return func(p *grad.Param, values []float32) {
		n.starts[p.Name].fill(rand.New(rand.NewPCG(seed, hash(p.Name))), values)
	}
}

// InitialiseInOrder returns what fills a parameter's first values from one stream
// of random numbers. It must be called in the order of the graph's parameters, as
// grad.NewState does.
func (n *Net) InitialiseInOrder(rng *rand.Rand) func(*grad.Param, []float32) {
	return func(p *grad.Param, values []float32) { n.starts[p.Name].fill(rng, values) }
}
