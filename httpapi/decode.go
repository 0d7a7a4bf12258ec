package httpapi

import (
	"fmt"
	"net/http"

	"engram/data/space"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"

	"github.com/gin-gonic/gin"
)

// decodedView is what a decoder predicts from a scan.
type decodedView struct {
	Query  queryView   `json:"query"`
	Vector []float32   `json:"vector"` // of unit length
	Model  space.Space `json:"model"`  // of the vector
	TookMS float64     `json:"took_ms"`
}

// decode answers POST /v1/decode with the vector that the decoder predicts from a scan or
// a stored trial.
func (s *Server) decode(c *gin.Context) error {
	r := c.Request
	q, err := query.Read(r.Header.Get("Content-Type"), r.URL.Query(), query.BodyOf(r))
	if err != nil {
		return err
	}
	if kind := q.Parts[0].Kind; !q.Plain() || kind != query.KindScan && kind != query.KindTrial {
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
	view := decodedView{Query: queryView{Kind: q.Parts[0].Kind}}
	repeats, err := s.scanOf(q.Parts[0], info, &view.Query)
	if err != nil {
		return err
	}
	inner, end := s.stage(ctx, "decode")
	view.Vector, err = s.opts.Decoder.Decode(inner, repeats)
	view.TookMS, view.Model = milliseconds(end()), s.opts.Decoder.Space
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", view)
	return nil
}
