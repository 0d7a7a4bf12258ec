package progress_test

import (
	"fmt"
	"testing"

	"engram/data/progress"
)

func TestANilFuncWatchesNothing(t *testing.T) {
	var watch progress.Func
	watch.Report(progress.Report{Stage: "training"})
	watch.Stage("training", "epochs", 3)(1, 3)
}

func ExampleFunc_Stage() {
	watch := progress.Func(func(r progress.Report) {
		fmt.Printf("%s: %d of %d %s\n", r.Stage, r.Done, r.Total, r.Unit)
	})
	set := watch.Stage("training", "epochs", 2)
	set(1, 2)
	set(2, 2)
	// Output:
	// training: 0 of 2 epochs
	// training: 1 of 2 epochs
	// training: 2 of 2 epochs
}
