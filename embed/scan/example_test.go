package scan_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/embed/ort"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// Three voxels answer to one feature of what was seen; the ridge finds it and
// predicts the feature of a new trial.
func ExampleFitRidge() {
	voxels := blas32.General{Rows: 4, Cols: 3, Stride: 3, Data: []float32{
		1, 2, 7,
		2, 4, 7,
		3, 6, 7,
		4, 8, 7,
	}}
	seen := blas32.General{Rows: 4, Cols: 1, Stride: 1, Data: []float32{10, 20, 30, 40}}

	z, err := scan.FitZScore(context.Background(), voxels)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := z.Apply(voxels); err != nil {
		fmt.Println(err)
		return
	}
	ridge, err := scan.FitRidge(context.Background(), voxels, seen, scan.RidgeOptions{Lambda: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	trial := blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: []float32{2.5, 5, 7}}
	if err := z.Apply(trial); err != nil {
		fmt.Println(err)
		return
	}
	predicted, err := ridge.Predict(context.Background(), trial)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f\n", predicted.Data[0])
	// Output: 25.0
}

// A decoder is trained on ten trials, saved, opened, and asked what to search
// an index for. Two voxels answer to the two elements of what was seen, a third
// to nothing.
func ExampleTrain() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	data := scan.Data{T: 1, D: 2, Voxels: blas32.General{Cols: 3, Stride: 3}, Targets: blas32.General{Cols: 2, Stride: 2}}
	for i := range 10 {
		a, b := float32(i%4), float32(i%3)
		data.Targets.Rows, data.Targets.Data = i+1, append(data.Targets.Data, a, b)
		data.Voxels.Rows, data.Voxels.Data = i+1, append(data.Voxels.Data, 500+2*a, 300-5*b, 100)
		data.Images = append(data.Images, i)
	}
	model, err := scan.Train(ctx, rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "decoder")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := model.Save(filepath.Join(dir, "mine")); err != nil {
		log.Fatal(err)
	}

	decoder, err := scan.Open(rt, filepath.Join(dir, "mine"), ort.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer decoder.Close()
	trial := blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: []float32{506, 290, 100}}
	tokens, err := decoder.Decode(ctx, trial)
	if err != nil {
		log.Fatal(err)
	}
	query, err := decoder.FirstStage(tokens.Data)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("seen %.1f, search for %.1f\n", tokens.Data, query)
	// Output: seen [3.0 2.0], search for [0.8 0.6]
}
