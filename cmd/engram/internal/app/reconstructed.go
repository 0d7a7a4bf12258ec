package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"engram/cmd/engram/internal/sheet"
	"engram/data/vfs"
	"engram/embed"
	"engram/embed/pixels"
	"engram/recon"
	"engram/recon/metrics"
	"engram/recon/prior"
)

// Folders of pictures in the folder of reconstructions, each NAME.png.
const (
	seenFolder     = "seen"
	startFolder    = "start"
	blurryFolder   = "blurry"
	madeFolder     = "reconstructed"
	nearestFolder  = "nearest"
	boundFolder    = "true"
	eachFolder     = "candidates" // NAME-0.png and so on
	scansFolder    = "scans"      // NAME.json, which is written last
	choicesFile    = "choices.json"
	reconLock      = ".lock"
	scoresFile     = "scores.json"
	sheetFile      = "sheet-%02d.png"
	sheetColumns   = 16
	choicesVersion = 1
)

// reconstructionChoices are what pictures depend on. A folder has pictures of one
// choice alone.
type reconstructionChoices struct {
	Format int `json:"format"`
	recon.Choices
	Start       string  `json:"start,omitempty"`
	Tokens      string  `json:"tokens"` // SHA-256 of the tokens that pictures are made of
	Model       string  `json:"model"`  // fingerprints
	Autoencoder string  `json:"autoencoder"`
	Denoiser    string  `json:"denoiser"`
	LowLevel    string  `json:"low_level,omitempty"`
	Blend       float64 `json:"blend,omitempty"` // weight of the blurry image in the picture
	Index       string  `json:"index,omitempty"`
	Ranking     string  `json:"ranking,omitempty"`     // metric that ranks the index, absent: by one vector
	True        bool    `json:"true,omitempty"`        // pictures are made of the true tokens, too
	Decoder     string  `json:"decoder"`               // as it was named
	Prior       string  `json:"prior,omitempty"`       // of prior.Kinds, absent for none
	PriorModel  string  `json:"prior_model,omitempty"` // fingerprint of the network
	Data        string  `json:"data,omitempty"`        // metrics.NSD, or absent
}

// reconstructions is a folder of pictures of scans.
type reconstructions struct {
	dir        string
	lock       vfs.File
	folders    []string // in which each scan has a picture
	candidates int      // of each scan
}

// foldersOf returns the folders in which each scan gets a picture.
func foldersOf(spec ReconstructionsSpec, set *scanSet) []string {
	folders := []string{madeFolder}
	for folder, wanted := range map[string]bool{
		seenFolder: set.stimuli != nil, startFolder: spec.Start != "" && spec.Start != StartBlurry, nearestFolder: set.nearest != nil, boundFolder: spec.True,
		blurryFolder: set.blurry != nil,
	} {
		if wanted {
			folders = append(folders, folder)
		}
	}
	return folders
}

// openReconstructions opens a folder, or makes it. One of other choices is refused.
func openReconstructions(spec ReconstructionsSpec, set *scanSet, choices recon.Choices, p *painter) (_ *reconstructions, err error) {
	c := reconstructionChoices{
		Format: choicesVersion, Choices: choices, Start: spec.Start, Tokens: sumOfTokens(set.Raw), Model: p.clip.Fingerprint(),
		Autoencoder: p.autoencoder.Fingerprint(), Denoiser: p.denoiser.Fingerprint(), Index: spec.Index, True: spec.True,
		Decoder: spec.Decoder, Blend: spec.Blend,
	}
	switch {
	case set.Sampler != nil:
		c.Prior, c.PriorModel = set.Prior, set.Sampler.Fingerprint()
	case set.Prior != prior.None:
		c.Prior, c.Tokens = set.Prior, sumOfTokens(set.Aligned)
	}
	if spec.Data.MindEye != "" {
		c.Data = metrics.NSD
	}
	if set.blurry != nil {
		c.LowLevel = set.blurry.fingerprint
	}
	if set.nearest != nil {
		c.Ranking = set.nearest.metric
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if err := vfs.MkdirAll(spec.Out, 0o755); err != nil {
		return nil, err
	}
	lock, err := vfs.Lock(filepath.Join(spec.Out, reconLock))
	if err != nil {
		return nil, err
	}
	f := &reconstructions{dir: spec.Out, lock: lock, folders: foldersOf(spec, set), candidates: choices.Candidates}
	err = f.agree(text)
	for _, name := range append(slices.Clone(f.folders), eachFolder, scansFolder) {
		if err == nil {
			err = vfs.MkdirAll(filepath.Join(spec.Out, name), 0o755)
		}
	}
	if err == nil {
		err = f.removeTemporary()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// temporary is how package vfs names a file that is being written: .NAME.png.123.tmp.
var temporary = regexp.MustCompile(`^\..+\.[0-9]+\.tmp$`)

// removeTemporary removes what a run that was killed was writing.
func (f *reconstructions) removeTemporary() error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !temporary.MatchString(d.Name()) {
			return err
		}
		return os.Remove(path)
	})
}

// agree writes the choices into a new folder, and refuses a folder of others.
func (f *reconstructions) agree(choices []byte) error {
	path := filepath.Join(f.dir, choicesFile)
	before, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return writeBytes(path, choices)
	case err != nil:
		return err
	case !json.Valid(before):
		return fmt.Errorf("%s is damaged, it does not tell how the pictures in %s were made: choose another --out", path, f.dir)
	case !bytes.Equal(before, choices):
		return fmt.Errorf("%s holds pictures that were made otherwise (%s), choose another --out", f.dir, firstDifference(before, choices))
	}
	return nil
}

// Close gives the folder free.
func (f *reconstructions) Close() error { return f.lock.Close() }

