package crashfs

import "slices"

// node is a file or a folder. What is there now lies in the real folder; a node
// says what of it is durable.
type node struct {
	// Of a file.
	durable []byte // content at the last Sync
	edits   []edit // since then

	// Of a folder.
	names map[string]*node // as they are now
	kept  map[string]entry // as they are durable
}

// entry is what a name stands for after the change of that number; a nil node
// is no file.
type entry struct {
	node   *node
	change int
}

func newFolder() *node { return &node{names: map[string]*node{}, kept: map[string]entry{}} }

func (n *node) isFolder() bool { return n.names != nil }

// edit is a write of data at an offset, or, where data is nil, a change of the
// size to the offset.
type edit struct {
	at   int64
	data []byte
}

// apply returns content after the edit. It may change content.
func (e edit) apply(content []byte) []byte {
	end := e.at + int64(len(e.data))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if e.data == nil {
		return content[:e.at]
	}
	copy(content[e.at:], e.data)
	return content
}

func (n *node) write(at int64, b []byte) {
	if len(b) > 0 {
		n.edits = append(n.edits, edit{at, slices.Clone(b)})
	}
}

func (n *node) sync() {
	for _, e := range n.edits {
		n.durable = e.apply(n.durable)
	}
	n.edits = nil
}

// naming makes a name in a folder stand for a node, or for none.
type naming struct {
	dir  *node
	name string
	to   *node
}

// change is one change of names: it survives a crash as a whole or not at all.
type change struct {
	number  int
	namings []naming
}

// change makes a change, which is not durable. The caller holds the lock.
func (f *FS) change(namings ...naming) {
	f.changes++
	f.pending = append(f.pending, &change{f.changes, namings})
	for _, n := range namings {
		if n.to == nil {
			delete(n.dir.names, n.name)
		} else {
			n.dir.names[n.name] = n.to
		}
	}
}

// settle makes all changes in a folder durable. The caller holds the lock.
func (f *FS) settle(dir *node) {
	f.pending = slices.DeleteFunc(f.pending, func(c *change) bool {
		touches := slices.ContainsFunc(c.namings, func(n naming) bool { return n.dir == dir })
		if touches {
			c.apply(func(d *node) map[string]entry { return d.kept })
		}
		return touches
	})
}

// apply enters the change into the names of its folders, except for names that
// a later change has been made of.
func (c *change) apply(names func(dir *node) map[string]entry) {
	for _, n := range c.namings {
		if in := names(n.dir); in[n.name].change < c.number {
			in[n.name] = entry{n.to, c.number}
		}
	}
}
