package parquet

import (
	"fmt"
	"strings"

	format "github.com/parquet-go/parquet-go"
	meta "github.com/parquet-go/parquet-go/format"
)

// Column is a column that Rows can read.
type Column struct {
	Name string // of a field within a group: "group.field"
	Type string // of its values: "string", "bool", "int64", "float64", "[]string", or "nil" where all are null
}

// Dropped is a column that Rows leaves out.
type Dropped struct {
	Name   string
	Reason string // such as "a list of FLOAT"
}

// column is a column of payloads and where it lies.
type column struct {
	Column
	place
	scalar scalar
}

// place is a leaf of the schema.
type place struct {
	leaf    int         // index among the column chunks of a row group
	typ     format.Type // of a value
	max     byte        // definition level of a value that is there
	element byte        // of a list: definition level of an element, null or not; 0 otherwise
}

// readSchema finds the columns of payloads, the dropped columns, and the columns
// that may hold vectors.
func (f *File) readSchema() {
	s := &schema{f: f, seen: map[string]bool{}}
	for _, e := range f.table.Metadata().Schema {
		if e.Type.Valid {
			s.leaves = append(s.leaves, annotation(e))
		}
	}
	for _, c := range f.table.Root().Columns() {
		s.visit(c)
	}
}

// schema walks the tree of a file's columns.
type schema struct {
	f      *File
	leaves []any // what the file itself says about each leaf, see annotation
	seen   map[string]bool
}

func (s *schema) visit(c *format.Column) {
	name := strings.Join(c.Path(), ".")
	if s.seen[name] {
		s.drop(name, "a name that comes twice")
		return
	}
	s.seen[name] = true
	switch element := listElement(c); {
	case element != nil:
		s.add(name, element, byte(element.parent.MaxDefinitionLevel()))
	case c.Leaf():
		s.add(name, &repeated{leaf: c}, 0)
	case c.Repeated() || isMap(c):
		s.drop(name, "a list of groups or a map")
	case isList(c):
		s.drop(name, "a list of lists or groups")
	default:
		for _, child := range c.Columns() {
			s.visit(child)
		}
	}
}

func (s *schema) drop(name, reason string) {
	s.f.dropped = append(s.f.dropped, Dropped{Name: name, Reason: reason})
}

// add notes a leaf. element is 0 for one that is not in a list.
func (s *schema) add(name string, r *repeated, element byte) {
	at := place{leaf: r.leaf.Index(), typ: r.leaf.Type(), max: byte(r.leaf.MaxDefinitionLevel()), element: element}
	kind, logical := r.leaf.Type().Kind(), annotationOf(r.leaf.Type())
	if logical == nil {
		logical = s.leaves[at.leaf]
	}
	if v := vectorOf(kind, r.leaf.Type().Length(), logical, at); v != nil {
		v.name = name
		s.f.vectors = append(s.f.vectors, v)
	}
	scalar, reason := scalarOf(kind, logical)
	switch {
	case reason != "" && element > 0:
		s.drop(name, "a list of "+reason)
	case reason != "":
		s.drop(name, reason)
	case element > 0 && scalar.typ != "string":
		s.drop(name, fmt.Sprintf("a list of %s", kind))
	default:
		typ := scalar.typ
		if element > 0 {
			typ = "[]string"
		}
		s.f.columns = append(s.f.columns, &column{Column: Column{name, typ}, place: at, scalar: scalar})
	}
}

// repeated is a leaf and the node that repeats.
type repeated struct {
	leaf, parent *format.Column
}

// listElement returns the leaf below c where c is a list of scalars in one of
// its spellings, and nil otherwise: a group with a repeated group with the leaf
// (today's), a group with the repeated leaf, or a repeated leaf alone.
func listElement(c *format.Column) *repeated {
	if c.Leaf() && c.Repeated() {
		return &repeated{leaf: c, parent: c}
	}
	if c.Leaf() || c.Repeated() || !isList(c) || len(c.Columns()) != 1 {
		return nil
	}
	inner := c.Columns()[0]
	switch {
	case !inner.Repeated():
		return nil
	case inner.Leaf():
		return &repeated{leaf: inner, parent: inner}
	case len(inner.Columns()) == 1 && inner.Columns()[0].Leaf() && !inner.Columns()[0].Repeated():
		return &repeated{leaf: inner.Columns()[0], parent: inner}
	}
	return nil
}

func isList(c *format.Column) bool {
	_, ok := annotationOf(c.Type()).(*meta.ListType)
	return ok
}

func isMap(c *format.Column) bool {
	_, ok := annotationOf(c.Type()).(*meta.MapType)
	return ok
}

// annotationOf returns the logical type, such as *meta.ListType, of a node,
// also where the file gives it in the manner of older writers; nil for none.
func annotationOf(t format.Type) any {
	if logical := t.LogicalType(); logical != nil {
		return logical.Value
	}
	return nil
}

// annotation returns the logical type as the file gives it: the decoder does
// not know float16.
func annotation(e meta.SchemaElement) any {
	if e.LogicalType.Value == nil {
		return nil
	}
	return e.LogicalType.Value
}
