package report_test

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/report"
	"engram/embed/eval"
	"engram/embed/pixels"
)

// evaluation is of two subjects and two decoders, one under a name that is markup.
func evaluation(t *testing.T) *app.Evaluation {
	t.Helper()
	e := &app.Evaluation{Over: []app.SubjectsScore{{Decoder: "a<b>", Similarity: "decoder", Repeats: 2, Set: "all", Among: app.AmongAll, Subjects: 2}}}
	for _, subject := range []string{"1", "2"} {
		s := &app.Scores{Scores: []app.Score{{Decoder: "a<b>"}, {Decoder: "ridge"}}, Pictures: map[int]*pixels.Image{}}
		for i := range 6 {
			s.Pictures[i] = &pixels.Image{W: 4, H: 3, Pix: bytes.Repeat([]byte{byte(40 * i)}, 36)}
		}
		var outcomes []eval.Outcomes
		for k, decoder := range []string{"a<b>", "ridge"} {
			o := eval.Outcomes{}
			for i := range 60 {
				rank := float64(1 + (i+k)%3/2)
				o.Image, o.Brain, o.TwoWay = append(o.Image, rank), append(o.Brain, rank), append(o.TwoWay, 1/rank)
				o.Margin, o.Candidates = append(o.Margin, float64(i%7)/rank), append(o.Candidates, 60)
			}
			outcomes = append(outcomes, o)
			for _, repeats := range []int{1, 2} {
				r, err := o.Reliability(1)
				if err != nil {
					t.Fatal(err)
				}
				s.Reliability = append(s.Reliability, app.ReliabilityScore{Decoder: decoder, Repeats: repeats, Reliability: r})
				s.Sets = append(s.Sets, app.SetScore{Decoder: decoder, Similarity: "decoder", Repeats: repeats, Set: "all", SetScore: o.Score(1)})
				for _, size := range []int{30, 60} {
					s.Galleries = append(s.Galleries, app.GalleryScore{Decoder: decoder, Repeats: repeats, Gallery: eval.NewGallery(size, o.Image)})
				}
			}
			s.Galleries = append(s.Galleries, app.GalleryScore{Decoder: decoder, Repeats: 2, Gallery: eval.NewGallery(1000, o.Image), Index: "photos"})
			s.Examples = append(s.Examples, app.Example{Decoder: decoder, Repeats: 2, Seen: "0.png", Rank: 2, Found: []app.FoundImage{{Name: "5.png", Image: 5}, {Name: "0.png"}}})
		}
		paired, err := eval.Compared(outcomes[0], outcomes[1], 1)
		if err != nil {
			t.Fatal(err)
		}
		s.Paired = []app.PairedScore{{FirstDecoder: "a<b>", SecondDecoder: "ridge", Repeats: 2, Paired: paired, Adjusted: 1}}
		e.Subjects = append(e.Subjects, app.Subject{Name: subject, Scores: s})
	}
	over, err := eval.ComparedSubjects([]float64{.1, .2}, []float64{.01, -.01}, 1)
	if err != nil {
		t.Fatal(err)
	}
	e.OverPaired = []app.PairedSubjectsScore{{FirstDecoder: "a<b>", SecondDecoder: "ridge", Repeats: 2, PairedSubjects: over, Adjusted: .5}}
	return e
}

// The report stands alone: no script, no address of another file, and names are text.
func TestHTMLStandsAlone(t *testing.T) {
	var file bytes.Buffer
	if err := report.HTML(&file, evaluation(t)); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	for _, never := range []string{"http:", "https:", "<script", "<link", "url(", "a<b>", "ZgotmplZ", "NaN", "%!"} {
		if strings.Contains(text, never) {
			t.Errorf("the report has %q in it", never)
		}
	}
	for want, times := range map[string]int{
		"<h2>Subject ": 2, "<svg": 8, "as served": 4, "<h3>Test scans: ": 4, "a&lt;b&gt;": 1,
		`src="data:image/jpeg;base64,`: 12, `class="right"`: 4, "Over subjects": 1, "no p is below .500": 1,
	} {
		if got := strings.Count(text, want); got < times {
			t.Errorf("%q comes %d times, wanted %d at least", want, got, times)
		}
	}
	// Every mark lies within the plot.
	for _, m := range regexp.MustCompile(`<circle cx="([-0-9]+)\.\d" cy="([-0-9]+)\.`).FindAllStringSubmatch(text, -1) {
		if len(m[1]) > 3 || strings.HasPrefix(m[1], "-") || strings.HasPrefix(m[2], "-") {
			t.Fatalf("a mark lies at %v", m)
		}
	}
}

func TestCSVHasEveryFigure(t *testing.T) {
	var file bytes.Buffer
	if err := report.CSV(&file, evaluation(t)); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	protocols := map[string]int{}
	for _, line := range lines[1:] {
		protocols[line[4]]++
	}
	// For each subject: 4 sets of 4, 8 galleries of 3, 2 as served of 3, a pair of 5 and
	// 4 reliabilities of 5; and the mean over both.
	for protocol, want := range map[string]int{"all": 2*16 + 2, "gallery": 2 * 24, "as served": 2 * 6, "paired": 2 * 5, "reliability": 2 * 20, "paired over subjects": 5} {
		if protocols[protocol] != want {
			t.Errorf("%d lines of %s, want %d", protocols[protocol], protocol, want)
		}
	}
}
