// Package plan works out what an index takes before it is built: bytes in
// memory and on disk, shards and nodes, hours to build, milliseconds per query
// and months until the next node.
//
// A plan is a small spreadsheet. Each of its cells is a formula of the numbers
// asked for (Demand), of rates that were measured (Rates), and of cells before
// it. A formula is a function and its text side by side; a test evaluates every
// text and compares it with the function, so that what a plan explains is what it
// says.
//
// # Where the formulas come from
//
// Every formula names its source. For the embedded engine it is the format of
// its files (index/internal/disk/FORMAT.md): the sizes are the engine's own
// (disk.RowSizes), and a test compares them with an index on disk. For Qdrant it
// is the layouts in its source, version 1.18.3, and the rules of thumb of its
// guide to capacity planning:
//
//   - a graph with M links per row has 2M of them in layer 0. A row is in layer
//     l with probability M^-l, and has M links there, which makes
//     M·(1/M + 1/M² + …) = M/(M-1) more. A link takes 4 bytes (Malkov and
//     Yashunin 2018, sections 4 and 4.1). Qdrant packs links more tightly on
//     disk, so the bytes are an upper bound;
//   - half of the data's size is kept free for segments that are rewritten, and
//     its whole size for a snapshot;
//   - a node is full when its data take up 80 % of its memory.
//
// Building a graph and searching one grow with the logarithm of the rows; rates
// measured at one size are scaled by it. That gives the least that they take:
// a larger graph misses the caches of a processor more often.
//
// The images themselves are not counted: they stay where they are.
package plan
