package demo

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/eval"
	"engram/embed/model"
	"engram/embed/pixels"
	"engram/recon/metrics"
)

// judge scores pictures by a CLIP that took no part in making or choosing them.
type judge struct {
	encoder *app.ImageEncoder
	kinds   []scenes.Kind
	labels  []embed.Vector // of the kinds
}

// openJudge opens the CLIP of a folder, which must not be maker, the one whose tokens are
// decoded.
func openJudge(ctx context.Context, a *app.App, name string, maker *model.Model, watch progress.Func) (_ *judge, err error) {
	m, err := a.OpenModel(ctx, name, watch)
	if err != nil {
		return nil, err
	}
	if m.Fingerprint() == maker.Fingerprint() {
		return nil, fmt.Errorf("%s chose the pictures and cannot judge them, wanted another CLIP such as %s (engram pretrain --model judge)", name, app.ScenesJudge)
	}
	text, err := a.OpenTextEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	j := &judge{kinds: scenes.Kinds()}
	phrases := make([]string, len(j.kinds))
	for i, k := range j.kinds {
		phrases[i] = k.Phrase()
	}
	if j.labels, err = text.Encode(ctx, phrases); err != nil {
		return nil, fmt.Errorf("judge %s: %w", name, err)
	}
	j.encoder, err = a.OpenImageEncoder(ctx, m, watch)
	return j, err
}

// Close frees the CLIP.
func (j *judge) Close() error { return j.encoder.Close() }

// score compares pictures with the scenes that were seen, one picture for each.
func (j *judge) score(ctx context.Context, seen []scenes.Scene, made []*pixels.Image) (out PictureScore, err error) {
	n := float64(len(seen))
	truth := make([]*pixels.Image, len(seen))
	for i, p := range made {
		truth[i] = &pixels.Image{W: p.W, H: p.H, Pix: make([]byte, len(p.Pix))}
		seen[i].DrawRGB(truth[i].Pix, p.W)
		corr, err := metrics.PixCorr(truth[i], p)
		if err != nil {
			return out, err
		}
		ssim, err := metrics.SSIM(truth[i], p)
		if err != nil {
			return out, err
		}
		out.PixCorr, out.SSIM = out.PixCorr+corr/n, out.SSIM+ssim/n
	}
	found, err := j.encoder.Encode(ctx, made)
	if err != nil {
		return out, err
	}
	right := 0.
	for i, v := range found {
		if seen[i].Shows(j.name(v)) {
			right++
		}
	}
	out.Named = eval.Wilson(right/n, len(seen))
	of, err := j.encoder.Encode(ctx, truth)
	if err != nil {
		return out, err
	}
	sim, err := eval.Similarity(ctx, eval.Cosine, matrixOf(of), matrixOf(found))
	if err != nil {
		return out, err
	}
	out.SameBackground = twoWaySameBackground(sim, seen)
	out.TwoWay, err = eval.TwoWay(sim)
	return out, err
}

// name returns the kind whose text is nearest to a picture.
func (j *judge) name(picture embed.Vector) scenes.Kind {
	best := 0
	for i, label := range j.labels {
		if embed.Dot(label, picture) > embed.Dot(j.labels[best], picture) {
			best = i
		}
	}
	return j.kinds[best]
}

// twoWaySameBackground is eval.TwoWay among the scenes that share a background, the mean
// over all such pairs; 0 where there are none.
func twoWaySameBackground(sim mat.Matrix, seen []scenes.Scene) float64 {
	pairs, right := 0, 0
	for j := range seen {
		for i := range seen {
			if i == j || seen[i].Background != seen[j].Background {
				continue
			}
			pairs++
			if sim.At(i, j) < sim.At(j, j) {
				right++
			}
		}
	}
	if pairs == 0 {
		return 0
	}
	return float64(right) / float64(pairs)
}

// matrixOf returns vectors as rows.
func matrixOf(list []embed.Vector) blas32.General {
	m := blas32.General{Rows: len(list), Cols: len(list[0]), Stride: len(list[0])}
	for _, v := range list {
		m.Data = append(m.Data, v...)
	}
	return m
}
