package pretrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/half"
	"engram/data/safetensors"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/data/vfs"
	"engram/embed/scan"
)

// Simulation says what is simulated for a denoiser to learn from: subjects as the demo's, each with
// a world of its own.
type Simulation struct {
	Subjects int `json:"subjects"`
	Images   int `json:"images"` // that each subject sees
	Voxels   int `json:"voxels"` // of each subject
}

// subjectSeed is what is added to the seed for the first subject, so that no subject of a
// demo or a study with a small seed has its world.
const subjectSeed = 2_000_000

// What a subject of the demo is and sees.
const (
	scanRepeats = 3   // of every image
	scanNCSNR   = .44 // see scanner.Options
	sight       = 128 // side in pixels of what it sees
	reference   = 400 // images that its responses are standardised over
)

// pairs are images of one subject's world, the tokens that were predicted from scans of them,
// and their true ones. Predictions are of decoders that were fitted to scans of other images.
type pairs struct {
	scenes    []scenes.Scene
	predicted []uint16  // [n, T·D] in half precision
	seen      []uint16  // [n, T·D] in half precision
	latents   []float32 // [n, C·h·w]
}

// Names of a file of pairs.
const (
	predictedName = "predicted"
	seenName      = "seen"
)

// pairsOf returns the pairs of a subject, which are kept as a file in the folder of
// checkpoints where there is one.
func (d *scansNetwork) pairsOf(ctx context.Context, seed uint64) (*pairs, error) {
	p := &pairs{}
	world := scenes.New(seed)
	for i := range d.scans.Images {
		p.scenes = append(p.scenes, world.Scene(scenes.Train, uint64(i)))
	}
	path := ""
	if d.folder != "" {
		about, err := json.Marshal([]any{
			d.scans.Images, d.scans.Voxels, seed, worldFingerprint(seed), scanner.Version, d.clip.Model().Fingerprint(), d.autoencoder.Files[d.autoencoder.Graphs["encoder"].File],
		})
		if err != nil {
			return nil, err
		}
		hash := sha256.Sum256(about)
		path = filepath.Join(d.folder, "scans-"+hex.EncodeToString(hash[:6])+".safetensors")
		tensors, _, err := safetensors.ReadFile(path)
		if err == nil {
			p.predicted, _ = tensors[predictedName].Data.([]uint16)
			p.seen, _ = tensors[seenName].Data.([]uint16)
			p.latents, _ = tensors[latentName].Data.([]float32)
			return p, p.check(path, d.shape)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := d.simulate(ctx, seed, p); err != nil || path == "" {
		return p, err
	}
	n, width := len(p.scenes), d.shape.Tokens*d.shape.Dim
	if err := vfs.MkdirAll(d.folder, 0o755); err != nil {
		return nil, err
	}
	return p, safetensors.WriteFile(vfs.OS{}, path, map[string]safetensors.Tensor{
		predictedName: {Shape: []int{n, width}, Data: p.predicted},
		seenName:      {Shape: []int{n, width}, Data: p.seen},
		latentName:    {Shape: []int{n, len(p.latents) / n}, Data: p.latents},
	}, nil)
}

// check refuses a file that is not of the pairs.
func (p *pairs) check(path string, s DenoiserShape) error {
	n := len(p.scenes)
	if tokens, latents := n*s.Tokens*s.Dim, n*s.Channels*s.Side*s.Side; len(p.predicted) != tokens || len(p.seen) != tokens || len(p.latents) != latents {
		return fmt.Errorf("%s has %d predicted, %d true and %d latent elements, wanted %d, %d and %d; delete it to have it made again",
			path, len(p.predicted), len(p.seen), len(p.latents), tokens, tokens, latents)
	}
	return nil
}

// simulate has a subject see the scenes and predicts each half of them by a decoder that was
// fitted to the other half.
func (d *scansNetwork) simulate(ctx context.Context, seed uint64, p *pairs) error {
	n := len(p.scenes)
	latents, tokens, err := d.encode(ctx, source{seed, scenes.Train, d.autoencoder.ImageSize}, 0, n)
	if err != nil {
		return err
	}
	voxels, images, err := d.scanned(ctx, seed, p.scenes)
	if err != nil {
		return err
	}
	width := len(tokens) / n
	p.latents, p.seen, p.predicted = latents, halves(tokens), make([]uint16, len(tokens))
	for fold := range 2 {
		data := scan.Data{T: d.shape.Tokens, D: d.shape.Dim, Targets: blas32.General{Cols: width, Stride: width}}
		for i := 1 - fold; i < n; i += 2 {
			data.Targets.Data = append(data.Targets.Data, tokens[i*width:][:width]...)
			data.Targets.Rows++
		}
		var left blas32.General
		var of []int
		data.Voxels, data.Images = every2nd(voxels, images, 1-fold)
		left, of = every2nd(voxels, images, fold)
		predicted, err := d.predict(ctx, data, left, of, seed)
		if err != nil {
			return err
		}
		for i := range predicted.Rows {
			copy(p.predicted[(2*i+fold)*width:][:width], halves(predicted.Data[i*predicted.Stride:][:width]))
		}
	}
	return nil
}

// scanned returns all trials of a subject, [trials, voxels], and the scene of each.
func (d *scansNetwork) scanned(ctx context.Context, seed uint64, list []scenes.Scene) (voxels blas32.General, images []int, err error) {
	stimuli := scanner.Stimuli{Count: len(list), At: func(i int) (*scanner.Stimulus, error) {
		return scanner.OfScene(&list[i], sight), ctx.Err()
	}}
	first := scanner.Stimuli{Count: min(reference, len(list)), At: stimuli.At}
	subject, err := scanner.New(scanner.Options{Seed: seed, Voxels: d.scans.Voxels, NCSNR: scanNCSNR}, first)
	if err != nil {
		return voxels, nil, err
	}
	responses, err := subject.Responses(stimuli)
	if err != nil {
		return voxels, nil, err
	}
	shown := make([]int, len(list))
	for i := range shown {
		shown[i] = i
	}
	trials, err := scanner.Schedule{Seed: seed, Repeats: scanRepeats}.Trials(shown)
	if err != nil {
		return voxels, nil, err
	}
	voxels = blas32.General{Rows: len(trials), Cols: responses.Cols, Stride: responses.Cols, Data: make([]float32, 0, len(trials)*responses.Cols)}
	for row, err := range subject.Scan(responses, trials, seed) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return voxels, nil, err
		}
		voxels.Data = append(voxels.Data, row...)
	}
	for _, t := range trials {
		images = append(images, t.Image)
	}
	return voxels, images, nil
}

