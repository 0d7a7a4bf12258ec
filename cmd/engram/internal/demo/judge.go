package demo

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

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

// outcomes are what pictures of one kind reach, a value for each picture.
type outcomes struct {
	named, pixCorr, ssim, twoWay []float64
	sameBackground               []float64 // of the pictures that share a background with another
}

// add appends the outcomes of other pictures.
func (o *outcomes) add(other outcomes) {
	for _, list := range []struct{ to, from *[]float64 }{
		{&o.named, &other.named}, {&o.pixCorr, &other.pixCorr}, {&o.ssim, &other.ssim}, {&o.twoWay, &other.twoWay},
		{&o.sameBackground, &other.sameBackground},
	} {
		*list.to = append(*list.to, *list.from...)
	}
}

// score returns the means over the pictures, with the intervals of other pictures.
func (o *outcomes) score(name string) PictureScore {
	const seed = 1 // of the resamples
	score := PictureScore{
		Pictures: name, Named: eval.Wilson(stat.Mean(o.named, nil), len(o.named)),
		PixCorr: eval.Bootstrap(o.pixCorr, seed), SSIM: eval.Bootstrap(o.ssim, seed), TwoWay: eval.Bootstrap(o.twoWay, seed),
	}
	if len(o.sameBackground) > 0 {
		score.SameBackground = eval.Bootstrap(o.sameBackground, seed)
	}
	return score
}

// compare compares pictures with the scenes that were seen, one picture for each.
func (j *judge) compare(ctx context.Context, seen []scenes.Scene, made []*pixels.Image) (out outcomes, err error) {
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
		out.pixCorr, out.ssim = append(out.pixCorr, corr), append(out.ssim, ssim)
	}
	found, err := j.encoder.Encode(ctx, made)
	if err != nil {
		return out, err
	}
	for i, v := range found {
		right := 0.
		if seen[i].Shows(j.name(v)) {
			right = 1
		}
		out.named = append(out.named, right)
	}
	of, err := j.encoder.Encode(ctx, truth)
	if err != nil {
		return out, err
	}
	sim, err := eval.Similarity(ctx, eval.Cosine, matrixOf(of), matrixOf(found))
	if err != nil {
		return out, err
	}
	for i := range seen {
		all, _ := farther(sim, i, func(int) bool { return true })
		out.twoWay = append(out.twoWay, all)
		if same, ok := farther(sim, i, func(k int) bool { return seen[k].Background == seen[i].Background }); ok {
			out.sameBackground = append(out.sameBackground, same)
		}
	}
	return out, nil
}

// farther returns the share of other scenes, among the ones that count, that picture i is less
// similar to than to its own scene (as eval.TwoWay counts); ok is false where none counts.
func farther(sim mat.Matrix, i int, counts func(scene int) bool) (share float64, ok bool) {
	others, below := 0, 0
	scenes, _ := sim.Dims()
	for k := range scenes {
		if k == i || !counts(k) {
			continue
		}
		others++
		if sim.At(k, i) < sim.At(i, i) {
			below++
		}
	}
	if others == 0 {
		return 0, false
	}
	return float64(below) / float64(others), true
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

// matrixOf returns vectors as rows.
func matrixOf(list []embed.Vector) blas32.General {
	m := blas32.General{Rows: len(list), Cols: len(list[0]), Stride: len(list[0])}
	for _, v := range list {
		m.Data = append(m.Data, v...)
	}
	return m
}
