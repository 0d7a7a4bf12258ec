package bench_test

import (
	"os"

	"engram/cmd/engram/internal/bench"
)

// A report prints as a table.
func ExampleReport_Print() {
	r := bench.Report{
		Machine: bench.Machine{System: "linux/amd64", Cores: 2, Kernels: "avx512vnni", Go: "go1.26"},
		Model:   "pixels 1", Rows: 1000, Dim: 768,
		Results: []bench.Result{
			{Name: "read memory, one core", Unit: "bytes", Rate: 26e9, Low: 25e9, High: 27e9, Runs: 5},
			{Name: "import, embedded", Unit: "rows", Rate: 50_000, Low: 45_000, High: 51_000, Runs: 3},
			{Name: "search, embedded", Unit: "queries", Rate: 400, Low: 390, High: 410, Runs: 5},
		},
	}
	r.Rates.Device = "cpu"
	_ = r.Print(os.Stdout) // the standard output takes it
	// Output:
	// machine  linux/amd64, 2 cores, avx512vnni kernels, go1.26
	// model   pixels 1 on cpu
	// vectors  1000 × 768, random; images are generated
	//
	// what                   per second   slowest to fastest          runs
	// read memory, one core  26 GB        25 GB to 27 GB              5
	// import, embedded       50000 rows   45000 rows to 51000 rows    3  154 MB of vectors
	// search, embedded       400 queries  390 queries to 410 queries  5  2.5 ms a query
}
