package grad

import (
	"fmt"
	"slices"

	"engram/embed/onnx"
)

// MatMul returns the matrix product of a and b: [M,K]·[K,N], or with the same
// leading dimensions on both, or [...,M,K]·[K,N] with a matrix on the right.
func MatMul(a, b *Node) *Node {
	ra, rb := len(a.shape), len(b.shape)
	if ra < 2 || rb < 2 || a.shape[ra-1] != b.shape[rb-2] {
		panic(fmt.Sprintf("grad: MatMul of %v and %v", a.shape, b.shape))
	}
	switch {
	case ra == 2 && rb == 2:
		return gemm(a, b, false, false)
	case rb == 2 && a.shape[0] == Batch: // the rows cannot be counted, and need no gradient
		shape := append(slices.Clone(a.shape[:ra-1]), b.shape[1])
		return a.op.graph.simple("MatMul", onnx.Float, shape, nil, a, b)
	case rb == 2:
		k := a.shape[ra-1]
		rows := size(a.shape[:ra-1])
		flat := gemm(Reshape(a, rows, k), b, false, false)
		return Reshape(flat, append(slices.Clone(a.shape[:ra-1]), b.shape[1])...)
	case ra == rb && slices.Equal(a.shape[:ra-2], b.shape[:rb-2]):
		return batchMatMul(a, b)
	}
	panic(fmt.Sprintf("grad: MatMul of %v and %v", a.shape, b.shape))
}

// MatMulT returns a·bᵀ for two matrices: [M,K]·[N,K]ᵀ.
func MatMulT(a, b *Node) *Node { return gemm(a, b, false, true) }

// batchMatMul multiplies [...,M,K] and [...,K,N].
func batchMatMul(a, b *Node) *Node {
	r := len(a.shape)
	shape := slices.Clone(a.shape)
	shape[r-1] = b.shape[r-1]
	n := a.op.graph.simple("MatMul", onnx.Float, shape, nil, a, b)
	n.op.backward = func(dy *Node) []*Node {
		return []*Node{batchMatMul(dy, swapLast(b)), batchMatMul(swapLast(a), dy)}
	}
	return n
}

// swapLast transposes the last two axes.
func swapLast(a *Node) *Node {
	perm := allAxes(a, nil)
	r := len(perm)
	perm[r-2], perm[r-1] = perm[r-1], perm[r-2]
	return Transpose(a, perm...)
}

// gemm multiplies two matrices, each transposed on demand.
func gemm(a, b *Node, transA, transB bool) *Node {
	m, k := a.shape[0], a.shape[1]
	if transA {
		m, k = k, m
	}
	kb, n := b.shape[0], b.shape[1]
	if transB {
		kb, n = n, kb
	}
	if k != kb {
		panic(fmt.Sprintf("grad: product of %v and %v over %d and %d", a.shape, b.shape, k, kb))
	}
	attrs := []onnx.Attr{{Name: "transA", Value: flag(transA)}, {Name: "transB", Value: flag(transB)}}
	y := a.op.graph.node(onnx.Float, []int{m, n}, a, b)
	y.op.emit = func(e *emitter) []string {
		if heights := e.stored(b); heights != nil && !transA {
			return []string{gemmBlocks(e, a, b, heights, transB)}
		}
		return []string{e.add("Gemm", attrs, e.value(a), e.value(b))}
	}
	if transA {
		// A block of rows of aᵀ·op(b) needs only a block of the columns of a, and
		// is kept transposed: op(b)ᵀ·a.
		y.op.block = func(e *emitter, heights []int, i int) string {
			attrs := []onnx.Attr{{Name: "transA", Value: flag(!transB)}}
			return e.add("Gemm", attrs, e.value(b), e.split(a, 1, heights)[i])
		}
	}
	y.op.backward = func(dy *Node) []*Node {
		da, db := gemm(dy, b, false, !transB), gemm(a, dy, !transA, false)
		if transA {
			da = gemm(b, dy, transB, true)
		}
		if transB {
			db = gemm(dy, a, true, transA)
		}
		return []*Node{da, db}
	}
	return y
}

// gemmBlocks multiplies a with a parameter b that is kept in transposed row
// blocks: the products of the blocks with the columns of a are summed, or,
// where b is transposed, stand side by side.
func gemmBlocks(e *emitter, a, b *Node, heights []int, transB bool) string {
	blocks := e.leafName(e, b)
	if transB {
		parts := make([]string, len(heights))
		for i, block := range blocks {
			parts[i] = e.add("Gemm", nil, e.value(a), block)
		}
		return e.scaled(b, e.add("Concat", []onnx.Attr{{Name: "axis", Value: int64(1)}}, parts...))
	}
	sum := ""
	for i, columns := range e.split(a, 1, heights) {
		in := []string{blocks[i], columns}
		if i > 0 {
			in = append(in, sum)
		}
		sum = e.add("Gemm", []onnx.Attr{{Name: "transB", Value: int64(1)}}, in...)
	}
	return e.transposed(e.scaled(b, sum))
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
