// Package dense is dense linear algebra in blocks, in float32 and float64: the
// product of two matrices, the Gram matrix of centred data, the Cholesky
// factorisation and the solutions that follow from it.
//
// Everything is made of one product, C += s·A·B, whose inner loop is assembly on
// amd64 (AVX2 or AVX-512) and portable Go elsewhere or with the build tag noasm.
// The loop keeps a tile of C in registers, and what it reads is packed first, so
// that it reads memory in order (Goto & van de Geijn 2008, ACM Transactions on
// Mathematical Software 34(3)). The factorisation and the triangular solutions
// divide a matrix in halves until the blocks are small, so that nearly all of
// their work is such products (Gustavson 1997, IBM Journal of Research and
// Development 41(6)).
//
// A result depends on the kernel, but not on the number of processors. Every
// function looks at its context before each block and returns the context's
// error within a fraction of a second.
package dense
