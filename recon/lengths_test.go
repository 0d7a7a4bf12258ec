package recon_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"engram/embed"
	"engram/recon"
)

func TestRestoredTokensHaveTheLengthsOfImages(t *testing.T) {
	images := []embed.Tokens{
		{T: 2, D: 2, Data: []float32{3, 4, 0, 1}},
		{T: 2, D: 2, Data: []float32{0, 7, 3, 0}},
	}
	lengths := recon.TokenLengths(images)
	if want := []float64{6, 2}; !slices.Equal(lengths, want) {
		t.Fatalf("lengths are %v, want %v", lengths, want)
	}
	predicted := []embed.Tokens{
		{T: 2, D: 2, Data: []float32{.3, .4, 0, 0}},
		{T: 2, D: 2, Data: []float32{0, -1, 5, 0}},
	}
	recon.RestoreLengths(predicted, lengths)
	for i, want := range [][]float32{{3.6, 4.8, 0, 0}, {0, -6, 2, 0}} {
		for k, x := range predicted[i].Data {
			if math.Abs(float64(x-want[k])) > 1e-6 {
				t.Errorf("tokens %d are %v, want %v", i, predicted[i].Data, want)
				break
			}
		}
	}
	if recon.TokenLengths(nil) != nil {
		t.Error("no images have token lengths")
	}
}

// A decoder that wavers predicts a short token. It is made as long as the tokens
// of images at that position.
func ExampleRestoreLengths() {
	lengths := recon.TokenLengths([]embed.Tokens{{T: 1, D: 2, Data: []float32{0, 1}}})
	predicted := []embed.Tokens{{T: 1, D: 2, Data: []float32{.25, 0}}}
	recon.RestoreLengths(predicted, lengths)
	fmt.Println(predicted[0].Data)
	// Output: [1 0]
}
