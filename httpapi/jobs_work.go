package httpapi

import (
	"fmt"
	"net/http"
	"slices"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/httpapi/jobs"
	"engram/httpapi/keys"

	"github.com/gin-gonic/gin"
)

// workRoutes returns the routes of jobs that administrators ask for.
func (s *Server) workRoutes() []route {
	body := s.opts.MaxBodyBytes
	return []route{
		{http.MethodPost, "/v1/jobs/train", administered, nil, smallBody, s.submitTraining},
		{http.MethodPost, "/v1/jobs/calibrate", administered, []string{"keep"}, body, s.submitCalibration},
		{http.MethodPost, "/v1/jobs/build", administered, nil, smallBody, s.submitBuilding},
		{http.MethodPost, "/v1/jobs/:id/retry", asked, nil, noBody, s.retryJob},
	}
}

// readWork reads the JSON of a job that administrators ask for, where the server does them.
func (s *Server) readWork(c *gin.Context, kind string) ([]byte, error) {
	queue, err := s.queueOf()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(queue.Kinds(), kind) {
		return nil, fmt.Errorf("this server runs no jobs of the kind %s; engram serve --workspace names a folder for their files: %w", kind, problem.ErrNotServed)
	}
	return readJSON(c)
}

// submitTraining answers POST /v1/jobs/train.
func (s *Server) submitTraining(c *gin.Context) error {
	raw, err := s.readWork(c, jobs.Train)
	if err != nil {
		return err
	}
	var ask jobs.Training
	if err := query.ReadObject(raw, &ask, query.Members(ask)); err != nil {
		return err
	}
	return s.submit(c, jobs.Train, ask, true) // which has names of files and no scan
}

// submitBuilding answers POST /v1/jobs/build.
func (s *Server) submitBuilding(c *gin.Context) error {
	raw, err := s.readWork(c, jobs.Build)
	if err != nil {
		return err
	}
	var ask jobs.Building
	if err := query.ReadObject(raw, &ask, query.Members(ask)); err != nil {
		return err
	}
	return s.submit(c, jobs.Build, ask, true)
}

// submitCalibration answers POST /v1/jobs/calibrate.
func (s *Server) submitCalibration(c *gin.Context) error {
	keep, err := boolParam(c, "keep")
	if err != nil {
		return err
	}
	raw, err := s.readWork(c, jobs.Calibrate)
	if err != nil {
		return err
	}
	ask, err := query.ReadCalibration(raw)
	if err != nil {
		return err
	}
	return s.submit(c, jobs.Calibrate, ask, keep)
}

// retryJob answers POST /v1/jobs/{id}/retry.
func (s *Server) retryJob(c *gin.Context) error {
	old, _, err := s.jobOf(c)
	if err != nil {
		return err
	}
	if old.Kind != jobs.Reconstruct { // which only administrators may ask for
		if err := s.authorize(c, keys.Admin, false); err != nil {
			return err
		}
	}
	j, err := s.opts.Jobs.Retry(old.ID)
	return s.accept(c, j, err)
}
