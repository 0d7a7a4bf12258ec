package httpapi

import (
	"context"
	"fmt"
	"math"
	"time"

	"engram/index"
	"engram/index/results"
)

// maxCandidates bounds the items of one search that all of a prediction ranks.
const maxCandidates = 10000

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
	ms := func(d time.Duration) float64 { return math.Round(float64(d.Microseconds())) / 1000 }
	return &stagesView{s.Metric, s.Candidates, s.All, s.Missing, ms(s.Decode), ms(s.First), ms(s.Tokens), ms(s.Rank), s.Confidence}
}

// byScan reports whether all of a prediction can rank the items for a query: it is one
// scan or stored trial, and no sum of vectors.
func (s *Server) byScan(q query) bool {
	if !q.plain() || q.firstStage || s.opts.Decoder == nil || s.opts.Decoder.Rank == nil {
		return false
	}
	return q.parts[0].kind == kindScan || q.parts[0].kind == kindTrial
}

// rankByScan is rank by all of a prediction.
func (s *Server) rankByScan(ctx context.Context, q query, info index.Info) (results.Ranking, queryView, *stagesView, error) {
	view := queryView{Kind: q.parts[0].kind}
	repeats, err := s.scanOf(q.parts[0], info, &view)
	if err != nil {
		return results.Ranking{}, view, nil, err
	}
	found, err := s.opts.Decoder.Rank(ctx, ScanQuery{
		Repeats: repeats, K: q.k, Filter: q.chosen(), Candidates: q.candidates, Exact: q.exact, Recall: q.recall, Explain: q.explanation,
	})
	if err != nil {
		return results.Ranking{}, view, nil, err
	}
	r := results.Ranking{Store: s.opts.Store, Query: index.Query{Filter: q.chosen()}, Metric: found.Stages.Metric, Ranked: found.Hits}
	return r, view, viewStages(found.Stages), nil
}

// scanOf returns the repeats of a scan or of a stored trial, which the decoder takes.
// It adds them to view.
func (s *Server) scanOf(p part, info index.Info, view *queryView) ([][]float32, error) {
	repeats := p.repeats
	if p.kind == kindTrial {
		trial, ok := s.trials[p.trial]
		if !ok {
			return nil, fmt.Errorf("there is no stored trial %q: %w", p.trial, errNoTrial)
		}
		found := s.viewTrial(trial)
		view.Trial = &found
		var err error
		if repeats, err = trial.repeats(); err != nil {
			return nil, err
		}
	}
	if s.opts.Decoder == nil {
		return nil, fmt.Errorf("this server has no scan decoder, so it cannot search by scan: %w", errNoDecoder)
	}
	decoder := s.opts.Decoder
	if err := checkScan(repeats, decoder.Voxels); err != nil {
		return nil, err
	}
	if err := s.checkSpace(info, decoder.Space); err != nil {
		return nil, err
	}
	view.Repeats, view.Voxels, view.Strip = len(repeats), decoder.Voxels, strip(repeats)
	return repeats, nil
}
