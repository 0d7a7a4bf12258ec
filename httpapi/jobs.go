package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/httpapi/jobs"
	"engram/httpapi/keys"

	"github.com/gin-gonic/gin"
)

// jobView is a job with its address.
type jobView struct {
	jobs.Job
	URL string `json:"url"` // relative to the server
}

func viewJob(j jobs.Job) jobView { return jobView{j, "v1/jobs/" + j.ID} }

// jobsView is the answer to a list of jobs.
type jobsView struct {
	Kinds []string  `json:"kinds"` // that can be submitted
	Jobs  []jobView `json:"jobs"`
}

// jobRoutes returns the routes of jobs.
func (s *Server) jobRoutes() []route {
	return []route{
		{http.MethodGet, "/v1/jobs", asked, nil, noBody, s.listJobs},
		{http.MethodGet, "/v1/jobs/:id", asked, nil, noBody, s.getJob},
		{http.MethodDelete, "/v1/jobs/:id", asked, nil, noBody, s.cancelJob},
		{http.MethodGet, "/v1/jobs/:id/events", asked, nil, smallBody, s.streamJob},
		{http.MethodGet, "/v1/jobs/:id/files/:file", shown, nil, noBody, s.getJobFile},
	}
}

// queueOf returns the queue of jobs, or why there is none.
func (s *Server) queueOf() (*jobs.Queue, error) {
	if s.opts.Jobs == nil {
		return nil, fmt.Errorf("this server runs no jobs; engram serve --jobs names a folder for them: %w", problem.ErrNotServed)
	}
	return s.opts.Jobs, nil
}

// clientOf returns the name of the client's key, and whether it may see the jobs of others.
func (s *Server) clientOf(c *gin.Context) (owner string, all bool) {
	if s.opts.Keys == nil {
		return "", true
	}
	key, err := s.opts.Keys.Find(secretOf(c.Request))
	return key.Name, err == nil && key.Role.Allows(keys.Admin)
}

// reconstructs tells whether jobs make pictures of scans.
func (s *Server) reconstructs() bool {
	return s.opts.Jobs != nil && slices.Contains(s.opts.Jobs.Kinds(), jobs.Reconstruct)
}

// listJobs answers GET /v1/jobs with the client's jobs, the newest first.
func (s *Server) listJobs(c *gin.Context) error {
	queue, err := s.queueOf()
	if err != nil {
		return err
	}
	owner, all := s.clientOf(c)
	view := jobsView{Kinds: queue.Kinds(), Jobs: []jobView{}}
	for _, j := range queue.List() {
		if all || j.Owner == owner {
			view.Jobs = append(view.Jobs, viewJob(j))
		}
	}
	writeJSON(c, http.StatusOK, "application/json", view)
	return nil
}

// jobOf returns the job that the address names and the client may see.
func (s *Server) jobOf(c *gin.Context) (jobs.Job, <-chan struct{}, error) {
	queue, err := s.queueOf()
	if err != nil {
		return jobs.Job{}, nil, err
	}
	j, changed, err := queue.Get(c.Param("id"))
	if owner, all := s.clientOf(c); err == nil && !all && j.Owner != owner {
		err = jobs.ErrNone
	}
	if err != nil {
		return j, nil, fmt.Errorf("there is no job %.40q: %w", c.Param("id"), err)
	}
	return j, changed, nil
}

// getJob answers GET /v1/jobs/{id}.
func (s *Server) getJob(c *gin.Context) error {
	j, _, err := s.jobOf(c)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", viewJob(j))
	return nil
}

// cancelJob answers DELETE /v1/jobs/{id}.
func (s *Server) cancelJob(c *gin.Context) error {
	j, _, err := s.jobOf(c)
	if err != nil {
		return err
	}
	if j, err = s.opts.Jobs.Cancel(j.ID); err != nil {
		return err
	}
	writeJSON(c, http.StatusAccepted, "application/json", viewJob(j))
	return nil
}

// getJobFile answers GET /v1/jobs/{id}/files/{file} with what a job made.
func (s *Server) getJobFile(c *gin.Context) error {
	j, _, err := s.jobOf(c)
	if err != nil {
		return err
	}
	name := c.Param("file")
	content, err := s.opts.Jobs.File(j.ID, name)
	if err != nil {
		return fmt.Errorf("job %s has no file %.40q: %w", j.ID, name, err)
	}
	c.Header("Cache-Control", "private, no-cache") // a preview is replaced
	c.Data(http.StatusOK, mime.TypeByExtension(path.Ext(name)), content)
	return nil
}

// jobTime is after how long a client may come again whose job found no room.
const jobTime = 30 * time.Second

