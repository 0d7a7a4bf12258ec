package catalogue_test

import (
	"fmt"

	"engram/embed/hub/catalogue"
)

// A model without a text graph is searched by words with another one of its space.
func ExampleWithWords() {
	with, ok := catalogue.WithWords("hf:Qdrant/clip-ViT-B-32-vision@e0c24ed0fa57fa3e4f97f30de74c51d944036ace")
	fmt.Println(with.Name, ok)
	_, ok = catalogue.WithWords("dinov2-base")
	fmt.Println(ok)
	// Output:
	// clip-vit-b-32 true
	// false
}
