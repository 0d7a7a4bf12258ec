package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"engram/data/space"
	"engram/httpapi/internal/problem"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// Trial is a stored scan that visitors may search with.
type Trial struct {
	ID      string      // unique; appears in addresses, so it must not name a person
	Seen    string      // name of the image seen, "" where unknown
	Item    *index.ID   // the item of the image seen, nil where it is not indexed
	Repeats [][]float32 // [repeats][voxels]; never changed, so it may be memory-mapped
	// Read reads the repeats when they are asked for, where Repeats is nil: the
	// scans of one subject can take gigabytes. It is safe for concurrent use.
	Read func() ([][]float32, error)
}

// repeats returns the scans of the trial, [repeats][voxels].
func (t *Trial) repeats() ([][]float32, error) {
	if t.Repeats == nil && t.Read != nil {
		return t.Read()
	}
	return t.Repeats, nil
}

type trialView struct {
	ID       string `json:"id"`
	Seen     string `json:"seen,omitempty"`
	Item     string `json:"item,omitempty"`
	ImageURL string `json:"image_url,omitempty"` // of the image seen
	// ThumbnailURL is a small JPEG of it.
	ThumbnailURL string `json:"thumbnail_url,omitempty"`
}

func (s *Server) viewTrial(trial *Trial) trialView {
	view := trialView{ID: trial.ID, Seen: trial.Seen}
	if trial.Item != nil {
		view.Item = strconv.FormatUint(uint64(*trial.Item), 10)
		if s.opts.Images != nil {
			view.ImageURL, view.ThumbnailURL = s.imageRoute(view.Item), s.route("items/"+view.Item+"/thumbnail")
		}
	}
	return view
}

// listTrials answers GET /v1/trials.
func (s *Server) listTrials(c *gin.Context) error {
	offset, err := intParam(c, "offset", 0, 1<<31-1)
	if err != nil {
		return err
	}
	limit, err := intParam(c, "limit", 100, 1000)
	if err != nil {
		return err
	}
	all := s.opts.Trials
	from := min(offset, len(all))
	page := all[from:min(from+limit, len(all))]
	answer := struct {
		Total  int         `json:"total"`
		Trials []trialView `json:"trials"`
		Next   int         `json:"next,omitempty"` // the offset of the next page, 0 at the end
	}{Total: len(all), Trials: make([]trialView, len(page))}
	if end := from + len(page); len(page) > 0 && end < len(all) {
		answer.Next = end
	}
	for i := range page {
		answer.Trials[i] = s.viewTrial(&page[i])
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// indexView describes an index.
type indexView struct {
	Data   string      `json:"data"`
	Engine string      `json:"engine"`
	Dim    int         `json:"dim"`
	Count  int         `json:"count"`
	Model  space.Space `json:"model"`
	Tokens *tokensView `json:"tokens,omitempty"` // nil where the index keeps none
	// Background says how the engine's work beside the requests has gone.
	Background backgroundView `json:"background"`
	Damage     string         `json:"damage,omitempty"`
}

// namedIndexView is an index with its name.
type namedIndexView struct {
	Name string `json:"name"`
	indexView
}

// viewIndex describes the index as it is now.
func (s *Server) viewIndex(ctx context.Context) (indexView, error) {
	info, err := s.opts.Store.Info(ctx)
	view := indexView{
		Data: s.opts.IndexData, Engine: info.Engine, Dim: info.Dim, Count: info.Count,
		Model: info.Space, Background: backgroundView(info.Background), Damage: info.Damage,
	}
	if info.Tokens.Kept() {
		view.Tokens = (*tokensView)(&info.Tokens)
	}
	return view, err
}

// tokensView is index.TokenFormat.
type tokensView struct {
	Kind  index.TokenKind `json:"kind"`
	Count int             `json:"count"`
	Dim   int             `json:"dim"`
}

// backgroundView is index.Background.
type backgroundView struct {
	Begun    int `json:"begun"`
	Finished int `json:"finished"`
	Failed   int `json:"failed"`
}

type encoderView struct {
	Model   space.Space `json:"model"`
	Assumed bool        `json:"assumed,omitempty"` // see Options.AssumeSpace
}

type textView struct {
	Model       space.Space `json:"model"`
	Assumed     bool        `json:"assumed,omitempty"` // see Options.AssumeSpace
	Suggestions []string    `json:"suggestions"`
}

type decoderView struct {
	Name   string      `json:"name"`
	Data   string      `json:"data"`
	Voxels int         `json:"voxels"`
	Model  space.Space `json:"model"`
	// Simulated says that no person was scanned.
	Simulated bool `json:"simulated"`
	Brain     bool `json:"brain"` // the places of the voxels are known
}

func viewDecoder(d *Decoder) *decoderView {
	return &decoderView{Name: d.Name, Data: d.Data, Voxels: d.Voxels, Model: d.Space, Simulated: d.Simulated, Brain: d.Brain != nil}
}

// infoView describes the index and the models. Text, encoder and decoder are null
// where the server has none.
type infoView struct {
	Index   namedIndexView `json:"index"`
	Text    *textView      `json:"text"`
	Encoder *encoderView   `json:"encoder"`
	Decoder *decoderView   `json:"decoder"`
	Images  bool           `json:"images"`
	// Reconstructs says that jobs make pictures of scans.
	Reconstructs bool  `json:"reconstructs"`
	Subjects     int   `json:"subjects"` // whose scans the server takes
	Trials       int   `json:"trials"`
	MaxK         int   `json:"max_k"`
	MaxBody      int64 `json:"max_body_bytes"`
}

// getInfo answers GET /v1/info.
func (s *Server) getInfo(c *gin.Context) error {
	view, err := s.viewIndex(c.Request.Context())
	if err != nil {
		return err
	}
	answer := infoView{
		Index:  namedIndexView{s.opts.IndexName, view},
		Images: s.opts.Images != nil, Reconstructs: s.reconstructs(),
		Subjects: len(s.subjects.all()), Trials: len(s.opts.Trials),
		MaxK:    s.opts.MaxK,
		MaxBody: s.opts.MaxBodyBytes,
	}
	assumed := s.opts.AssumeSpace && !view.Model.Known()
	if s.opts.Text != nil {
		answer.Text = &textView{s.opts.Text.Space, assumed, append([]string{}, s.opts.Suggestions...)}
	}
	if s.opts.Encoder != nil {
		answer.Encoder = &encoderView{s.opts.Encoder.Space, assumed}
	}
	if s.opts.Decoder != nil {
		answer.Decoder = viewDecoder(s.opts.Decoder)
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

type statusView struct {
	Status string `json:"status"`
}

// health answers GET /healthz: the process answers.
func (s *Server) health(c *gin.Context) error {
	writeJSON(c, http.StatusOK, "application/json", statusView{"ok"})
	return nil
}

// readiness answers GET /readyz: the index answers, and the server is not shutting
// down.
func (s *Server) readiness(c *gin.Context) error {
	if s.draining.Load() {
		return problem.ErrShuttingDown
	}
	if _, err := s.opts.Store.Info(c.Request.Context()); err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", statusView{"ready"})
	return nil
}