// every2nd returns the trials of the even images or, with odd 1, of the odd ones, whose numbers
// are halved.
func every2nd(voxels blas32.General, images []int, odd int) (some blas32.General, of []int) {
	some = blas32.General{Cols: voxels.Cols, Stride: voxels.Cols, Data: make([]float32, 0, len(voxels.Data)/2)}
	for trial, image := range images {
		if image%2 == odd {
			some.Data = append(some.Data, voxels.Data[trial*voxels.Stride:][:voxels.Cols]...)
			of = append(of, image/2)
		}
	}
	some.Rows = len(of)
	return some, of
}

// predict fits a decoder to data and returns what it predicts from the mean of all trials of
// each image, in the images' order.
func (d *scansNetwork) predict(ctx context.Context, data scan.Data, voxels blas32.General, images []int, seed uint64) (out blas32.General, err error) {
	m, err := scan.Train(ctx, d.rt, data, scan.Options{Preset: scan.PresetLinear, Seed: seed, Unserved: true, Session: d.session, Progress: d.progress})
	if err != nil {
		return out, err
	}
	decoder, err := m.Open(d.rt, d.session)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	means, seen, err := scan.Average(voxels, images, scanRepeats)
	if err != nil {
		return out, err
	}
	found, err := decoder.Decode(ctx, means)
	if err != nil {
		return out, err
	}
	out = blas32.General{Rows: found.Rows, Cols: found.Cols, Stride: found.Cols, Data: make([]float32, found.Rows*found.Cols)}
	for i, image := range seen {
		copy(out.Data[image*out.Stride:][:out.Cols], found.Data[i*found.Stride:])
	}
	return out, nil
}

// halves returns numbers in half precision.
func halves(values []float32) []uint16 {
	out := make([]uint16, len(values))
	for i, x := range values {
		out[i] = half.Bits(x)
	}
	return out
}
