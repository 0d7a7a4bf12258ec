package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"

	"github.com/gin-gonic/gin"
)

// Subject is a person whose scans a server takes, beside the one of Options.Decoder.
type Subject struct {
	ID      string // unique; appears in addresses, so it must not name a person
	Decoder *Decoder
	Trials  []Trial // scans that visitors may search with
}

// subjects are the subjects of a server, with the servers that answer for them. Jobs add some.
type subjects struct {
	mu      sync.RWMutex
	list    []Subject // in the order in which they came
	servers map[string]*Server
}

// all returns the subjects, the one of the routes without a subject first.
func (s *subjects) all() []Subject {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.list)
}

// of returns the server of a subject, nil where there is none.
func (s *subjects) of(id string) *Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.servers[id]
}

// checkSubjects returns every fault of the subjects and their trials.
func (o Options) checkSubjects() error {
	var faults []error
	taken := map[string]bool{}
	for _, subject := range o.allSubjects() {
		if taken[subject.ID] {
			faults = append(faults, fmt.Errorf("httpapi: two subjects have the id %q", subject.ID))
		}
		taken[subject.ID] = true
		faults = append(faults, subject.check())
	}
	return errors.Join(faults...)
}

// check returns every fault of a subject and its trials.
func (subject Subject) check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("httpapi: "+format, args...))
	}
	if !collectionNames.MatchString(subject.ID) {
		fault("the id of a subject is %q, wanted up to 100 letters, digits, points, hyphens and underscores, the first a letter or a digit", subject.ID)
	}
	if subject.Decoder == nil {
		fault("subject %s: %d stored trials need a decoder", subject.ID, len(subject.Trials))
	} else if b := subject.Decoder.Brain; b != nil && b.Places.Voxels() != subject.Decoder.Voxels {
		fault("subject %s: the places of %d voxels are known, the decoder takes %d", subject.ID, b.Places.Voxels(), subject.Decoder.Voxels)
	}
	if err := checkTrials(subject.Trials, subject.Decoder); err != nil {
		fault("subject %s: %w", subject.ID, err)
	}
	return errors.Join(faults...)
}

// checkTrials returns every fault of stored trials. Those that are read when they are asked
// for are checked then.
func checkTrials(list []Trial, d *Decoder) error {
	var faults []error
	seen := make(map[string]bool, len(list))
	for i, trial := range list {
		if trial.ID == "" || seen[trial.ID] {
			faults = append(faults, fmt.Errorf("stored trial %d: id %q is empty or taken", i, trial.ID))
		}
		seen[trial.ID] = true
		if trial.Read != nil || d == nil {
			continue
		}
		if err := query.CheckScan(trial.Repeats, d.Voxels); err != nil {
			faults = append(faults, fmt.Errorf("stored trial %q: %w", trial.ID, err))
		}
	}
	return errors.Join(faults...)
}

// allSubjects returns the subjects, the one of the routes without a subject first. There is
// none where the server has neither decoder nor trials.
func (o Options) allSubjects() []Subject {
	if o.Decoder == nil && len(o.Trials) == 0 {
		return o.Subjects
	}
	own := Subject{ID: o.SubjectID, Decoder: o.Decoder, Trials: o.Trials}
	return append([]Subject{own}, o.Subjects...)
}

func trialsByID(list []Trial) map[string]*Trial {
	found := make(map[string]*Trial, len(list))
	for i := range list {
		found[list[i].ID] = &list[i]
	}
	return found
}

// openSubjects makes a server for each subject, which answers the routes that read scans with
// the limits and counters of this one.
func (s *Server) openSubjects() {
	s.subjects = &subjects{servers: map[string]*Server{}}
	for i, subject := range s.opts.allSubjects() {
		s.subjects.list = append(s.subjects.list, subject)
		if s.subjects.servers[subject.ID] = s; i > 0 || s.opts.Decoder == nil {
			s.subjects.servers[subject.ID] = s.serverOfSubject(subject)
		}
	}
}

func (s *Server) serverOfSubject(subject Subject) *Server {
	opts := s.opts
	opts.SubjectID, opts.Decoder, opts.Trials, opts.Subjects = subject.ID, subject.Decoder, subject.Trials, nil
	return s.with(opts, s.base)
}

