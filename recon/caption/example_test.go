package caption_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/data/space"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/recon/caption"

	"gonum.org/v1/gonum/blas/blas32"
)

// The likeliest caption of what was seen, from the mean of three scans.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	clip, err := model.Open("models/clip")
	if err != nil {
		log.Fatal(err)
	}
	captions, err := caption.Open(rt, "decoder/"+caption.Folder, space.Space{Name: clip.Name, Fingerprint: clip.Fingerprint()}, ort.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer captions.Close()
	mean := blas32.General{Rows: 1, Cols: 15724, Stride: 15724, Data: make([]float32, 15724)}
	read, err := captions.Read(ctx, mean, []int{3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(read[0].Likeliest)
}
