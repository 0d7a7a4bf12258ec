package train_test

import (
	"fmt"

	"engram/embed/train"
)

// The learning rate of ten steps. It rises in the first three.
func ExampleOneCycle() {
	schedule := train.NewOneCycle(1e-3, 10, .3)
	for _, step := range []int{0, 2, 9} {
		lr, beta1 := schedule.At(step)
		fmt.Printf("step %d: learning rate %.1e, β1 %.2f\n", step, lr, beta1)
	}
	// Output:
	// step 0: learning rate 4.0e-05, β1 0.95
	// step 2: learning rate 1.0e-03, β1 0.85
	// step 9: learning rate 4.0e-08, β1 0.95
}
