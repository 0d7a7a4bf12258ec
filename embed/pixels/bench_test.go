package pixels

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"engram/data/realtest"
)

// clipOptions prepare images for OpenAI's CLIP ViT-L/14.
var clipOptions = Options{
	Size: 224, Filter: Bicubic, Antialias: true, Crop: Center, Range: [2]float64{0, 1},
	Mean: [3]float64{0.48145466, 0.4578275, 0.40821073}, Std: [3]float64{0.26862954, 0.26130258, 0.27577711},
}

// benchmarkPhotos returns JPEG files of 640×480 pixels by name: a synthetic
// one of waves and noise, and three of COCO.
func benchmarkPhotos(b *testing.B) map[string][]byte {
	b.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 480))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range 480 {
		for x := range 640 {
			wave := 100 + 60*math.Sin(float64(x)/9)*math.Cos(float64(y)/13)
			v := func(k float64) byte { return byte(wave + k*float64(x)/640 + 20*rng.Float64()) }
			img.SetRGBA(x, y, color.RGBA{v(60), v(20), v(-30), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	photos := map[string][]byte{"synthetic": file.Bytes()}
	names, err := filepath.Glob(filepath.Join(realtest.Path(b, "photos/coco"), "val2017", "*.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err == nil && config.Width == 640 && config.Height == 480 && len(photos) < 4 {
			photos[filepath.Base(name)] = data
		}
	}
	return photos
}

// BenchmarkPhoto measures a 640×480 JPEG on its way to a CLIP tensor: the bar
// is 4 ms for both steps on one core.
func BenchmarkPhoto(b *testing.B) {
	transform, err := NewTransform(clipOptions)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, transform.Len())
	for name, data := range benchmarkPhotos(b) {
		img, err := Decode(b.Context(), bytes.NewReader(data), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		label := fmt.Sprintf("%s/%dkB", name, len(data)/1000)
		b.Run(label+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(b.Context(), bytes.NewReader(data), Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(label+"/transform", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := transform.Apply(dst, img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
