package avif_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"engram/embed/pixels/avif"
)

// sample reads a file that Pillow wrote (scripts/golden_pictures.py).
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "odd", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func ExampleDecode() {
	ctx := context.Background()
	data, err := os.ReadFile("../testdata/odd/plain.avif")
	if err != nil {
		fmt.Println(err)
		return
	}
	header, err := avif.ReadHeader(ctx, data)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = avif.Decode(ctx, data, header, func(p avif.Picture) error {
		fmt.Printf("%d×%d pixels, %d bytes\n", p.W, p.H, len(p.RGBA))
		return nil
	})
	fmt.Println(err)
	// Output:
	// 64×48 pixels, 12288 bytes
	// <nil>
}

func TestOrientationIsThatOfThePrimaryImage(t *testing.T) {
	for value := 2; value <= 8; value++ {
		header, err := avif.ReadHeader(t.Context(), sample(t, fmt.Sprintf("turned%d.avif", value)))
		if err != nil || header.Orientation != value || header.W != 64 || header.H != 48 {
			t.Errorf("%+v, %v; want 64×48 pixels of orientation %d", header, err, value)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	data := sample(t, "plain.avif")
	for _, end := range []int{16, 100, len(data) / 2} {
		header, err := avif.ReadHeader(t.Context(), data[:end])
		if err == nil {
			err = avif.Decode(t.Context(), data[:end], header, func(avif.Picture) error { return nil })
		}
		if !errors.Is(err, avif.ErrDecode) {
			t.Errorf("%d bytes: %v, want %v", end, err, avif.ErrDecode)
		}
	}
	header, err := avif.ReadHeader(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	blank := append([]byte(nil), data...)
	clear(blank[len(blank)-100:]) // within the codec's data
	if err := avif.Decode(t.Context(), blank, header, func(avif.Picture) error { return nil }); !errors.Is(err, avif.ErrDecode) {
		t.Errorf("damaged data: %v, want %v", err, avif.ErrDecode)
	}
	header.W++
	if err := avif.Decode(t.Context(), data, header, nil); !errors.Is(err, avif.ErrDecode) {
		t.Errorf("a header of another file: %v", err)
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, name := range []string{"plain.avif", "alpha.avif", "sequence.avif", "turned7.avif"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		header, err := avif.ReadHeader(t.Context(), data)
		if err != nil {
			if !errors.Is(err, avif.ErrDecode) {
				t.Error(err)
			}
			return
		}
		if header.Orientation < 1 || header.Orientation > 8 {
			t.Errorf("orientation %d", header.Orientation)
		}
	})
}
