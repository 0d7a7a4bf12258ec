package app_test

import (
	"errors"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// A model that gives other vectors than on the machine where it was made is refused, or
// told when they differ a little.
func TestOpeningAnEncoderChecksTheCanary(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	var lines []string
	a := app.New(app.Options{
		Library: ort.LibraryOptions{Path: rt.Path(), CacheDir: t.TempDir()},
		Notify:  func(line string) { lines = append(lines, line) },
	})
	m, err := clip.WritePixels(t.TempDir(), 8)
	if err != nil {
		t.Fatal(err)
	}
	canary, err := clip.MakeCanary(t.Context(), rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	canary.Machine.ONNXRuntime = "1.20.0"
	vector := canary.Images[0]
	for _, test := range []struct {
		change float32 // of one element
		told   bool
		err    error
	}{{0, false, nil}, {.1, true, nil}, {1, false, clip.ErrCanary}} {
		lines = nil
		canary.Images[0] = append([]float32{vector[0] + test.change}, vector[1:]...)
		if err := model.WriteCanary(m.Dir(), *canary); err != nil {
			t.Fatal(err)
		}
		encoder, err := a.OpenImageEncoder(t.Context(), m, nil)
		if !errors.Is(err, test.err) || (len(lines) > 0) != test.told {
			t.Errorf("an element is off by %v: %v, told %q", test.change, err, lines)
		}
		if test.told && !strings.Contains(strings.Join(lines, ""), "ONNX Runtime 1.20.0") {
			t.Errorf("it is told as %q", lines)
		}
		if err == nil {
			if err := encoder.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// The canary in the binary is what its CLIP gives on this machine.
func TestTheCarriedCLIPAgreesWithItsCanary(t *testing.T) {
	t.Parallel()
	m, err := newApp(t).OpenModel(t.Context(), app.ScenesCLIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := m.Canary()
	if err != nil || stored == nil {
		t.Fatalf("canary %v, %v", stored, err)
	}
	here, err := clip.MakeCanary(t.Context(), orttest.Runtime(t), m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if image, text, ok := clip.Drift(stored, here); !ok || min(image, text) < .9999 || stored.Fingerprint != m.Fingerprint() {
		t.Errorf("cosines are %v for images and %v for texts (%v), want .9999; fingerprint %s", image, text, ok, stored.Fingerprint)
	}
}
