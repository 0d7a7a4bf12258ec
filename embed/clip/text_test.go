package clip_test

import (
	"errors"
	"testing"

	"engram/embed/clip"
	"engram/embed/ort/orttest"
)

func TestAModelWithoutTexts(t *testing.T) {
	m, err := clip.WritePixels(t.TempDir(), 8)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clip.OpenText(orttest.Runtime(t), m, clip.Options{}); !errors.Is(err, clip.ErrNoText) {
		t.Errorf("error is %v, want %v", err, clip.ErrNoText)
	}
}
