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
	solver, err := s.Solver(diffusion.Solving{Steps: 2})
	if err != nil {
		log.Fatal(err)
	}
	signal, _ := solver.Mix()
	x := []float32{float32(signal)} // what is left of 1 at the first step
	for solver.Left() > 0 {
		fmt.Println(solver.Time())
		solver.Step(x, []float32{0})
	}
	fmt.Println(x)
	// Output:
	// 999
	// 499
	// [1]
}
