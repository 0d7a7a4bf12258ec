package clip_test

import (
	"errors"
	"strings"
	"testing"

	"engram/embed/clip"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// A graph that takes a fixed number of images gets the last ones with others that are
// black and left out of the answer.
func TestImagesInEveryNumberThatAGraphTakes(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	var images []*pixels.Image
	for i := range 35 {
		images = append(images, &pixels.Image{W: 2, H: 2, Pix: []byte{byte(i), 0, 0, 40, 0, 0, byte(100 - i), 0, 0, 0, 0, 0}})
	}
	want := encode(t, open(t, rt, tokenModel(t, -1), clip.Options{}), images...)
	for _, n := range []int64{1, 2, 3, 16, 20} {
		got := encode(t, open(t, rt, tokenModel(t, n), clip.Options{}), images...)
		for i, v := range got {
			if worstOf(v, want[i]) > 1e-6 {
				t.Errorf("%d at a time: image %d is %v, want %v", n, i, v, want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d at a time: %d vectors", n, len(got))
		}
	}
}

// A graph that wants more than the pixels, such as a whole CLIP, is refused by the name
// of what it wants.
func TestAGraphThatWantsMoreThanPixelsIsRefused(t *testing.T) {
	t.Parallel()
	r := repositories[0]
	r.name = "whole-graph"
	r.image = tower{file: "onnx/model.onnx", in: "pixel_values", out: "image_embeds"}
	m := r.open(t, nil)
	_, err := clip.Open(orttest.Runtime(t), m, clip.Options{})
	if !errors.Is(err, ort.ErrMismatch) || !strings.Contains(err.Error(), "input input_ids is not in the manifest, wanted pixel_values alone") {
		t.Errorf("a whole CLIP as image graph: %v", err)
	}
}
