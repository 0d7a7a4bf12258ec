// Package golden compares results of tests with files that Engram itself wrote:
// golden files under testdata. With the flag -update the tests write them
// again, and the change is reviewed as any other:
//
//	go test ./cmd/engram -run Ranking -update
//	git diff cmd/engram/testdata
//
// Golden files of other implementations (NumPy, Pillow, PyTorch) are written by
// the scripts in scripts/ and are read elsewhere. The package is for tests only.
package golden
