package httpapi

import (
	"context"
	"fmt"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"
	"engram/index/results"
)

// stagesView is Stages.
type stagesView struct {
	Metric     string  `json:"metric"`
	Candidates int     `json:"candidates"`
	All        bool    `json:"all"`
	Missing    int     `json:"missing"`
	DecodeMS   float64 `json:"decode_ms"`
	FirstMS    float64 `json:"first_ms"`
	TokensMS   float64 `json:"tokens_ms"`
	RankMS     float64 `json:"rank_ms"`
	// Confidence is missing where the decoder was not calibrated.
	Confidence *float64 `json:"confidence,omitempty"`
}

func viewStages(s Stages) *stagesView {
	return &stagesView{s.Metric, s.Candidates, s.All, s.Missing, milliseconds(s.Decode), milliseconds(s.First), milliseconds(s.Tokens), milliseconds(s.Rank), s.Confidence}
}

// byScan reports whether all of a prediction can rank the items for a query: it is one
// scan or stored trial, and no sum of vectors.
func (s *Server) byScan(q query.Query) bool {
	if !q.Plain() || q.FirstStage || s.opts.Decoder == nil || s.opts.Decoder.Predict == nil {
		return false
	}
	return q.Parts[0].Kind == query.KindScan || q.Parts[0].Kind == query.KindTrial
}

// predictedScan is a scan with what ranks items by its prediction.
type predictedScan struct {
	view    queryView
	repeats [][]float32
	rank    ScanRanker // nil before the scan is predicted from
}

// scan reads the scan of a query that is byScan.
func (s *Server) scan(q query.Query, info index.Info) (p predictedScan, err error) {
	p.view.Kind = q.Parts[0].Kind
	p.repeats, err = s.scanOf(q.Parts[0], info, &p.view)
	return p, err
}

// rankByScan is rank by all of a prediction.
func (s *Server) rankByScan(ctx context.Context, q query.Query, info index.Info) (results.Ranking, queryView, *stagesView, error) {
	p, err := s.scan(q, info)
	if err != nil {
		return results.Ranking{}, p.view, nil, err
	}
	r, stages, err := s.rankScan(ctx, q, p)
	return r, p.view, stages, err
}

// rankScan ranks by all of a prediction, which it makes unless that was done.
func (s *Server) rankScan(ctx context.Context, q query.Query, p predictedScan) (results.Ranking, *stagesView, error) {
	if p.rank == nil {
		rankers, err := s.opts.Decoder.Predict(ctx, [][][]float32{p.repeats})
		if err != nil {
			return results.Ranking{}, nil, err
		}
		p.rank = rankers[0]
	}
	found, err := p.rank(ctx, ScanQuery{K: q.K, Filter: q.Chosen(), Candidates: q.Candidates, Exact: q.Exact, Recall: q.Recall, Explain: q.Explanation})
	if err != nil {
		return results.Ranking{}, nil, err
	}
	r := results.Ranking{Store: s.opts.Store, Query: index.Query{Filter: q.Chosen()}, Metric: found.Stages.Metric, Ranked: found.Hits}
	return r, viewStages(found.Stages), nil
}

// scanOf returns the repeats of a scan or of a stored trial, which the decoder takes.
// It adds them to view.
func (s *Server) scanOf(p query.Part, info index.Info, view *queryView) ([][]float32, error) {
	var repeats [][]float32
	if p.Kind == query.KindTrial {
		trial, ok := s.trials[p.Trial]
		if !ok {
			return nil, fmt.Errorf("there is no stored trial %q: %w", p.Trial, problem.ErrNoTrial)
		}
		found := s.viewTrial(trial)
		view.Trial = &found
		var err error
		if repeats, err = trial.repeats(); err != nil {
			return nil, err
		}
	}
	if s.opts.Decoder == nil {
		return nil, fmt.Errorf("this server has no scan decoder, so it cannot search by scan: %w", problem.ErrNoDecoder)
	}
	decoder := s.opts.Decoder
	switch {
	case p.Volume != nil:
		var err error
		if repeats, err = decoder.volumes(p.Volume); err != nil {
			return nil, err
		}
	case p.Kind == query.KindScan:
		repeats = p.Rows(decoder.Voxels)
	}
	if err := query.CheckScan(repeats, decoder.Voxels); err != nil {
		return nil, err
	}
	if err := s.checkSpace(info, decoder.Space); err != nil {
		return nil, err
	}
	view.Repeats, view.Voxels = len(repeats), decoder.Voxels
	return repeats, nil
}

// volumes returns the scans of a NIfTI file.
func (d *Decoder) volumes(file []byte) ([][]float32, error) {
	if d.Volumes == nil {
		return nil, fmt.Errorf("this is a NIfTI or gzip file: the decoder takes its voxels in its own order, and without its brain mask "+
			"(engram serve --mask) they cannot be found in a volume; send them as npy: %w", problem.ErrMediaType)
	}
	repeats, err := d.Volumes(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, problem.ErrVoxels)
	}
	if len(repeats) > query.MaxRepeats {
		return nil, fmt.Errorf("the file has %d volumes: they are repeats of one image, 1 to %d of them: %w", len(repeats), query.MaxRepeats, problem.ErrVoxels)
	}
	return repeats, nil
}
