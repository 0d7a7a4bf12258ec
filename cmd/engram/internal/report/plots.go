package report

import (
	"fmt"
	"html/template"
	"slices"

	"engram/cmd/engram/internal/app"
)

// plot is a chart with its legend and a sentence on how to read it.
type plot struct {
	Title, Note string
	SVG         template.HTML
	Legend      []legend
}

type legend struct {
	Name   string
	Colour int
}

// plots returns the plots of a subject.
func plots(s app.Subject) (out []plot) {
	if c, ok := galleryChart(s); ok {
		out = append(out, c.plot("Image top-1 as the gallery grows. Bars are Wilson's 95 % intervals. Where an index is named, the last point is its search as served."))
	}
	if c, ok := repeatsChart(s); ok {
		out = append(out, c.plot("The seen image is the first one found among all images seen, or, cross-validated, among the images of its fold; a scan is the mean of so many repeats."))
	}
	if c, ok := riskChart(s); ok {
		out = append(out, c.plot("Share of wrong first images among the answers given, the most confident ones first. Confidence is the margin between the first image and the second."))
	}
	if c, ok := calibrationChart(s); ok {
		out = append(out, c.plot("Tenths of the images by their stated probability that the first image is right, and how often it was. On the diagonal a probability keeps its word. No image's probability was fitted on itself."))
	}
	return out
}

func (c chart) plot(note string) plot {
	p := plot{Title: c.title, Note: note, SVG: c.svg()}
	for _, s := range c.series {
		p.Legend = append(p.Legend, legend{s.name, s.colour % colours})
	}
	return p
}

// colourOf numbers the decoders of a subject.
func colourOf(s app.Subject, decoder string) int {
	return slices.IndexFunc(s.Scores.Scores, func(score app.Score) bool { return score.Decoder == decoder })
}

// mostRepeats returns the largest number of repeats that was scored.
func mostRepeats(s app.Subject) (most int) {
	for _, r := range s.Sets {
		most = max(most, r.Repeats)
	}
	return most
}

// add appends a point to the series of a name, which it makes where there is none.
func (c *chart) add(name string, colour int, p point) {
	at := slices.IndexFunc(c.series, func(s series) bool { return s.name == name })
	if at < 0 {
		at = len(c.series)
		c.series = append(c.series, series{name: name, colour: colour})
	}
	c.series[at].points = append(c.series[at].points, p)
}

// galleryChart shows top 1 over the size of the gallery, where there are several sizes.
func galleryChart(s app.Subject) (chart, bool) {
	c := chart{title: "Growing gallery", x: "images to choose among", logX: true, top: 1}
	most := mostRepeats(s)
	for _, g := range s.Galleries {
		if g.Repeats != most || g.Set != "" {
			continue
		}
		c.add(g.Decoder, colourOf(s, g.Decoder), point{float64(g.Size), g.Top1.Share, g.Top1.Low, g.Top1.High})
		if !slices.Contains(c.ticks, float64(g.Size)) {
			c.ticks = append(c.ticks, float64(g.Size))
		}
	}
	slices.Sort(c.ticks)
	return c, len(c.ticks) > 1
}

// repeatsChart shows top 1 among all images seen over the number of repeats, where
// there are several.
func repeatsChart(s app.Subject) (chart, bool) {
	c := chart{title: "Averaged repeats", x: "repeats averaged", logX: true, top: 1}
	for _, r := range s.Sets {
		if r.Set != app.AllImages || r.Among == app.AmongTrained || r.Similarity != s.Sets[0].Similarity {
			continue
		}
		c.add(r.Decoder, colourOf(s, r.Decoder), point{float64(r.Repeats), r.ImageTop1.Share, r.ImageTop1.Low, r.ImageTop1.High})
		if !slices.Contains(c.ticks, float64(r.Repeats)) {
			c.ticks = append(c.ticks, float64(r.Repeats))
		}
	}
	return c, len(c.ticks) > 1
}

// riskChart shows risk over coverage for the most repeats.
func riskChart(s app.Subject) (chart, bool) {
	c := chart{title: "Risk and coverage", x: "answers given, the most confident first", ticks: []float64{0, .25, .5, .75, 1}}
	for _, r := range s.Reliability {
		if r.Repeats != mostRepeats(s) {
			continue
		}
		name := fmt.Sprintf("%s, area %.4f (best order %.4f, no order %.4f)", r.Decoder, r.AURC, r.Best, r.Risk)
		for _, p := range r.Curve {
			c.add(name, colourOf(s, r.Decoder), point{x: p.Share, y: p.Risk})
			c.top = max(c.top, p.Risk)
		}
	}
	for _, top := range []float64{.02, .04, .1, .2, .4, 1} {
		if c.top <= top {
			c.top = top
			break
		}
	}
	return c, len(c.series) > 0
}

// calibrationChart shows stated probability against the share of hits.
func calibrationChart(s app.Subject) (chart, bool) {
	c := chart{title: "Is the first one right?", x: "stated probability", ticks: []float64{0, .25, .5, .75, 1}, top: 1, diagonal: true}
	for _, r := range s.Reliability {
		if r.Repeats != mostRepeats(s) || r.Calibration == nil {
			continue
		}
		name := fmt.Sprintf("%s, calibration error %.3f", r.Decoder, r.Calibration.Error)
		for _, bin := range r.Calibration.Bins {
			c.add(name, colourOf(s, r.Decoder), point{bin.Predicted, bin.Found.Share, bin.Found.Low, bin.Found.High})
		}
	}
	return c, len(c.series) > 0
}
