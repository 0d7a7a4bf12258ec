package demo

import (
	"context"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/pixels"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// studyRepeats is how often a subject of a study sees each scene.
const studyRepeats = 3

// simulation has subjects look at scenes in memory, for studies.
type simulation struct {
	encoder *app.ImageEncoder
	t, d    int     // tokens of an image and their length
	voxels  int     // of a subject
	ncsnr   float64 // see scanner.Options
	watch   progress.Func
}

// scans returns a subject that was standardised over the first few scenes, its trials of
// all scenes, and the scene of each trial.
func (s *simulation) scans(ctx context.Context, shown []scenes.Scene, first int, seed uint64) (_ *scanner.Subject, voxels blas32.General, images []int, err error) {
	step := s.watch.Stage("simulating scans", "scenes", int64(len(shown)))
	stimuli := stimuli(ctx, shown, func() {})
	subject, err := scanner.New(
		scanner.Options{Seed: seed, Voxels: s.voxels, NCSNR: s.ncsnr}, scanner.Stimuli{Count: first, At: stimuli.At})
	if err != nil {
		return nil, voxels, nil, err
	}
	responses, err := subject.Responses(stimuli)
	if err != nil {
		return nil, voxels, nil, err
	}
	if voxels, images, err = measured(subject, responses, seed); err != nil {
		return nil, voxels, nil, err
	}
	step(int64(len(shown)), int64(len(shown)))
	return subject, voxels, images, nil
}

// tokens embeds scenes as the demo does.
func (s *simulation) tokens(ctx context.Context, list []scenes.Scene) (all blas32.General, err error) {
	const side, batch = 256, 16
	report := s.watch.Stage("embedding scenes", "scenes", int64(len(list)))
	all.Cols, all.Stride = s.t*s.d, s.t*s.d
	for from := 0; from < len(list); from += batch {
		var images []*pixels.Image
		for i := from; i < min(from+batch, len(list)); i++ {
			image := &pixels.Image{W: side, H: side, Pix: make([]byte, 3*side*side)}
			list[i].DrawRGB(image.Pix, side)
			images = append(images, image)
		}
		tokens, err := s.encoder.EncodeTokens(ctx, images)
		if err != nil {
			return all, err
		}
		for _, t := range tokens {
			all.Data = append(all.Data, t.Data...)
		}
		all.Rows += len(tokens)
		report(int64(all.Rows), int64(len(list)))
	}
	return all, nil
}

// measured returns the trials of a subject that sees every image as often as
// studyRepeats says, and the image of each trial.
func measured(subject *scanner.Subject, responses blas32.General, seed uint64) (voxels blas32.General, images []int, err error) {
	shown := make([]int, responses.Rows)
	for i := range shown {
		shown[i] = i
	}
	trials, err := scanner.Schedule{Seed: seed, Repeats: studyRepeats}.Trials(shown)
	if err != nil {
		return voxels, nil, err
	}
	voxels = blas32.General{Rows: len(trials), Cols: responses.Cols, Stride: responses.Cols}
	for trial, err := range subject.Scan(responses, trials, seed) {
		if err != nil {
			return voxels, nil, err
		}
		voxels.Data = append(voxels.Data, trial...)
	}
	for _, t := range trials {
		images = append(images, t.Image)
	}
	return voxels, images, nil
}

// between returns the trials of the images from first to before last.
func between(data scan.Data, first, last int) scan.Data {
	out := scan.Data{T: data.T, D: data.D, Targets: rows(data.Targets, first, last-first)}
	for trial, image := range data.Images {
		if image >= first && image < last {
			out.Images = append(out.Images, image-first)
			out.Voxels.Data = append(out.Voxels.Data, data.Voxels.Data[trial*data.Voxels.Stride:][:data.Voxels.Cols]...)
		}
	}
	out.Voxels.Rows, out.Voxels.Cols, out.Voxels.Stride = len(out.Images), data.Voxels.Cols, data.Voxels.Cols
	return out
}