// submit queues a job of the client.
func (s *Server) submit(c *gin.Context, kind string, request any, keep bool) error {
	queue, err := s.queueOf()
	if err != nil {
		return err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	owner, _ := s.clientOf(c)
	j, err := queue.Submit(kind, text, jobs.Terms{Owner: owner, Keep: keep})
	return s.accept(c, j, err)
}

// accept answers that a job waits, or why it does not.
func (s *Server) accept(c *gin.Context, j jobs.Job, err error) error {
	if errors.Is(err, jobs.ErrFull) {
		s.metrics.Refused("jobs")
		retryAfter(c, jobTime)
	}
	if err != nil {
		return err
	}
	c.Header("Location", "/v1/jobs/"+j.ID)
	writeJSON(c, http.StatusAccepted, "application/json", viewJob(j))
	return nil
}

// Bounds of what a job of pictures may ask.
const (
	mostCandidates = 64
	mostSteps      = 1000
)

// submitReconstruction answers POST /v1/jobs/reconstruct.
func (s *Server) submitReconstruction(c *gin.Context) error {
	if _, err := s.queueOf(); err != nil {
		return err
	}
	if !s.reconstructs() {
		return fmt.Errorf("this server has no models that make pictures of the decoder's tokens: %w", problem.ErrNotServed)
	}
	var err error
	var ask jobs.Reconstruction
	if ask.Candidates, err = intParam(c, "candidates", 0, mostCandidates); err != nil {
		return err
	}
	if ask.Steps, err = intParam(c, "steps", 0, mostSteps); err != nil {
		return err
	}
	seed, err := intParam(c, "seed", 0, math.MaxInt32)
	if err != nil {
		return err
	}
	ask.Seed, ask.Subject = uint64(seed), s.opts.SubjectID
	keep, err := boolParam(c, "keep")
	if err != nil {
		return err
	}
	if ask.Repeats, err = s.readScan(c); err != nil {
		return err
	}
	return s.submit(c, jobs.Reconstruct, ask, keep)
}

// boolParam reads an option of the address that is true or false, false where it is missing.
func boolParam(c *gin.Context, name string) (bool, error) {
	given := c.Query(name)
	if given == "" {
		return false, nil
	}
	return query.ParseBool(name, given)
}

// readScan reads the repeats of a scan from a request.
func (s *Server) readScan(c *gin.Context) ([][]float32, error) {
	r := c.Request
	options := r.URL.Query()
	for name := range options {
		if name != "kind" {
			options.Del(name)
		}
	}
	q, err := query.Read(r.Header.Get("Content-Type"), options, query.BodyOf(r))
	if err != nil {
		return nil, err
	}
	if kind := q.Parts[0].Kind; !q.Plain() || kind != query.KindScan && kind != query.KindTrial {
		return nil, fmt.Errorf("wanted one scan or one stored trial: %w", problem.ErrQuery)
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return nil, err
	}
	defer leave()
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	return s.scanOf(q.Parts[0], info, &queryView{})
}

// How the events of a job are sent.
const (
	beat        = time.Second      // between two looks at whether the server shuts down
	heartbeat   = 15 * time.Second // between two comments that keep a silent connection open
	eventTime   = 20 * time.Second // for a client to take an event
	mostReaders = 512
)

// streamJob answers GET /v1/jobs/{id}/events with server-sent events (WHATWG HTML, section
// 9.2): the job, whenever there is something new of it, until it has ended. A client that is
// slow gets the newest state and misses those between.
func (s *Server) streamJob(c *gin.Context) error {
	j, changed, err := s.jobOf(c)
	if err != nil {
		return err
	}
	if s.readers.Add(1) > mostReaders {
		s.readers.Add(-1)
		return fmt.Errorf("%d clients read events already: %w", mostReaders, jobs.ErrFull)
	}
	defer s.readers.Add(-1)
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(time.Time{}) // a test's recorder has none
	c.Header("Content-Type", "text/event-stream")
	c.Header("Cache-Control", "no-store")
	c.Header("X-Accel-Buffering", "no") // nginx passes events on at once
	known, _ := strconv.ParseInt(c.GetHeader("Last-Event-ID"), 10, 64)
	beats, silent := time.NewTicker(beat), time.Duration(0)
	defer beats.Stop()
	for {
		if j.Version != known {
			_ = connection.SetWriteDeadline(time.Now().Add(eventTime))
			if err := writeEvent(c.Writer, j); err != nil {
				return nil // the client has gone
			}
			known, silent = j.Version, 0
		}
		if j.State.Ended() || connection.Flush() != nil {
			return nil
		}
		select {
		case <-c.Request.Context().Done():
			return nil
		case <-changed:
			if j, changed, err = s.opts.Jobs.Get(j.ID); err != nil {
				return nil // it was forgotten
			}
		case <-beats.C:
			if s.draining.Load() {
				return nil
			}
			if silent += beat; silent >= heartbeat {
				silent = 0
				_ = connection.SetWriteDeadline(time.Now().Add(eventTime))
				if _, err := c.Writer.WriteString(":\n\n"); err != nil {
					return nil
				}
			}
		}
	}
}

// writeEvent writes a job as an event.
func writeEvent(w gin.ResponseWriter, j jobs.Job) error {
	text, err := json.Marshal(viewJob(j))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: job\ndata: %s\n\n", j.Version, text)
	return err
}
