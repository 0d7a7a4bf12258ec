package metrics_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"engram/embed/pixels"
	"engram/recon/metrics"
)

// The reference values are scikit-image's and NumPy's, see scripts/golden_metrics.py.
func TestMetricsAgreeWithTheirReferences(t *testing.T) {
	content, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Width, Height int
		A, B          []int
		PixCorr, SSIM float64
	}
	if err := json.Unmarshal(content, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		a, b := picture(c.Width, c.Height, c.A), picture(c.Width, c.Height, c.B)
		corr, err := metrics.PixCorr(a, b)
		if err != nil || !(math.Abs(corr-c.PixCorr) <= 1e-6) {
			t.Errorf("%d×%d: PixCorr is %v, %v, want %v", c.Width, c.Height, corr, err, c.PixCorr)
		}
		ssim, err := metrics.SSIM(a, b)
		if err != nil || !(math.Abs(ssim-c.SSIM) <= 1e-6) {
			t.Errorf("%d×%d: SSIM is %v, %v, want %v", c.Width, c.Height, ssim, err, c.SSIM)
		}
	}
}

func picture(w, h int, values []int) *pixels.Image {
	img := &pixels.Image{W: w, H: h, Pix: make([]byte, len(values))}
	for i, v := range values {
		img.Pix[i] = byte(v)
	}
	return img
}

func TestPicturesThatCannotBeCompared(t *testing.T) {
	flat := picture(12, 12, slices.Repeat([]int{9}, 3*12*12))
	if corr, err := metrics.PixCorr(flat, flat); corr != 0 || err != nil {
		t.Errorf("one colour has the correlation %v, %v, want 0", corr, err)
	}
	if ssim, err := metrics.SSIM(flat, flat); math.Abs(ssim-1) > 1e-12 || err != nil {
		t.Errorf("one picture has the similarity %v, %v to itself, want 1", ssim, err)
	}
	other, small := picture(12, 11, make([]int, 3*12*11)), picture(10, 12, make([]int, 3*120))
	for _, err := range []error{second(metrics.PixCorr(flat, other)), second(metrics.SSIM(flat, other))} {
		if err == nil || !strings.Contains(err.Error(), "12×12 and 12×11, wanted one size") {
			t.Errorf("two sizes: error %v", err)
		}
	}
	if err := second(metrics.SSIM(small, small)); err == nil || !strings.Contains(err.Error(), "10×12, wanted 11×11") {
		t.Errorf("a picture smaller than the window: error %v", err)
	}
}

func second(_ float64, err error) error { return err }

// A picture is compared with itself.
func Example() {
	img := &pixels.Image{W: 11, H: 11, Pix: make([]byte, 3*11*11)}
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	corr, _ := metrics.PixCorr(img, img)
	ssim, _ := metrics.SSIM(img, img)
	fmt.Printf("%.3f %.3f\n", corr, ssim)
	// Output: 1.000 1.000
}
