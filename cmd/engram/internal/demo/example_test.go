package demo_test

import (
	"fmt"
	"os"

	"engram/cmd/engram/internal/demo"
	"engram/embed/eval"
)

// A report as the command prints it.
func Example() {
	r := demo.Report{
		Scenes: "generated", Subject: "simulated", Embedding: "pixels 1", Seed: 1, Scale: demo.Scales()[0],
		Chosen: demo.Chosen{Preset: "gaussian", Why: "gaussian: of all the best; against linear 2"},
		Served: []demo.Served{{
			Set: "test", Decoder: "chosen decoder", Scans: 300, Repeats: 3, Among: 5360, Metric: "likelihood",
			First: eval.Share{Share: .91, Low: .872, High: .938}, Five: eval.Share{Share: .99, Low: .971, High: .997},
			OneVector: eval.Share{Share: .62, Low: .564, High: .673},
		}},
		Scores: []demo.Score{{
			Set: "test", Choices: 300, Repeats: 3, Decoder: "ideal observer", Chance: 1. / 300,
			Image: eval.Share{Share: .99, Low: .9711, High: .9966},
		}},
		Pictures: demo.Pictures{Test: 8, Zebras: 4, Candidates: 4, TwoWay: .75, Bound: .985, FoundFirst: 11, CaptionsRight: 10, Sheet: "reconstructions.png"},
		Stages:   []demo.Done{{Stage: "scenes", Seconds: 9.5}, {Stage: "index", Seconds: 4}},
	}
	if err := r.Print(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// scenes     generated
	// subject    simulated
	// embedding  pixels 1
	// seed       1, scale small
	// chosen     gaussian: of all the best
	//            against linear 2
	//
	// as served: scans of  repeats  found by        among  scene first (95 %)   in the first five (95 %)  first by one vector (95 %)  chance
	// 300 test scenes      3        chosen decoder  5,360   91.0 % (87.2–93.8)   99.0 % (97.1–99.7)        62.0 % (56.4–67.3)         0.02 %
	//
	// scans of         repeats  found by        scene top-1 (95 %)   scan top-1 (95 %)  chance
	// 300 test scenes  3        ideal observer   99.0 % (97.1–99.7)  –                  0.3 %
	//
	// pictures   12 reconstructed, of 8 test scenes and 4 zebras, each the best of 4 by the scan's own tokens
	// two-way    75.0 % by the CLIP among these 12 (chance 50 %), 98.5 % from the scenes' true tokens
	// captions   10 of these 12 scans are read as a training scene's caption that names a thing that was seen
	// found      11 of these 12 scans find their own scene first, searched as served; the sheet's last row shows what each finds
	// sheet      reconstructions.png
	//
	// seconds    scenes 9.5, index 4.0, together 13.5
}
