package pretrain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed/ort/orttest"
)

func TestWidened(t *testing.T) {
	got := widened([]float32{1, 2, 3, 4, 5, 6}, 3, 5)
	if want := []float32{1, 2, 3, 0, 0, 4, 5, 6, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("widened to %v, wanted %v", got, want)
	}
}

// TestADenoiserIsWidened trains one for latents with details, which must begin with what the
// one for latents without them has learned.
func TestADenoiserIsWidened(t *testing.T) {
	t.Parallel()
	rt, out := orttest.Runtime(t), t.TempDir()
	loss := func(m Model, epochs int) float32 {
		t.Helper()
		card, err := Train(t.Context(), rt, out, m, Options{Scale: "tiny", Epochs: epochs})
		if err != nil {
			t.Fatal(m, err)
		}
		return card.Loss
	}
	loss(CLIP, 1)
	loss(Autoencoder, 2)
	loss(Denoiser, 0)
	loss(Detail, 1)
	begun := loss(Denoiser, 1)
	card, err := os.ReadFile(filepath.Join(out, string(Denoiser), CardFile))
	if err != nil || !strings.Contains(string(card), "| begun with model | `") {
		t.Errorf("the card does not say what the denoiser began with (%v)", err)
	}
	if err := os.RemoveAll(filepath.Join(out, string(Denoiser))); err != nil {
		t.Fatal(err)
	}
	if anew := loss(Denoiser, 1); begun > .95*anew {
		t.Errorf("a loss of %.3f after an epoch, and of %.3f from random weights", begun, anew)
	}
}
