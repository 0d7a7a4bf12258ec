package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"engram/cmd/engram/internal/app"
	"engram/embed/eval"
)

// figure is a line of the CSV: a value with what it was measured on.
type figure struct {
	subject, decoder, similarity string
	repeats                      int
	protocol, candidates, name   string
	value                        float64
	interval                     *eval.Interval
	predictions                  int // 0: does not apply
}

// CSV writes every figure in long form: subject, decoder, similarity, repeats, protocol,
// candidates, figure, value, low, high, predictions. Shares are 0 to 1; low and high
// are the 95 % interval and empty where there is none.
func CSV(w io.Writer, e *app.Evaluation) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"subject", "decoder", "similarity", "repeats", "protocol", "candidates", "figure", "value", "low", "high", "predictions"}); err != nil {
		return err
	}
	for _, f := range figures(e) {
		number := func(x float64) string { return strconv.FormatFloat(x, 'g', 8, 64) }
		line := []string{f.subject, f.decoder, f.similarity, "", f.protocol, f.candidates, f.name, number(f.value), "", "", ""}
		if f.repeats > 0 {
			line[3] = strconv.Itoa(f.repeats)
		}
		if f.interval != nil {
			line[8], line[9] = number(f.interval.Low), number(f.interval.High)
		}
		if f.predictions > 0 {
			line[10] = strconv.Itoa(f.predictions)
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// figures lists all figures of an evaluation.
func figures(e *app.Evaluation) (out []figure) {
	for _, s := range e.Subjects {
		out = append(out, setFigures(s)...)
		out = append(out, galleryFigures(s)...)
		out = append(out, pairedFigures(s)...)
		out = append(out, reliabilityFigures(s)...)
	}
	for _, o := range e.Over {
		f := figure{subject: "mean of " + strconv.Itoa(o.Subjects), decoder: o.Decoder, similarity: o.Similarity, repeats: o.Repeats, protocol: o.Set, candidates: o.Among}
		out = append(out, f.of("image_top1", o.ImageTop1), f.of("brain_top1", o.BrainTop1))
		if o.TwoWay != nil {
			out = append(out, f.of("two_way", *o.TwoWay))
		}
	}
	for _, p := range e.OverPaired {
		f := figure{subject: "mean of " + strconv.Itoa(p.Subjects), decoder: p.SecondDecoder + " less " + p.FirstDecoder, repeats: p.Repeats, protocol: "paired over subjects"}
		out = append(out, f.of("image_top1_difference", p.Top1), f.of("two_way_difference", p.TwoWay),
			f.plain("sign_flip_p", p.Top1P), f.plain("sign_flip_p_holm", p.Adjusted), f.plain("two_way_p", p.TwoWayP))
	}
	return out
}

// of returns the figure with a name and a value with its interval.
func (f figure) of(name string, value eval.Interval) figure {
	f.name, f.value, f.interval = name, value.Mean, &value
	return f
}

// plain returns the figure with a name and a value without an interval.
func (f figure) plain(name string, value float64) figure {
	f.name, f.value, f.interval = name, value, nil
	return f
}

func shareInterval(s eval.Share) eval.Interval {
	return eval.Interval{Mean: s.Share, Low: s.Low, High: s.High}
}

func setFigures(s app.Subject) (out []figure) {
	for _, r := range s.Sets {
		f := figure{
			subject: s.Name, decoder: r.Decoder, similarity: r.Similarity, repeats: r.Repeats,
			protocol: r.Set, candidates: strconv.Itoa(r.Candidates), predictions: r.Predictions,
		}
		if r.Among == app.AmongTrained {
			f.protocol = r.Among
		}
		out = append(out, f.of("two_way", r.TwoWay), f.of("image_top1", shareInterval(r.ImageTop1)),
			f.of("image_top5", shareInterval(r.ImageTop5)), f.of("brain_top1", shareInterval(r.BrainTop1)))
	}
	for _, r := range s.Published {
		f := figure{subject: s.Name, decoder: r.Decoder, similarity: r.Similarity, repeats: r.Repeats, protocol: app.PublishedSet, candidates: strconv.Itoa(eval.PublishedGallery)}
		if r.Among == app.AmongTrained {
			f.protocol += " of " + r.Among
		}
		out = append(out, f.of("image_top1", r.Image), f.of("brain_top1", r.Brain))
	}
	return out
}

func galleryFigures(s app.Subject) (out []figure) {
	for _, g := range s.Galleries {
		f := figure{subject: s.Name, decoder: g.Decoder, repeats: g.Repeats, protocol: "gallery", candidates: strconv.Itoa(g.Size)}
		if g.Index != "" {
			f.protocol = "as served"
			if g.Set != "" {
				f.protocol += ", " + g.Set
			}
		}
		out = append(out, f.of("image_top1", shareInterval(g.Top1)), f.of("image_top5", shareInterval(g.Top5)), f.of("image_top10", shareInterval(g.Top10)))
		if c := g.Stated; c != nil {
			out = append(out, f.plain("stated_brier", c.Brier), f.plain("stated_calibration_error", c.Error))
		}
	}
	if c := s.Ceiling; c != nil {
		f := figure{subject: s.Name, repeats: c.Repeats, protocol: "noise ceiling", predictions: c.Images}
		out = append(out, f.plain("ncsnr", c.NCSNR), f.plain("explainable_of_a_trial", c.Single), f.plain("explainable_of_the_mean", c.Mean),
			f.plain("split_half", c.SplitHalf), f.plain("spearman_brown", c.SpearmanBrown))
	}
	return out
}

func pairedFigures(s app.Subject) (out []figure) {
	for _, p := range s.Paired {
		f := figure{subject: s.Name, decoder: p.SecondDecoder + " less " + p.FirstDecoder, repeats: p.Repeats, protocol: "paired", predictions: p.Images}
		out = append(out, f.of("image_top1_difference", p.Top1), f.of("two_way_difference", p.TwoWay),
			f.plain("mcnemar_p", p.McNemar), f.plain("mcnemar_p_holm", p.Adjusted), f.plain("two_way_p", p.Permutation))
	}
	return out
}

func reliabilityFigures(s app.Subject) (out []figure) {
	for _, r := range s.Reliability {
		f := figure{subject: s.Name, decoder: r.Decoder, repeats: r.Repeats, protocol: "reliability", predictions: r.Images}
		out = append(out, f.plain("risk", r.Risk), f.plain("aurc", r.AURC), f.plain("aurc_best", r.Best))
		if c := r.Calibration; c != nil {
			out = append(out, f.plain("brier", c.Brier), f.plain("calibration_error", c.Error))
		}
	}
	return out
}
