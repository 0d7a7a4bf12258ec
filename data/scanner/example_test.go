package scanner_test

import (
	"fmt"

	"engram/data/scanner"
	"engram/data/scenes"
)

// A subject sees 20 scenes three times each. The ideal observer tells from one
// trial which of them it was.
func Example() {
	world := scenes.New(1)
	stimuli := scanner.Stimuli{Count: 20, At: func(i int) (*scanner.Stimulus, error) {
		scene := world.Scene(scenes.Train, uint64(i))
		return scanner.OfScene(&scene, 64), nil
	}}
	subject, err := scanner.New(scanner.Options{Seed: 1, Voxels: 500}, stimuli)
	if err != nil {
		fmt.Println(err)
		return
	}
	responses, err := subject.Responses(stimuli)
	if err != nil {
		fmt.Println(err)
		return
	}
	images := make([]int, stimuli.Count)
	for i := range images {
		images[i] = i
	}
	trials, err := scanner.Schedule{}.Trials(images)
	if err != nil {
		fmt.Println(err)
		return
	}
	observer, err := subject.Observer(responses)
	if err != nil {
		fmt.Println(err)
		return
	}
	right, i := 0, 0
	for measured, err := range subject.Scan(responses, trials, 1) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if found, err := observer.Identify(measured); err == nil && found == trials[i].Image {
			right++
		}
		i++
	}
	fmt.Printf("%d trials of %d voxels, %d identified\n", len(trials), responses.Cols, right)
	// Output:
	// 60 trials of 500 voxels, 60 identified
}