// PutSubject adds a subject, or replaces the one of its id, which requests under way still
// have. The server's own subject is not replaced.
func (s *Server) PutSubject(subject Subject) error {
	if err := subject.check(); err != nil {
		return err
	}
	made := s.serverOfSubject(subject)
	s.subjects.mu.Lock()
	defer s.subjects.mu.Unlock()
	if s.subjects.servers[subject.ID] == s {
		return fmt.Errorf("httpapi: %q is the server's own subject: %w", subject.ID, problem.ErrExists)
	}
	s.subjects.list = slices.DeleteFunc(slices.Clone(s.subjects.list), func(old Subject) bool { return old.ID == subject.ID })
	s.subjects.list = append(s.subjects.list, subject)
	s.subjects.servers[subject.ID] = made
	return nil
}

// with returns a server of other options, which has everything else in common with this one.
// The addresses of its items begin with base.
func (s *Server) with(opts Options, base string) *Server {
	return &Server{
		opts: opts, base: base, trials: trialsByID(opts.Trials), metrics: s.metrics, tracer: s.tracer,
		queue: s.queue, drawing: s.drawing, bodies: s.bodies, rates: s.rates, guesses: s.guesses, accepted: s.accepted,
		origins: s.origins, thumbnails: s.thumbnails, fetcher: s.fetcher,
	}
}

// ofSubject returns the handler of a route of the subject that the address names.
func (s *Server) ofSubject(handle func(*Server, *gin.Context) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		of := s.subjects.of(c.Param("subject"))
		if of == nil {
			return fmt.Errorf("there is no subject %.100q: %w", c.Param("subject"), problem.ErrNoSubject)
		}
		return handle(of, c)
	}
}

// subjectView describes a subject.
type subjectView struct {
	ID      string       `json:"id"`
	Default bool         `json:"default,omitempty"` // the routes without a subject are of it
	Decoder *decoderView `json:"decoder"`
	Trials  int          `json:"trials"`
	Mask    bool         `json:"mask"` // there is a mask to be had
}

func (s *Server) viewSubject(i int, subject Subject) subjectView {
	return subjectView{
		ID: subject.ID, Default: i == 0 && s.opts.Decoder != nil, Decoder: viewDecoder(subject.Decoder),
		Trials: len(subject.Trials), Mask: subject.Decoder.Mask != nil,
	}
}

// listSubjects answers GET /v1/subjects.
func (s *Server) listSubjects(c *gin.Context) error {
	list := []subjectView{}
	for i, subject := range s.subjects.all() {
		list = append(list, s.viewSubject(i, subject))
	}
	writeJSON(c, http.StatusOK, "application/json", struct {
		Subjects []subjectView `json:"subjects"`
	}{list})
	return nil
}

// getSubject answers GET /v1/subjects/{subject}.
func (s *Server) getSubject(c *gin.Context) error {
	for i, subject := range s.subjects.all() {
		if subject.ID == c.Param("subject") {
			writeJSON(c, http.StatusOK, "application/json", s.viewSubject(i, subject))
			return nil
		}
	}
	return fmt.Errorf("there is no subject %.100q: %w", c.Param("subject"), problem.ErrNoSubject)
}

// getMask answers GET /v1/subjects/{subject}/mask with the NIfTI file of the voxels that the
// decoder takes, in its order.
func (s *Server) getMask(c *gin.Context) error {
	if s.opts.Decoder.Mask == nil {
		return fmt.Errorf("nobody says where in the brain the decoder's voxels lie: %w", problem.ErrNoBrain)
	}
	contentType, name := "application/octet-stream", "mask.nii"
	if bytes.HasPrefix(s.opts.Decoder.Mask, []byte("\x1f\x8b")) {
		contentType, name = "application/gzip", "mask.nii.gz"
	}
	c.Header("Content-Type", contentType)
	c.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", s.opts.SubjectID+"-"+name))
	c.Header("Cache-Control", "private, max-age=600")
	return serveContent(c, time.Time{}, bytes.NewReader(s.opts.Decoder.Mask))
}

// subjectRoutes returns the routes of subjects.
func (s *Server) subjectRoutes() []route {
	table := []route{
		{http.MethodGet, "/v1/subjects", asked, nil, noBody, s.listSubjects},
		{http.MethodGet, "/v1/subjects/:subject", asked, nil, noBody, s.getSubject},
		{http.MethodGet, "/v1/subjects/:subject/mask", shown, nil, noBody, s.ofSubject((*Server).getMask)},
	}
	for _, r := range s.scanRoutes() {
		own, named := r.route, r.route
		own.path, own.handle = "/v1"+r.path, func(c *gin.Context) error { return r.in(s, c) }
		named.path, named.handle = "/v1/subjects/:subject"+r.path, s.ofSubject(r.in)
		table = append(table, named)
		if r.path != "/search" && r.path != "/search/batch" { // which collectionRoutes has
			table = append(table, own)
		}
	}
	return table
}
