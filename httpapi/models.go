package httpapi

import (
	"context"
	"net/http"
	"time"

	"engram/data/space"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// What Encode and Ready of an encoder return where its model is not there. The visitor reads
// the text of the error.
var (
	ErrNoEncoder = problem.ErrNoEncoder // of images
	ErrNoText    = problem.ErrNoText    // of texts
)

// Encoder embeds images into a space.
type Encoder struct {
	Space space.Space
	// Ready returns when Encode has no longer to wait until its model is open. Requests call
	// it before they take a turn that others wait for. nil: Encode never has to.
	Ready func(ctx context.Context) error
	// Encode returns the embedding of one encoded image (JPEG, PNG, …) as a
	// unit vector. Where the bytes are at fault it returns an error of
	// embed/pixels (ErrFormat, ErrCorrupt, ErrTooLarge), wrapped, whose text
	// the visitor reads; other errors are the server's. It is safe for concurrent
	// use, bounds its own concurrency and does not keep image.
	Encode func(ctx context.Context, image []byte) ([]float32, error)
}

// TextEncoder embeds texts into a space.
type TextEncoder struct {
	Space space.Space
	Ready func(ctx context.Context) error // as Encoder's
	// Encode returns the embedding of a text, which embed.CheckText has passed, as a
	// unit vector, and whether the text was longer than the model reads. A text that
	// means nothing to the model is an embed.ErrText, whose message the visitor reads;
	// other errors are the server's. It is safe for concurrent use and bounds its own
	// concurrency.
	Encode func(ctx context.Context, text string) (vector []float32, cut bool, err error)
}

// Decoder maps brain scans into a space.
type Decoder struct {
	Name   string // what it is, such as "linear, subject 1"
	Data   string // the data that it was trained on, for people
	Voxels int    // elements of one scan
	Space  space.Space
	// Decode returns the unit vector predicted from the repeats of one scan:
	// one or more rows of Voxels finite betas, all recorded while the same image
	// was seen. How rows are normalised and averaged is the decoder's business.
	// It is safe for concurrent use, bounds its own concurrency, and neither
	// changes nor keeps the rows.
	Decode func(ctx context.Context, repeats [][]float32) ([]float32, error)
	// Volumes reads scans from a NIfTI file as the decoder takes them, by the subject's mask;
	// nil: there is no mask. Its errors are the file's fault, and shown.
	Volumes func(file []byte) ([][]float32, error)
	// Mask is the NIfTI file, plain or gzipped, of the voxels in the decoder's order; nil: none
	// is known.
	Mask []byte
	// Predict predicts from several scans, each the repeats of one as Decode takes them, and
	// returns for each what ranks items by all of its prediction, and not by the vector of
	// Decode alone. The scans share runs of the model. nil: Decode's vector is searched for.
	// As Decode it is safe for concurrent use. It does not keep the rows, but the rankers do.
	Predict func(ctx context.Context, scans [][][]float32) ([]ScanRanker, error)
	// Brain says where the voxels lie; nil where that is not known.
	Brain *Brain
	// Simulated says that no person was scanned, neither for training nor for Options.Trials.
	Simulated bool
}

// ScanRanker ranks items by the prediction from a scan. It is safe for concurrent use.
type ScanRanker func(ctx context.Context, q ScanQuery) (*ScanRanking, error)

// ScanQuery asks for the items that fit a scan best, K of them at least.
type ScanQuery struct {
	K          int
	Filter     index.Filter // nil: every item
	Candidates int          // items that the first stage finds; 0 leaves it to the decoder
	// Exact, Recall and Explain are of the first stage (see index.Query).
	Exact   bool
	Recall  float64
	Explain *index.Explanation
}

// ScanRanking is the order of items by all of a prediction.
type ScanRanking struct {
	Hits   []index.Hit // all that were ranked, best first, without payloads; their scores are the metric's
	Stages Stages
}

// Stages says how items were ranked for a scan.
type Stages struct {
	Metric     string // what the scores are
	Candidates int    // items that were ranked
	All        bool   // these were all items that the filter chooses
	Missing    int    // candidates that could not be ranked, as their images are gone
	// Confidence is the probability that the first hit is the image that was seen, if that
	// is among the candidates; nil where the decoder was not calibrated.
	Confidence *float64
	// The time for the prediction, for finding candidates, for tokens that were not at
	// hand, and for ranking.
	Decode, First, Tokens, Rank time.Duration
}

// Model is a model that is open, as clients read of it.
type Model struct {
	Use     string `json:"use"`  // image, text, decoder, autoencoder, denoiser
	Name    string `json:"name"` // and version
	Kind    string `json:"kind"` // of a bundle, such as clip
	Licence string `json:"licence,omitempty"`
	// Fingerprint tells models of one name apart; a space has that of its CLIP.
	Fingerprint string `json:"fingerprint"`
	Tokens      int    `json:"tokens,omitempty"` // of an image
	Dim         int    `json:"dim,omitempty"`    // elements of a token
	ImageSize   int    `json:"image_size,omitempty"`
	Precision   string `json:"precision,omitempty"` // of the weights; missing: fp32
	Bytes       int64  `json:"bytes"`               // of its files
	Device      string `json:"device"`              // that it runs on
	Subject     string `json:"subject,omitempty"`   // whose scans it reads
}

// listModels answers GET /v1/models.
func (s *Server) listModels(c *gin.Context) error {
	all := []Model{}
	if s.opts.Models != nil {
		all = append(all, s.opts.Models()...)
	}
	writeJSON(c, http.StatusOK, "application/json", struct {
		Models []Model `json:"models"`
	}{all})
	return nil
}

// await waits until the models are open that parts of a query, or items, need. A model takes its
// time to open, and a request that waits for that takes nobody's turn.
func (s *Server) await(c *gin.Context, parts ...query.Part) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.opts.SearchTimeout)
	defer cancel()
	for _, part := range parts {
		var ready func(context.Context) error
		switch {
		case part.Kind == query.KindText && s.opts.Text != nil:
			ready = s.opts.Text.Ready
		case part.Kind == query.KindImage && s.opts.Encoder != nil:
			ready = s.opts.Encoder.Ready
		}
		if ready == nil {
			continue
		}
		inner, waited := s.stage(ctx, "model")
		err := ready(inner)
		waited()
		if err != nil {
			return err
		}
	}
	return nil
}
