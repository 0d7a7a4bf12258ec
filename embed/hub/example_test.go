package hub_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"engram/data/progress"
	"engram/embed/hub"
)

// A model's files come into a folder, by a commit that can be written down.
func Example() {
	ctx := context.Background()
	home, _ := os.UserHomeDir()
	client, err := hub.New(hub.FromEnvironment(os.Getenv, home))
	if err != nil {
		log.Fatal(err)
	}
	snap, err := client.Resolve(ctx, "Xenova/clip-vit-base-patch32", "main")
	if err != nil {
		log.Fatal(err)
	}
	watch := progress.Func(func(r progress.Report) { fmt.Println(r.Stage, r.Done, r.Total) })
	if _, err := client.Fetch(ctx, snap, []string{"onnx/vision_model.onnx", "tokenizer.json"}, "clip-vit-b-32", watch); err != nil {
		log.Fatal(err)
	}
	fmt.Println("fetched", snap.Commit)
}
