package recon_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
	"engram/recon"
)

// A picture is taken to its tokens and back.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	models := map[string]*model.Model{}
	for _, name := range []string{"clip", "autoencoder", "denoiser"} {
		if models[name], err = model.Open("models/" + name); err != nil {
			log.Fatal(err)
		}
	}
	encoder, err := clip.Open(rt, models["clip"], clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer encoder.Close()
	r, err := recon.Open(rt, models["autoencoder"], models["denoiser"], ort.SessionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	seen, err := pixels.DecodeFile(context.Background(), "zebra.png", pixels.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := encoder.EncodeTokens(ctx, []*pixels.Image{seen})
	if err != nil {
		log.Fatal(err)
	}
	made, err := r.Reconstruct(ctx, tokens, encoder, recon.Options{Candidates: 8})
	if err != nil {
		log.Fatal(err)
	}
	best := made[0].Candidates[made[0].Best]
	fmt.Println(best.Image.W, best.Image.H, best.Cosine)
}
