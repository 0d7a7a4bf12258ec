package onnx

import (
	"fmt"
	"io"

	"engram/embed/internal/message"

	"google.golang.org/protobuf/encoding/protowire"
)

// index says where the parts of a GraphProto lie in a file, and which need which.
type index struct {
	nodes    []indexedNode
	made     map[string]int             // value → the node that makes it
	given    map[string]bool            // constants and inputs
	declared map[string]message.Section // value → its ValueInfoProto
	fields   []indexedField             // everything but nodes and outputs
	needed   map[string]bool            // values, set by reach
}

// indexedNode is a node with the values that it takes, nested graphs included, and
// gives.
type indexedNode struct {
	section message.Section
	takes   []string
	gives   []string
	needed  bool
}

// indexedField is a field of a graph that belongs to the value with a name; "" belongs
// to the graph.
type indexedField struct {
	number  protowire.Number
	name    string
	section message.Section
}

const (
	graphName       = 2
	graphAnnotation = 14 // quantization_annotation
	graphMetadata   = 16
)

// readIndex reads the names of a GraphProto.
func readIndex(r io.ReaderAt, graph message.Section) (*index, error) {
	g := &index{
		made: make(map[string]int), given: make(map[string]bool),
		declared: make(map[string]message.Section), needed: make(map[string]bool),
	}
	err := message.Walk(r, graph, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		name := ""
		switch field {
		case graphNode:
			return g.readNode(r, body)
		case graphName, graphMetadata:
		case graphInitializer:
			name, err = message.Field(r, body, tensorName)
			g.given[name] = true
		case graphSparse:
			name, err = sparseName(r, body)
			g.given[name] = true
		case graphInput:
			name, err = message.Field(r, body, valueName)
			g.given[name], g.declared[name] = true, body
		case graphOutput:
			name, err = message.Field(r, body, valueName)
			g.declared[name] = body
			return err
		case graphValue:
			name, err = message.Field(r, body, valueName)
			if _, ok := g.declared[name]; !ok {
				g.declared[name] = body
			}
		case graphAnnotation:
			name, err = message.Field(r, body, 1)
		default:
			return nil
		}
		if err == nil && name == "" && field != graphName && field != graphMetadata {
			return nil // belongs to no value
		}
		g.fields = append(g.fields, indexedField{field, name, body})
		return err
	})
	return g, err
}

// readNode notes a NodeProto.
func (g *index) readNode(r io.ReaderAt, body message.Section) error {
	n := indexedNode{section: body}
	var err error
	n.takes, n.gives, err = readUses(r, body, 0)
	for _, name := range n.gives {
		g.made[name] = len(g.nodes)
	}
	g.nodes = append(g.nodes, n)
	return err
}

// readUses returns the names of the values that a NodeProto takes and gives. What its
// nested graphs take from around them is taken, too.
func readUses(r io.ReaderAt, node message.Section, depth int) (takes, gives []string, err error) {
	if depth > maxDepth {
		return nil, nil, message.ErrWire
	}
	err = message.Walk(r, node, func(field protowire.Number, body message.Section, _ uint64) error {
		switch field {
		case nodeInput, nodeOutput:
			name, err := message.String(r, body)
			switch {
			case name == "": // an optional one that is left out
			case field == nodeInput:
				takes = append(takes, name)
			default:
				gives = append(gives, name)
			}
			return err
		case nodeAttribute:
			return nestedGraphs(r, body, func(graph message.Section) error {
				free, err := freeNames(r, graph, depth+1)
				takes = append(takes, free...)
				return err
			})
		}
		return nil
	})
	return takes, gives, err
}

// freeNames returns the values that a nested graph takes from the graph around it.
func freeNames(r io.ReaderAt, graph message.Section, depth int) (free []string, err error) {
	var used []string
	own := make(map[string]bool)
	err = message.Walk(r, graph, func(field protowire.Number, body message.Section, _ uint64) (err error) {
		name := ""
		switch field {
		case graphNode:
			takes, gives, err := readUses(r, body, depth)
			used = append(used, takes...)
			for _, name := range gives {
				own[name] = true
			}
			return err
		case graphInitializer:
			name, err = message.Field(r, body, tensorName)
		case graphSparse:
			name, err = sparseName(r, body)
		case graphInput:
			name, err = message.Field(r, body, valueName)
		case graphOutput:
			name, err = message.Field(r, body, valueName)
			used = append(used, name)
			return err
		default:
			return nil
		}
		own[name] = true
		return err
	})
	for _, name := range used {
		if !own[name] {
			free = append(free, name)
		}
	}
	return free, err
}

// reach marks the nodes and values that a cut needs.
func (g *index) reach(cut Cut) error {
	appended := make(map[string]bool)
	for _, t := range cut.Consts {
		appended[t.Name] = true
	}
	var stack []string
	for _, n := range cut.Append {
		stack = append(stack, n.Inputs...)
		for _, name := range n.Outputs {
			appended[name] = true
		}
	}
	for _, name := range cut.Outputs {
		if _, ok := g.made[name]; !ok && !appended[name] {
			return fmt.Errorf("no node of the graph gives %q", name)
		}
		stack = append(stack, name)
	}
	for len(stack) > 0 {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if name == "" || g.needed[name] || appended[name] {
			continue
		}
		g.needed[name] = true
		if g.given[name] {
			continue
		}
		i, ok := g.made[name]
		if !ok {
			return fmt.Errorf("the graph takes %q, which nothing in it gives", name)
		}
		if n := &g.nodes[i]; !n.needed {
			n.needed = true
			stack = append(stack, n.takes...)
		}
	}
	return nil
}
