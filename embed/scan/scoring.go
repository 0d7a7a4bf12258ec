package scan

import (
	"context"
	"fmt"
	"sync"

	"engram/embed"
	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
)

// scoresName is the output of the graph of Config.scoring.
const scoresName = "scores"

// Scored reports whether the predictions are the ridge's, and are compared with images by
// their scores along the components of the targets. Scores then say all that Metric.Query
// and FirstStage need, and cost neither the tokens, [T·D], nor the basis, [Rank, T·D], that
// they are made by: of NSD's 257 × 768 tokens that is 400 MB less to read for each scan.
func (c Config) Scored() bool { return c.mapped() && c.Rank > 0 && c.Width == 0 && c.Projector == 0 }

// Scores predicts the scores of what was seen along the components of the targets,
// [n, Rank], from betas as they were measured, [n, V], which it refuses as Decode does. The
// decoder must be Scored. The first call reads the ridge, [V, Rank].
func (d *Decoder) Scores(ctx context.Context, voxels blas32.General) (blas32.General, error) {
	if err := d.checkVoxels(voxels); err != nil {
		return blas32.General{}, err
	}
	session, err := d.scoring.session()
	if err != nil {
		return blas32.General{}, err
	}
	out := matrix.New(voxels.Rows, d.config.Rank)
	if err := run(ctx, session, 0, voxels, out, []int64{int64(d.config.Rank)}); err != nil {
		return blas32.General{}, err
	}
	return out, matrix.Check(out, matrix.Names{Matrix: "predicted scores", Row: "trial", Col: "component"})
}

// Load reads what searches need of the decoder's files, and opens what predicts its scores.
// Otherwise the first search does that, and fails where the files are gone by then.
func (d *Decoder) Load() error {
	if _, err := d.metric(); err != nil {
		return err
	}
	if _, err := d.zscore(); err != nil {
		return err
	}
	first, err := d.first()
	if err != nil || !d.config.Scored() {
		return err
	}
	if first == nil { // FirstStageOfScores makes tokens
		if _, err := d.parts(); err != nil {
			return err
		}
	}
	_, err = d.scoring.session()
	return err
}

// FirstStageOfScores is FirstStage of a prediction whose scores are known, [Rank].
func (d *Decoder) FirstStageOfScores(ctx context.Context, scores []float32) (embed.Vector, error) {
	f, err := d.first()
	if err != nil {
		return nil, err
	}
	if f != nil {
		return f.query(scores)
	}
	parts, err := d.parts()
	if err != nil {
		return nil, err
	}
	tokens, err := parts.Tokens(ctx, blas32.General{Rows: 1, Cols: len(scores), Stride: len(scores), Data: scores})
	if err != nil {
		return nil, err
	}
	return d.Global(tokens.Data)
}

// openScoring opens the graph of a scored decoder up to its scores.
func openScoring(rt *ort.Runtime, c Config, from arrays, opts ort.SessionOptions) (*ort.Session, error) {
	if !c.Scored() || from == nil {
		return nil, fmt.Errorf("scan: a %s decoder does not compare scores", c.Preset)
	}
	values := map[string][]float32{}
	for _, name := range []string{meanName, scaleName, ridgeWeight, ridgeBias} {
		var err error
		if values[name], err = from(name); err != nil {
			return nil, err
		}
	}
	content, err := grad.Export(map[string]*grad.Node{scoresName: c.scoring()}, values)
	if err != nil {
		return nil, err
	}
	opts.Inputs = []ort.Spec{{Name: voxelsName, Type: onnx.Float, Shape: []int64{-1, int64(c.Voxels)}}}
	opts.Outputs = []ort.Spec{{Name: scoresName, Type: onnx.Float, Shape: []int64{-1, int64(c.Rank)}}}
	return rt.OpenBytes(scoresName, content, opts)
}

// lazySession is a session that is opened when it is first asked for. It is safe for
// concurrent use.
type lazySession struct {
	open func() (*ort.Session, error)

	mu     sync.Mutex
	opened *ort.Session
	closed bool
}

// session opens the session, unless it is open. A failed open is tried again.
func (l *lazySession) session() (*ort.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ort.ErrClosed
	}
	if l.opened != nil {
		return l.opened, nil
	}
	var err error
	l.opened, err = l.open()
	return l.opened, err
}

// Close closes the session if it is open, and opens none any more.
func (l *lazySession) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.opened == nil {
		return nil
	}
	return l.opened.Close()
}
