package diffusion_test

import (
	"fmt"
	"log"

	"engram/embed/model"
	"engram/recon/diffusion"
)

// Two steps of DDIM, with a network that always predicts that there is no noise.
func Example() {
	s, err := diffusion.New(model.Scheduler{Steps: 1000, BetaSchedule: "cosine", Prediction: "epsilon"})
	if err != nil {
		log.Fatal(err)
	}
	steps, err := s.Spread(2)
	if err != nil {
		log.Fatal(err)
	}
	signal, _ := s.At(steps[1])
	x := []float32{float32(signal)} // what is left of 1 at the second step
	s.DDIM(x, []float32{0}, steps[1], -1)
	fmt.Println(steps, x)
	// Output: [999 499] [1]
}
