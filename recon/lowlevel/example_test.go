package lowlevel_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/embed/model"
	"engram/embed/ort"
	"engram/recon"
	"engram/recon/lowlevel"

	"gonum.org/v1/gonum/blas/blas32"
)

// A scan is taken to a blurry image of what was seen.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	vae, err := model.Open("models/autoencoder")
	if err != nil {
		log.Fatal(err)
	}
	autoencoder, err := recon.OpenAutoencoder(rt, vae, ort.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer autoencoder.Close()
	low, err := lowlevel.Open(rt, "decoder/"+lowlevel.Folder, vae, ort.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer low.Close()
	scan := blas32.General{Rows: 1, Cols: 15724, Stride: 15724, Data: make([]float32, 15724)}
	latents, err := low.Predict(ctx, scan)
	if err != nil {
		log.Fatal(err)
	}
	blurry, err := autoencoder.Decode(ctx, latents)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(blurry[0].W, blurry[0].H)
}
