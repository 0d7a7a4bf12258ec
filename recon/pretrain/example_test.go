package pretrain_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"engram/embed/model"
	"engram/embed/ort"
	"engram/recon/pretrain"
)

// A CLIP of the smallest scale is trained within seconds, and opened as any
// model is.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	out, err := os.MkdirTemp("", "models")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(out)

	card, err := pretrain.Train(ctx, rt, out, pretrain.CLIP, pretrain.Options{Scale: "tiny", Epochs: 2})
	if err != nil {
		log.Fatal(err)
	}
	m, err := model.Open(filepath.Join(out, "clip"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Kind, m.T, m.D, card.Recipe.Scenes(), card.Scores[0].Name)
	// Output: clip 17 16 512 text to image, top 1 of 20
}
