package study_test

import (
	"fmt"
	"os"

	"engram/embed/scan/study"
)

// Two seeds of a study become rows with the baseline's paired difference.
func ExampleSummarise() {
	cell := func(seed uint64, linear, gaussian float64) study.Done {
		return study.Done{Cell: study.Cell{Noise: 1, Images: 84, Seed: seed}, Outcomes: []study.Outcome{
			{Preset: "linear", Decoder: "linear", Repeats: 3, Top1: linear},
			{Preset: "gaussian", Decoder: "gaussian", Repeats: 3, Top1: gaussian},
		}}
	}
	rows := study.Summarise([]study.Done{cell(1, .10, .15), cell(2, .20, .25)}, "linear")
	for _, r := range rows {
		fmt.Printf("%s %d %.2f\n", r.Preset, r.Seeds, r.Top1.Mean)
	}
	fmt.Printf("%.2f\n", rows[1].Difference.Mean)
	if err := study.WriteCSV(os.Stdout, rows[:1]); err != nil {
		fmt.Println(err)
	}
	// Output:
	// linear 2 0.15
	// gaussian 2 0.20
	// 0.05
	// images,noise,repeats,preset,seeds,top1,top1_low,top1_high,two_way,difference,difference_low,difference_high
	// 84,1,3,linear,2,0.15,0,0.78531,0,,,
}