// missing returns the numbers of the scans that lack a file, or have one that is cut off.
// damaged is told of the latter.
func (f *reconstructions) missing(names []string, damaged func(path string)) (missing []int, err error) {
	for i, name := range names {
		for _, path := range f.files(name) {
			ok, err := whole(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			if ok {
				continue
			}
			if err == nil {
				damaged(path)
			}
			missing = append(missing, i)
			break
		}
	}
	return missing, nil
}

// pngEnd is the chunk that every PNG file ends with.
const pngEnd = "\x00\x00\x00\x00IEND\xaeB`\x82"

// whole tells whether a record can be read, and a picture has a beginning and an end.
func whole(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if filepath.Ext(path) == ".json" {
		return json.Valid(content), nil
	}
	_, err = png.DecodeConfig(bytes.NewReader(content))
	return err == nil && bytes.HasSuffix(content, []byte(pngEnd)), nil
}

// files returns the paths of all files of a finished scan.
func (f *reconstructions) files(name string) []string {
	paths := []string{filepath.Join(f.dir, scansFolder, name+".json")}
	for _, folder := range f.folders {
		paths = append(paths, f.picture(folder, name))
	}
	for c := range f.candidates {
		paths = append(paths, f.picture(eachFolder, candidateName(name, c)))
	}
	return paths
}

// candidateName returns the name of a candidate's picture.
func candidateName(scan string, c int) string { return fmt.Sprintf("%s-%d", scan, c) }

// picture returns the path of a scan's picture.
func (f *reconstructions) picture(folder, name string) string {
	return filepath.Join(f.dir, folder, name+".png")
}

// sumOfTokens returns the SHA-256 of tokens.
func sumOfTokens(all []embed.Tokens) string {
	sum := sha256.New()
	for _, t := range all {
		_ = binary.Write(sum, binary.LittleEndian, t.Data) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// firstDifference says which choice of two texts differs first, in the order of the new one.
func firstDifference(before, now []byte) string {
	was, is, names := map[string]string{}, map[string]string{}, []string{}
	for _, text := range []struct {
		of   map[string]string
		text []byte
	}{{is, now}, {was, before}} {
		for line := range bytes.Lines(text.text) {
			choice := string(bytes.Trim(line, " ,\n"))
			name, _, _ := strings.Cut(choice, ":")
			text.of[name], names = choice, append(names, name)
		}
	}
	for _, name := range names {
		if was[name] != is[name] {
			return fmt.Sprintf("%s, wanted %s", cmp.Or(was[name], "no "+name), cmp.Or(is[name], "none"))
		}
	}
	return "in another order"
}

// finished is what was made of one scan.
type finished struct {
	scan    int // of the set
	made    *recon.Reconstruction
	picture *pixels.Image         // the best one of made, blended
	bound   *recon.Reconstruction // of the true tokens, nil where that is not wanted
	start   *pixels.Image         // that it began from, nil for noise
	blurry  *pixels.Image         // nil without a low-level model
	nearest *retrieved            // nil without an index
}

// scanRecord is a finished scan in its file.
type scanRecord struct {
	Name    string    `json:"name"`
	Best    int       `json:"best"`    // candidate, counted from 0
	Cosines []float64 `json:"cosines"` // of the candidates with the predicted tokens
	// TrueBest and TrueCosines are the same of pictures of the true tokens.
	TrueBest    *int      `json:"true_best,omitempty"`
	TrueCosines []float64 `json:"true_cosines,omitempty"`
	Caption     string    `json:"caption,omitempty"` // likeliest caption of what was seen
	Nearest     string    `json:"nearest,omitempty"` // path or address of the nearest image
}

// write writes the pictures of a scan, and then that it is finished.
func (j *reconstructing) write(ctx context.Context, r finished) error {
	name := j.set.names[r.scan]
	record := scanRecord{Name: name, Best: r.made.Best, Cosines: cosinesOf(r.made)}
	if j.set.Captions != nil {
		record.Caption = j.set.Captions[r.scan]
	}
	pictures := map[string]*pixels.Image{j.folder.picture(madeFolder, name): r.picture}
	for c, candidate := range r.made.Candidates {
		pictures[j.folder.picture(eachFolder, candidateName(name, c))] = candidate.Image
	}
	if r.bound != nil {
		record.TrueBest, record.TrueCosines = &r.bound.Best, cosinesOf(r.bound)
		pictures[j.folder.picture(boundFolder, name)] = r.bound.Image()
	}
	if r.start != nil && j.spec.Start != StartBlurry {
		pictures[j.folder.picture(startFolder, name)] = r.start
	}
	if r.blurry != nil {
		pictures[j.folder.picture(blurryFolder, name)] = r.blurry
	}
	if r.nearest != nil {
		record.Nearest = r.nearest.path
		pictures[j.folder.picture(nearestFolder, name)] = r.nearest.image
	}
	if j.set.stimuli != nil {
		img, err := j.set.stimuli.Read(ctx, j.set.images[r.scan])
		if err != nil {
			return err
		}
		pictures[j.folder.picture(seenFolder, name)] = img
	}
	for path, img := range pictures {
		if err := sheet.WritePNG(path, sheet.RGBA(img)); err != nil {
			return err
		}
	}
	return writeJSONFile(filepath.Join(j.folder.dir, scansFolder, name+".json"), record)
}

func cosinesOf(r *recon.Reconstruction) (cosines []float64) {
	for _, c := range r.Candidates {
		cosines = append(cosines, c.Cosine)
	}
	return cosines
}

func writeJSONFile(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeBytes(path, append(text, '\n'))
}

func writeBytes(path string, text []byte) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
