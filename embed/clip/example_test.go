package clip_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/embed"
	"engram/embed/clip"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// The model `pixels` compares photos by look on a machine without any model.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	dir, err := os.MkdirTemp("", "pixels")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	m, err := clip.WritePixels(dir, 32)
	if err != nil {
		log.Fatal(err)
	}
	encoder, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer encoder.Close()

	// A ramp of grey, the same ramp darker, and its mirror image.
	ramp := func(from, step int) *pixels.Image {
		img := &pixels.Image{W: 64, H: 64, Pix: make([]byte, 3*64*64)}
		for i := range img.Pix {
			img.Pix[i] = byte(from + step*(i/3%64))
		}
		return img
	}
	v, err := encoder.Encode(ctx, []*pixels.Image{ramp(0, 4), ramp(0, 2), ramp(252, -4)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("D = %d, darker %.3f, mirrored %.3f\n", encoder.Dim(), embed.Dot(v[0], v[1]), embed.Dot(v[0], v[2]))
	// Output: D = 1024, darker 1.000, mirrored -1.000
}
