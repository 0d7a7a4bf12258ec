package httpapi

import (
	"fmt"
	"math"
	"net/http"

	"engram/embed/glassbrain"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"

	"github.com/gin-gonic/gin"
)

// Brain says where the decoder's voxels lie, so that scans can be shown.
type Brain struct {
	Places *glassbrain.Brain
	// ZScore returns the mean over the repeats of a scan, as z-scores of each voxel's
	// training trials; known is false where these are not known. It is safe for
	// concurrent use.
	ZScore func(repeats [][]float32) (z []float32, known bool, err error)
}

// brainView is what a scan is shown in.
type brainView struct {
	Voxels  int          `json:"voxels"`
	Views   []planeView  `json:"views"`
	Regions []regionView `json:"regions"`
}

// planeView is glassbrain.View.
type planeView struct {
	Name   string     `json:"name"`
	From   string     `json:"from"`
	Left   string     `json:"left"`
	Right  string     `json:"right"`
	Top    string     `json:"top"`
	Bottom string     `json:"bottom"`
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Pixel  [2]float64 `json:"pixel_mm"`
}

type regionView struct {
	Name   string `json:"name"`
	Voxels int    `json:"voxels"`
	// Outlines are closed lines in each view.
	Outlines [][][]int `json:"outlines"`
}

// activityView is a scan in the views of the brain.
type activityView struct {
	Repeats int `json:"repeats"`
	// Relative says what the numbers are z-scores against.
	Relative string `json:"relative"`
	// Views have tenths of standard deviations, null where there are no voxels.
	Views [][]*int `json:"views"`
}

// brain returns what is known of the places of the decoder's voxels.
func (s *Server) brain() (*Brain, error) {
	switch {
	case s.opts.Decoder == nil:
		return nil, fmt.Errorf("this server has no scan decoder, so it shows no scans: %w", problem.ErrNoDecoder)
	case s.opts.Decoder.Brain == nil:
		return nil, fmt.Errorf("nobody says where in the brain the decoder's voxels lie: %w", problem.ErrNoBrain)
	}
	return s.opts.Decoder.Brain, nil
}

// getBrain answers GET /v1/brain.
func (s *Server) getBrain(c *gin.Context) error {
	b, err := s.brain()
	if err != nil {
		return err
	}
	answer := brainView{Voxels: b.Places.Voxels(), Regions: []regionView{}}
	for _, v := range b.Places.Views() {
		answer.Views = append(answer.Views, planeView{
			Name: v.Name, From: v.From, Left: v.Left, Right: v.Right, Top: v.Top, Bottom: v.Bottom, Width: v.Width, Height: v.Height, Pixel: v.Pixel,
		})
	}
	for i, region := range b.Places.Regions() {
		view := regionView{Name: region.Name, Voxels: len(region.Voxels)}
		for _, v := range b.Places.Views() {
			view.Outlines = append(view.Outlines, append([][]int{}, v.Outlines[i]...))
		}
		answer.Regions = append(answer.Regions, view)
	}
	c.Header("Cache-Control", "private, max-age=600")
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// projectScan answers POST /v1/brain/activity: a scan or a stored trial, as for a search.
func (s *Server) projectScan(c *gin.Context) error {
	b, err := s.brain()
	if err != nil {
		return err
	}
	r := c.Request
	q, err := query.Read(r.Header.Get("Content-Type"), r.URL.Query(), query.BodyOf(r))
	if err != nil {
		return err
	}
	if len(q.Parts) != 1 || q.Parts[0].Kind != query.KindScan && q.Parts[0].Kind != query.KindTrial {
		return fmt.Errorf("wanted one scan or one stored trial: %w", problem.ErrQuery)
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	repeats, err := s.scanOf(q.Parts[0], info, &queryView{})
	if err != nil {
		return err
	}
	answer := activityView{Repeats: len(repeats), Relative: "training"}
	z, known, err := b.ZScore(repeats)
	if err != nil {
		return err
	}
	if !known {
		z, answer.Relative = zScore(repeats), "scan"
	}
	pixels, err := b.Places.Project(z)
	if err != nil {
		return err
	}
	for _, view := range pixels {
		answer.Views = append(answer.Views, tenths(view))
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// zScore returns the mean over repeats as z-scores over all voxels of the scan.
func zScore(repeats [][]float32) []float32 {
	z := make([]float32, len(repeats[0]))
	for _, row := range repeats {
		for v, x := range row {
			z[v] += x / float32(len(repeats))
		}
	}
	var mean, variance float64
	for _, x := range z {
		mean += float64(x) / float64(len(z))
	}
	for _, x := range z {
		variance += (float64(x) - mean) * (float64(x) - mean) / float64(len(z))
	}
	deviation := math.Sqrt(variance)
	for v, x := range z {
		z[v] = 0
		if deviation > 0 {
			z[v] = float32((float64(x) - mean) / deviation)
		}
	}
	return z
}

// tenths rounds to tenths; NaN is nil.
func tenths(values []float32) []*int {
	list := make([]*int, len(values))
	for i, v := range values {
		if v == v {
			rounded := int(math.Round(10 * max(-100, min(100, float64(v)))))
			list[i] = &rounded
		}
	}
	return list
}
