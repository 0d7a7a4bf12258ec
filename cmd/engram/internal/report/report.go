package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed/pixels"
)

//go:embed report.html
var page string

// document is what the template shows.
type document struct {
	Over       []app.SubjectsScore
	OverPaired []app.PairedSubjectsScore
	LeastP     float64 // of a sign-flip test over so many subjects
	Subjects   []section
}

// section is one subject.
type section struct {
	app.Subject
	Plots []plot
	Grids []grid
}

// grid shows the test scans of a decoder.
type grid struct {
	Decoder  string
	Repeats  int
	Examples []example
}

// example is a scan: the image seen and the images found.
type example struct {
	Seen  picture
	Rank  string
	Found []picture
}

// picture is an image, or its name alone where there is none.
type picture struct {
	Name  string
	URI   template.URL
	Right bool // the image seen, among the images found
}

// HTML writes the report as one file.
func HTML(w io.Writer, e *app.Evaluation) error {
	d := document{Over: e.Over, OverPaired: e.OverPaired, LeastP: math.Ldexp(1, 1-len(e.Subjects))}
	for _, s := range e.Subjects {
		grids, err := grids(s)
		if err != nil {
			return err
		}
		d.Subjects = append(d.Subjects, section{s, plots(s), grids})
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": func(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) },
		"p":       pValue,
		"trim":    func(s fmt.Stringer) string { return strings.TrimSpace(s.String()) },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, d)
}

// pValue writes a p value.
func pValue(p float64) string {
	if p < .001 {
		return "< .001"
	}
	return strings.TrimPrefix(fmt.Sprintf("%.3f", p), "0")
}

// grids returns the examples of each decoder with their pictures.
func grids(s app.Subject) (out []grid, err error) {
	uris := map[int]template.URL{}
	show := func(name string, image int, pictures map[int]*pixels.Image) (picture, error) {
		p := picture{Name: name}
		img := pictures[image]
		if img == nil {
			return p, nil
		}
		if uris[image] == "" {
			if uris[image], err = dataURI(img); err != nil {
				return p, err
			}
		}
		p.URI = uris[image]
		return p, nil
	}
	for _, e := range s.Examples {
		if len(out) == 0 || out[len(out)-1].Decoder != e.Decoder {
			out = append(out, grid{Decoder: e.Decoder, Repeats: e.Repeats})
		}
		x := example{Rank: fmt.Sprintf("%g", e.Rank)}
		if x.Seen, err = show(e.Seen, e.Image, s.Pictures); err != nil {
			return nil, err
		}
		for _, f := range e.Found {
			p, err := show(f.Name, f.Image, s.Pictures)
			if err != nil {
				return nil, err
			}
			p.Right = f.Image == e.Image
			x.Found = append(x.Found, p)
		}
		g := &out[len(out)-1]
		g.Examples = append(g.Examples, x)
	}
	return out, nil
}
