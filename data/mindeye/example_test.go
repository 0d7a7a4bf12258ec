package mindeye_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/data/mindeye"
)

func Example() {
	dir, err := os.MkdirTemp("", "mindeye")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "train_subj01_0.tar")
	sample := &mindeye.Sample{
		Number: 7482, Format: "png", Picture: []byte("the file"),
		Repeats: 3, Voxels: []float32{1, 2, 3, 4, 5, 6}, Trials: []int64{10, 70, 300},
		COCO73K: 46002, Uniques: 3,
	}
	err = mindeye.WriteFile(path, func(yield func(*mindeye.Sample, error) bool) { yield(sample, nil) })
	if err != nil {
		fmt.Println(err)
		return
	}
	for s, err := range mindeye.ReadFile(path) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("sample %d: %d repeats of %d voxels, picture %d\n", s.Number, s.Repeats, len(s.Voxels)/s.Repeats, s.COCO73K)
	}
	// Output:
	// sample 7482: 3 repeats of 2 voxels, picture 46002
}
