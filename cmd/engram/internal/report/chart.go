package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// chart is a plot of lines over one pair of axes.
type chart struct {
	title, x string
	logX     bool      // a logarithmic x axis
	ticks    []float64 // of the x axis
	diagonal bool      // marks y = x
	top      float64   // of the y axis, which begins at 0
	series   []series
}

// series is a line with its points, in ascending order of x.
type series struct {
	name   string
	colour int // among the colours of the style sheet
	points []point
}

// point has a value and, where low < high, its interval.
type point struct{ x, y, low, high float64 }

// Sizes of a plot in user units.
const (
	plotWidth, plotHeight = 460., 300.
	plotLeft, plotRight   = 46., 28.
	plotTop, plotBottom   = 12., 44.
	colours               = 6
)

// svg draws the chart. Each mark has a title, which browsers show over it.
func (c chart) svg() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(c.title))
	c.drawAxes(&b)
	for k, s := range c.series {
		c.drawSeries(&b, s, c.shift(k))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // all text in it is escaped above
}

// shift returns how far a series is drawn beside its place, so that intervals at the
// same few sizes do not hide each other.
func (c chart) shift(k int) float64 {
	if !c.logX {
		return 0
	}
	return 5 * (float64(k) - float64(len(c.series)-1)/2)
}

// at returns the place of a point in user units.
func (c chart) at(x, y float64) (float64, float64) {
	low, high := c.ticks[0], c.ticks[len(c.ticks)-1]
	if c.logX {
		x, low, high = math.Log(x), math.Log(low), math.Log(high)
	}
	share := .5 // of a single tick
	if high > low {
		share = (x - low) / (high - low)
	}
	return plotLeft + share*(plotWidth-plotLeft-plotRight), plotHeight - plotBottom - y/c.top*(plotHeight-plotTop-plotBottom)
}

func (c chart) drawAxes(b *strings.Builder) {
	left, bottom := plotLeft, plotHeight-plotBottom
	for k := range 5 {
		value := c.top * float64(k) / 4
		_, y := c.at(c.ticks[0], value)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, left, plotWidth-plotRight, y, y)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-6, y+4, percent(value))
	}
	last := math.Inf(-1)
	for _, tick := range c.ticks {
		x, _ := c.at(tick, 0)
		if x-last < 36 {
			continue // the labels would overlap
		}
		last = x
		label := percent(tick)
		if c.logX {
			label = grouped(int(tick))
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x, bottom+16, label)
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, (left+plotWidth-plotRight)/2, plotHeight-8, html.EscapeString(c.x))
	if c.diagonal {
		x1, y1 := c.at(0, 0)
		x2, y2 := c.at(1, 1)
		fmt.Fprintf(b, `<line class="ideal" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x1, y1, x2, y2)
	}
}

func (c chart) drawSeries(b *strings.Builder, s series, shift float64) {
	fmt.Fprintf(b, `<g class="c%d">`, s.colour%colours)
	var path []string
	for _, p := range s.points {
		x, y := c.at(p.x, p.y)
		path = append(path, fmt.Sprintf("%.1f,%.1f", x+shift, y))
	}
	if len(path) > 1 {
		fmt.Fprintf(b, `<polyline points="%s"/>`, strings.Join(path, " "))
	}
	for _, p := range s.points {
		x, y := c.at(p.x, p.y)
		x += shift
		interval := ""
		if p.low < p.high {
			_, low := c.at(p.x, max(p.low, 0))
			_, high := c.at(p.x, min(p.high, c.top))
			fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, x, x, low, high)
			interval = fmt.Sprintf(" (%.1f–%.1f)", 100*p.low, 100*p.high)
		}
		where := percent(p.x)
		if c.logX {
			where = grouped(int(p.x))
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4"><title>%s, %s: %.1f %%%s</title></circle>`, x, y, html.EscapeString(s.name), where, 100*p.y, interval)
	}
	b.WriteString("</g>")
}

// percent writes a share for an axis.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(1000*share)/10, 'f', -1, 64) + " %"
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
