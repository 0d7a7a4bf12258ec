package onnx

import (
	"bufio"
	"fmt"
	"io"

	"engram/embed/internal/message"

	"google.golang.org/protobuf/encoding/protowire"
)

// Cut says which part of a graph is wanted.
type Cut struct {
	// Outputs are the values that the new graph gives, in order: of any node of the
	// graph or of Append.
	Outputs []string
	// Append are new nodes behind the graph's, with the constants that they need, and
	// Values declares outputs that the file does not declare.
	Append []Node
	Consts []Tensor
	Values []Value
}

// Extract writes the part of an ONNX file of size bytes that cut asks for: the nodes
// that its outputs need, with their constants, inputs and declarations, in their order.
// Values that nested graphs take from around them count as needed; functions stay.
// Parts are copied as they are, so that weights are neither held in memory nor changed;
// weights outside the file (external data) stay where they are, so that the new file
// belongs into the same folder.
//
// An output that nothing makes is an error, and so is one that neither the file nor
// cut.Values declares: its type could not be read from the new file.
func Extract(in io.ReaderAt, size int64, cut Cut, w io.Writer) error {
	x := extraction{r: in, cut: cut}
	err := message.Walk(in, message.Section{End: size}, func(field protowire.Number, body message.Section, value uint64) error {
		return x.readModel(field, body, value)
	})
	if err == nil && x.graph == nil {
		err = message.ErrWire
	}
	if err == nil {
		err = x.graph.reach(cut)
	}
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	graph, err := x.parts()
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	var length int64
	for _, p := range graph {
		length += p.size()
	}
	if length > maxBytes {
		return fmt.Errorf("onnx: the part of the graph takes %d bytes, a model file holds at most %d", length, maxBytes)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	head := protowire.AppendTag(nil, modelGraph, protowire.BytesType)
	if err := writeParts(out, in, x.model); err != nil {
		return err
	}
	if _, err := out.Write(protowire.AppendVarint(head, uint64(length))); err != nil {
		return err
	}
	if err := writeParts(out, in, graph); err != nil {
		return err
	}
	return out.Flush()
}

// extraction is one run of Extract.
type extraction struct {
	r     io.ReaderAt
	cut   Cut
	model []part // the file's fields but for the graph
	graph *index
}

// readModel notes a field of a ModelProto. Information about training is left out.
func (x *extraction) readModel(field protowire.Number, body message.Section, value uint64) (err error) {
	switch field {
	case modelGraph:
		x.graph, err = readIndex(x.r, body)
	case modelIR, 5: // ir_version, model_version
		x.model = append(x.model, part{field: field, varint: true, value: value})
	case modelProducer, 3, 4, 6, modelOpset, 14, modelFunction: // producer_version, domain, doc_string, metadata_props
		x.model = append(x.model, part{field: field, section: body})
	}
	return err
}

// parts returns the fields of the new graph.
func (x *extraction) parts() ([]part, error) {
	g := x.graph
	var parts []part
	for _, n := range g.nodes {
		if n.needed {
			parts = append(parts, part{field: graphNode, section: n.section})
		}
	}
	for i, n := range x.cut.Append {
		b, err := n.marshal()
		if err != nil {
			return nil, fmt.Errorf("appended node %d (%s): %w", i, n.Op, err)
		}
		parts = append(parts, part{field: graphNode, bytes: b})
	}
	for _, t := range x.cut.Consts {
		b, err := t.marshal()
		if err != nil {
			return nil, fmt.Errorf("constant %q: %w", t.Name, err)
		}
		parts = append(parts, part{field: graphInitializer, bytes: b})
	}
	moved := make(map[string]bool) // values that become outputs
	for _, name := range x.cut.Outputs {
		p, err := x.declareOutput(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
		moved[name] = true
	}
	for _, f := range g.fields {
		if f.name == "" || g.needed[f.name] && (f.number != graphValue || !moved[f.name]) {
			parts = append(parts, part{field: f.number, section: f.section})
		}
	}
	return parts, nil
}

// declareOutput returns the declaration of an output.
func (x *extraction) declareOutput(name string) (part, error) {
	for _, v := range x.cut.Values {
		if v.Name == name {
			return part{field: graphOutput, bytes: v.marshal()}, nil
		}
	}
	if s, ok := x.graph.declared[name]; ok {
		return part{field: graphOutput, section: s}, nil
	}
	return part{}, fmt.Errorf("the graph does not declare %q, which it would give", name)
}

// part is a field of a message that is to be written: a varint, bytes, or a section of
// the file.
type part struct {
	field   protowire.Number
	varint  bool
	value   uint64
	bytes   []byte
	section message.Section
}

// length returns the bytes of a part's body.
func (p part) length() int64 {
	if p.bytes != nil {
		return int64(len(p.bytes))
	}
	return p.section.End - p.section.Start
}

// head returns a part's tag, and its value or length.
func (p part) head() []byte {
	if p.varint {
		return protowire.AppendVarint(protowire.AppendTag(nil, p.field, protowire.VarintType), p.value)
	}
	return protowire.AppendVarint(protowire.AppendTag(nil, p.field, protowire.BytesType), uint64(p.length()))
}

// size returns the bytes that a part takes in its message.
func (p part) size() int64 {
	if p.varint {
		return int64(len(p.head()))
	}
	return int64(len(p.head())) + p.length()
}

// writeParts writes the fields of a message.
func writeParts(w *bufio.Writer, r io.ReaderAt, parts []part) error {
	for _, p := range parts {
		if _, err := w.Write(p.head()); err != nil {
			return err
		}
		if p.varint {
			continue
		}
		if p.bytes != nil {
			if _, err := w.Write(p.bytes); err != nil {
				return err
			}
			continue
		}
		n, err := io.Copy(w, io.NewSectionReader(r, p.section.Start, p.length()))
		if err == nil && n < p.length() {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}
