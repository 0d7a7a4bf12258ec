package pixels_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"

	"engram/embed/pixels"
)

// A file becomes the tensor of an encoder in two steps.
func Example() {
	orange := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range orange.Pix {
		orange.Pix[i] = []byte{255, 128, 0, 255}[i%4]
	}
	orange.Set(0, 0, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, orange); err != nil {
		log.Fatal(err)
	}

	img, err := pixels.Decode(context.Background(), &file, pixels.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	transform, err := pixels.NewTransform(pixels.Options{
		Size: 2, Filter: pixels.Bicubic, Antialias: true, Crop: pixels.Center,
		Range: [2]float64{0, 1}, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5},
	})
	if err != nil {
		log.Fatal(err)
	}
	tensor := make([]float32, transform.Len())
	if err := transform.Apply(tensor, img); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d: R %.2f, G %.2f, B %.2f\n", img.W, img.H, tensor[3], tensor[4+3], tensor[8+3])
	// Output: 40×30: R 1.00, G 0.00, B -1.00
}
