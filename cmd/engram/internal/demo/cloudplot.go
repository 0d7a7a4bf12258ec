package demo

import (
	"fmt"
	"image/color"
	"io"

	"engram/data/vfs"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// PlotClouds writes an SVG file: a panel for each prior, with the tokens of what was seen
// and the tokens made of scans along the first two principal components of the former.
func PlotClouds(path string, clouds []Cloud) error {
	panels := make([]*plot.Plot, len(clouds))
	for i, c := range clouds {
		var err error
		if panels[i], err = c.panel(); err != nil {
			return fmt.Errorf("plot of the prior %s: %w", c.Prior, err)
		}
	}
	const side = 9 * vg.Centimeter
	canvas := vgsvg.New(side*vg.Length(len(panels)), side)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Millimeter, PadLeft: vg.Millimeter, PadRight: vg.Millimeter}
	for i, at := range plot.Align([][]*plot.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(at)
	}
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := canvas.WriteTo(w)
		return err
	})
}

// panel draws one prior.
func (c Cloud) panel() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("seed %d, prior %s: clouds %.3f, pairs %.2f", c.Seed, c.Prior, c.Distance, c.Pairs)
	p.X.Label.Text, p.Y.Label.Text = "first component of the true tokens", "second"
	for _, cloud := range []struct {
		name   string
		points [][2]float64
		colour color.Color
	}{
		{"true", c.True, color.NRGBA{R: 120, G: 120, B: 120, A: 200}},
		{"made of scans", c.Made, color.NRGBA{R: 200, G: 60, B: 30, A: 200}},
	} {
		var points plotter.XYs
		for _, at := range cloud.points {
			points = append(points, plotter.XY{X: at[0], Y: at[1]})
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		scatter.Shape, scatter.Color, scatter.Radius = draw.CircleGlyph{}, cloud.colour, vg.Points(2)
		p.Add(scatter)
		p.Legend.Add(cloud.name, scatter)
	}
	p.Legend.Top = true
	return p, nil
}
