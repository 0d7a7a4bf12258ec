package thumbnail

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"engram/embed/pixels"
)

// halves returns a PNG file whose left half is red and whose right half is blue.
func halves(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			if x >= w/2 {
				c = color.RGBA{0, 0, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestThumbnailsKeepProportions(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{{600, 300, 128, 64}, {300, 600, 64, 128}, {40, 30, 40, 30}, {2000, 2, 128, 1}, {3000, 1500, 128, 64}} {
		file, err := Make(t.Context(), bytes.NewReader(halves(t, c.w, c.h)), pixels.Limits{}, 128)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != c.wantW || b.Dy() != c.wantH {
			t.Errorf("%d × %d became %v, wanted %d × %d", c.w, c.h, b, c.wantW, c.wantH)
		}
		left, _, _, _ := img.At(2, c.wantH/2).RGBA()
		_, _, right, _ := img.At(c.wantW-3, c.wantH/2).RGBA()
		if left < 0xc000 || right < 0xc000 {
			t.Errorf("%d × %d: red on the left is %x, blue on the right %x", c.w, c.h, left, right)
		}
	}
	if _, err := Make(t.Context(), bytes.NewReader([]byte("no image")), pixels.Limits{}, 128); !errors.Is(err, pixels.ErrFormat) {
		t.Errorf("no image: %v", err)
	}
}

// The cache stays small however many files are asked for: it keeps the latest ones.
func TestCacheIsBounded(t *testing.T) {
	c := NewCache(100)
	made := 0
	get := func(key string, size int) {
		t.Helper()
		file, err := c.Get(key, func() ([]byte, error) { made++; return make([]byte, size), nil })
		if err != nil || len(file) != size {
			t.Errorf("%s: %d bytes, %v", key, len(file), err)
		}
	}
	for i := range 20 {
		get("first", 40)
		get(fmt.Sprint(i), 30)
	}
	if made != 21 || c.bytes > 100 || len(c.known) != c.recent.Len() || len(c.known) != 3 {
		t.Errorf("%d were made, %d bytes of %d files are kept", made, c.bytes, len(c.known))
	}
	get("too large", 101)
	get("too large", 101)
	if made != 23 || c.bytes != 100 {
		t.Errorf("%d were made, %d bytes are kept", made, c.bytes)
	}
	fault := errors.New("fault")
	if _, err := c.Get("bad", func() ([]byte, error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("error %v", err)
	}
}

// Of many that ask for one picture at once, one makes it.
func TestOneMakesWhatManyAskFor(t *testing.T) {
	c := NewCache(100)
	var made atomic.Int32
	begin, all := make(chan bool), sync.WaitGroup{}
	for range 8 {
		all.Go(func() {
			_, err := c.Get("a", func() ([]byte, error) {
				made.Add(1)
				<-begin
				return []byte("file"), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for made.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(begin)
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}

func ExampleCache() {
	c := NewCache(1 << 20)
	for range 2 {
		file, err := c.Get("a", func() ([]byte, error) {
			fmt.Println("made")
			return []byte("a small picture"), nil
		})
		fmt.Println(string(file), err)
	}
	// Output:
	// made
	// a small picture <nil>
	// a small picture <nil>
}
