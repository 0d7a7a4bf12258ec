package tokenizer

import (
	"cmp"
	"slices"
)

// trie is a set of texts with values, for finding all texts that begin at a place.
// The children of a node stand in a row, in the order of their bytes.
type trie struct{ nodes []trieNode }

type trieNode struct {
	value    int32 // of the text that ends here, or noToken
	child    int32 // index of the first child
	children uint16
	label    byte
}

// newTrie makes the trie of texts. Where a text is there twice, the value is the
// last one's.
func newTrie(texts map[string]int32) *trie {
	type entry struct {
		text  string
		value int32
	}
	entries := make([]entry, 0, len(texts))
	for text, value := range texts {
		if text != "" {
			entries = append(entries, entry{text, value})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.text, b.text) })
	// A node's texts are entries lo…hi, which agree in depth bytes. Nodes are made
	// breadth first, so that the children of one are neighbours.
	type work struct{ lo, hi, depth int }
	t := &trie{nodes: []trieNode{{value: noToken}}}
	queue := []work{{0, len(entries), 0}}
	for i := 0; i < len(queue); i++ {
		w := queue[i]
		if w.lo < w.hi && len(entries[w.lo].text) == w.depth {
			t.nodes[i].value = entries[w.lo].value
			w.lo++
		}
		t.nodes[i].child = int32(len(t.nodes))
		for w.lo < w.hi {
			label, end := entries[w.lo].text[w.depth], w.lo+1
			for end < w.hi && entries[end].text[w.depth] == label {
				end++
			}
			t.nodes = append(t.nodes, trieNode{value: noToken, label: label})
			t.nodes[i].children++
			queue = append(queue, work{w.lo, end, w.depth + 1})
			w.lo = end
		}
	}
	return t
}

// step returns the child of a node with a label, or -1.
func (t *trie) step(node int32, label byte) int32 {
	n := &t.nodes[node]
	lo, hi := n.child, n.child+int32(n.children)
	for hi-lo > 8 {
		if mid := (lo + hi) / 2; t.nodes[mid].label <= label {
			lo = mid
		} else {
			hi = mid
		}
	}
	for ; lo < hi; lo++ {
		if t.nodes[lo].label == label {
			return lo
		}
	}
	return -1
}

// longest returns the length of the longest text that begins text, or 0.
func (t *trie) longest(text []byte) (length int) {
	node := int32(0)
	for i, c := range text {
		if node = t.step(node, c); node < 0 {
			break
		}
		if t.nodes[node].value != noToken {
			length = i + 1
		}
	}
	return length
}
