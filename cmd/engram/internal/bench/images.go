package bench

import (
	"bytes"
	"context"
	"image/jpeg"
	"runtime"

	"engram/data/scenes"
	"engram/embed/pixels"

	"golang.org/x/sync/errgroup"
)

// pictureSize is the side of a generated image in pixels: as many pixels as the
// photos of COCO have.
const pictureSize = 554

// images measures decoding with preprocessing, and encoding.
func (b *bench) images(ctx context.Context) error {
	files, err := b.pictures(ctx)
	if err != nil {
		return err
	}
	decoded := make([]*pixels.Image, len(files))
	size := b.Encoder.Model().ImageSize
	rates := &b.report.Rates
	rates.Decode, err = b.measure(ctx, "decode images", "images", float64(len(files)), func(ctx context.Context) error {
		return each(ctx, len(files), func(i int) (err error) {
			if decoded[i], err = pixels.Decode(ctx, bytes.NewReader(files[i]), pixels.Limits{}); err != nil {
				return err
			}
			return b.Encoder.Preprocess(decoded[i], make([]float32, 3*size*size))
		})
	})
	if err != nil {
		return err
	}
	// The encoder preprocesses an image on its way to the model. That takes next
	// to no time where the image has the model's size already.
	for i, img := range decoded {
		decoded[i] = crop(img, size)
	}
	rates.Encode, err = b.measure(ctx, "encode images", "images", float64(len(decoded)), func(ctx context.Context) error {
		_, err := b.Encoder.Encode(ctx, decoded)
		return err
	})
	return err
}

// texts measures encoding of captions, together and as a search does it.
func (b *bench) texts(ctx context.Context) error {
	world := scenes.New(1)
	captions := make([]string, b.Images)
	for i := range captions {
		scene := world.Scene(scenes.Train, uint64(i))
		captions[i] = scene.Captions()[0]
	}
	_, err := b.measure(ctx, "encode texts", "texts", float64(len(captions)), func(ctx context.Context) error {
		_, err := b.Text.Encode(ctx, captions)
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.measure(ctx, "encode one text", "texts", 1, func(ctx context.Context) error {
		_, err := b.Text.Encode(ctx, captions[:1])
		return err
	})
	return err
}

// pictures draws scenes and returns them as JPEG files.
func (b *bench) pictures(ctx context.Context) ([][]byte, error) {
	world := scenes.New(1)
	files := make([][]byte, b.Images)
	err := each(ctx, len(files), func(i int) error {
		scene := world.Scene(scenes.Train, uint64(i))
		var file bytes.Buffer
		err := jpeg.Encode(&file, scene.Draw(pictureSize), &jpeg.Options{Quality: 90})
		files[i] = file.Bytes()
		return err
	})
	return files, err
}

// each calls work for 0 to n-1 on all cores.
func each(ctx context.Context, n int, work func(i int) error) error {
	group, stopped := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := 0; i < n && stopped.Err() == nil; i++ {
		group.Go(func() error { return work(i) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// crop returns the upper left corner of an image, size×size pixels; all of an
// image that is smaller.
func crop(img *pixels.Image, size int) *pixels.Image {
	w, h := min(size, img.W), min(size, img.H)
	out := &pixels.Image{W: w, H: h, Pix: make([]byte, 0, 3*w*h)}
	for y := range h {
		out.Pix = append(out.Pix, img.Pix[3*y*img.W:][:3*w]...)
	}
	return out
}
