package report_test

import (
	"fmt"
	"os"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/report"
	"engram/embed/eval"
)

// One decoder was scored on two images, and found both.
func Example() {
	both := eval.Share{Share: 1, Low: .34, High: 1}
	scores := &app.Scores{Galleries: []app.GalleryScore{
		{Decoder: "ridge", Repeats: 3, Gallery: eval.Gallery{Size: 2, Top1: both, Top5: both, Top10: both, Chance: .5}},
	}}
	err := report.CSV(os.Stdout, &app.Evaluation{Subjects: []app.Subject{{Name: "1", Scores: scores}}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// subject,decoder,similarity,repeats,protocol,candidates,figure,value,low,high,predictions
	// 1,ridge,,3,gallery,2,image_top1,1,0.34,1,
	// 1,ridge,,3,gallery,2,image_top5,1,0.34,1,
	// 1,ridge,,3,gallery,2,image_top10,1,0.34,1,
}
