package sweep_test

import (
	"os"

	"engram/cmd/engram/internal/sweep"
)

// A report prints as a table.
func ExampleReport_Print() {
	r := sweep.Report{
		System: "linux/amd64", Cores: 2, Kernels: "avx512vnni", Source: "train.npy", Engine: "local", Items: 200_000, Dim: 768,
		Build: &sweep.Build{Seconds: 2, Rows: 100_000, Disk: 785e6}, OpenMS: 9, Batch: 4000,
		Points: []sweep.Point{{Queries: "in", Threads: 1, Recall10: 1, Recall16: 1, Least10: 1, Rate: 230, Low: 228, High: 233, P50: 4.3, P99: 4.9}},
	}
	_ = r.Print(os.Stdout) // the standard output takes it
	// Output:
	// machine  linux/amd64, 2 cores, avx512vnni kernels
	// items    200000 × 768, train.npy, engine local
	// build    2.0 s, 100000 items/s, 785.0 MB on disk
	// open     9.0 ms
	// batch    4000 exact queries/s together
	//
	// queries  threads  asked  recall@10  of 95 %  recall@16  queries/s  slowest to fastest  p50 ms  p99 ms
	// in       1        exact  1.0000     1.0      1.0000     230        228 to 233          4.300   4.900
}
