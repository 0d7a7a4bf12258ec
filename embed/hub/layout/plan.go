package layout

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"engram/embed/model"
	"engram/embed/tokenizer"
)

// Options say what is wanted of a source. The zero value is the default.
type Options struct {
	Precision string // "" (float32), "fp16" or "int8"
	Text      Source // the repository of the text tower, where it is not the same
	// Repository is the source's name, "owner/name" or a folder's: some publishers
	// name weights in it about which there is something to tell.
	Repository string
}

// TextDir is the folder of a model into which files of Options.Text go.
const TextDir = "text"

// Plan says which files make a model.
type Plan struct {
	Layout string // what was recognised, for a reader: "transformers.js", "Immich", …
	// Fetch are the files of the source that are needed, at their paths under the
	// model's folder. FetchText are files of Options.Text, which go under TextDir.
	Fetch, FetchText []string
	Bytes            int64  // size of all of them
	Precision        string // as model.Manifest has it
	Text             bool   // texts can be encoded
	// Notes are what the user should know, a sentence each. Finish adds what only the
	// graphs tell.
	Notes []string

	repository         string
	source, textSource *listing
	config, textConfig config
	image, text        tower
	tokens             tokens
	preprocess         preprocessing
}

// tower is a graph as it is published.
type tower struct {
	file  string // path under the model's folder, "" where there is none
	whole bool   // the graph has both towers
}

const configFile = "config.json"

// New recognises the layout of a source. Its error is one sentence that names the
// file and what was missing, and wraps ErrLayout, ErrNoONNX, ErrPrecision,
// hub.ErrPointer or the source's error.
func New(ctx context.Context, src Source, opts Options) (*Plan, error) {
	if opts.Precision != single && opts.Precision != half && opts.Precision != integer {
		return nil, fmt.Errorf("layout: precision is %q, wanted fp16, int8 or none for float32", opts.Precision)
	}
	p := &Plan{Precision: opts.Precision, repository: opts.Repository, source: newListing(src)}
	if opts.Text != nil {
		p.textSource = newListing(opts.Text)
	}
	if err := p.recognise(ctx); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	for i, files := range []*[]string{&p.Fetch, &p.FetchText} {
		slices.Sort(*files)
		*files = slices.Compact(*files)
		for _, name := range *files {
			p.Bytes += []*listing{p.source, p.textSource}[i].sizes[name]
		}
	}
	return p, nil
}

func (p *Plan) recognise(ctx context.Context) (err error) {
	if p.source.has(model.FileName) {
		return p.ready(ctx)
	}
	if len(p.source.suffixed(".onnx")) == 0 {
		return p.source.noONNX()
	}
	if p.config, err = readConfig(ctx, p.source); err != nil {
		return err
	}
	if p.source.has(immichImage) || p.source.has(immichText) {
		return p.immich(ctx)
	}
	return p.transformers(ctx)
}

// noONNX says what a source without ONNX files has instead.
func (l *listing) noONNX() error {
	weights := "nor weights that could be exported"
	for _, ending := range []string{".safetensors", ".bin", ".pt", ".pth"} {
		if len(l.suffixed(ending)) > 0 {
			weights = "only weights as " + ending + ": scripts/export_clip.py makes a model of them"
			break
		}
	}
	return say(ErrNoONNX, "there is no ONNX file, %s", weights)
}

// ready plans for a folder that is a model already.
func (p *Plan) ready(ctx context.Context) error {
	var m model.Manifest
	if err := readJSON(ctx, p.source, model.FileName, &m); err != nil {
		return err
	}
	if p.Precision != "" && p.Precision != m.Precision {
		return say(ErrPrecision, "%s says precision %q, wanted %q", model.FileName, m.Precision, p.Precision)
	}
	p.Layout, p.Precision = "Engram", m.Precision
	_, p.Text = m.Graphs["text"]
	p.Fetch = []string{model.FileName}
	if p.source.has(model.CanaryName) {
		p.Fetch = append(p.Fetch, model.CanaryName)
	}
	if p.source.has(model.CanaryName) {
		p.Fetch = append(p.Fetch, model.CanaryName)
	}
	for name := range m.Files {
		if !p.source.has(name) {
			return say(ErrLayout, "%s lists %s, which is not there", model.FileName, name)
		}
		p.Fetch = append(p.Fetch, name)
	}
	return nil
}

// The files of Immich's repositories (immich-app/ml-models).
const (
	immichImage      = "visual/model.onnx"
	immichText       = "textual/model.onnx"
	immichPreprocess = "visual/preprocess_cfg.json"
)

func (p *Plan) immich(ctx context.Context) error {
	p.Layout = "Immich"
	l := p.source
	if !l.has(immichImage) {
		return say(ErrLayout, "%s is there without %s", immichText, immichImage)
	}
	if p.Precision != "" {
		return say(ErrPrecision, "Immich publishes %s in float32 alone, wanted %s", immichImage, p.Precision)
	}
	if !l.has(immichPreprocess) {
		return say(ErrLayout, "%s is missing, which says how images are prepared", immichPreprocess)
	}
	var open openPreprocess
	err := readJSON(ctx, l, immichPreprocess, &open)
	if err != nil {
		return err
	}
	// Immich's own crop truncates the margin (machine-learning, transforms.py).
	if p.preprocess, err = open.preprocessing(immichPreprocess, p.config.imageSize(), "floor"); err != nil {
		return err
	}
	p.image = tower{file: immichImage}
	p.noteActivation()
	p.Fetch = append(p.Fetch, l.graphFiles(immichImage)...)
	if l.has(immichText) {
		p.text, p.textConfig, p.Text = tower{file: immichText}, p.config, true
		p.Fetch = append(p.Fetch, l.graphFiles(immichText)...)
		files, err := p.findTokens(ctx, l, "textual/", "")
		if err != nil {
			return err
		}
		p.Fetch = append(p.Fetch, files...)
		p.tokens.spec.Clean = tokenizer.CleanWhitespace
		if p.config.OpenText.Tokenizer.Clean == tokenizer.CleanCanonicalize { // the same word
			p.tokens.spec.Clean = tokenizer.CleanCanonicalize
		}
	}
	return nil
}

// transformers plans for the layouts that follow transformers: a graph per tower, one
// for both, or a tower per repository, at the top or under onnx/.
func (p *Plan) transformers(ctx context.Context) (err error) {
	l, c := p.source, &p.config
	switch {
	case l.has("modules.json"):
		return say(ErrLayout, "modules.json says that this is a sentence-transformers model, whose graph gives states of tokens that Python pools: wanted a CLIP with graphs of its own")
	case !l.has(configFile):
		return say(ErrLayout, "%s is missing, which names the family of the model", configFile)
	case c.family() == "":
		return say(ErrLayout, "%s: model_type is %q, wanted clip, siglip, siglip2, jina_clip or dinov2", configFile, c.ModelType)
	case c.isText():
		return say(ErrLayout, "%s: model_type is %s, a text tower alone: name the repository of the images, and this one as the text's", configFile, c.ModelType)
	}
	if err := p.findTowers(); err != nil {
		return err
	}
	p.Fetch = append(p.Fetch, l.graphFiles(p.image.file)...)
	var notes []string
	if p.preprocess, notes, err = readPreprocess(ctx, l, c); err != nil {
		return err
	}
	p.Notes = append(p.Notes, notes...)
	switch {
	case p.textSource != nil:
		return p.textOf(ctx)
	case c.family() == dino:
		return nil
	case p.text.file == "":
		p.Notes = append(p.Notes, "this repository has the image tower alone: texts need the one of the text tower, too (--text)")
		return nil
	}
	p.textConfig, p.Text = *c, true
	files, err := p.findTokens(ctx, l, "", "")
	p.Fetch = append(append(p.Fetch, l.graphFiles(p.text.file)...), files...)
	return err
}

// findTowers chooses the graphs of a source that follows transformers. A tower that
// has no graph of its own is taken from the one of both.
func (p *Plan) findTowers() error {
	l, c := p.source, &p.config
	vision, err := l.graph("vision_model", p.Precision)
	if err != nil {
		return err
	}
	text := ""
	if p.textSource == nil && c.family() != dino {
		if text, err = l.graph("text_model", p.Precision); err != nil {
			return err
		}
	}
	imagesAlone := p.textSource != nil || c.family() == dino || strings.Contains(c.ModelType, "vision_model")
	both := ""
	if vision == "" || text == "" && !imagesAlone {
		if both, err = l.graph("model", p.Precision); err != nil {
			return err
		}
	}
	p.Layout = "transformers.js"
	switch {
	case vision == "" && both == "":
		return say(ErrLayout, "there is neither vision_model.onnx nor model.onnx, at the top or under onnx/")
	case vision != "":
		p.image.file = vision
	case c.family() == dino:
		p.Layout, p.image.file = "DINOv2", both
	case imagesAlone:
		p.Layout, p.image.file = "fastembed", both
	default:
		p.Layout, p.image = "whole graph", tower{file: both, whole: true}
	}
	switch {
	case text != "":
		p.text.file = text
	case both != "" && !imagesAlone:
		p.text = tower{file: both, whole: true}
	}
	return nil
}

// textOf plans for a text tower in a repository of its own.
func (p *Plan) textOf(ctx context.Context) (err error) {
	l := p.textSource
	if p.textConfig, err = readConfig(ctx, l); err != nil {
		return fmt.Errorf("text: %w", err)
	}
	file := ""
	for _, name := range []string{"text_model", "model"} {
		if file, err = l.graph(name, p.Precision); err != nil {
			return fmt.Errorf("text: %w", err)
		}
		if file != "" {
			break
		}
	}
	if file == "" {
		return say(ErrNoONNX, "text: there is neither text_model.onnx nor model.onnx, at the top or under onnx/")
	}
	p.text, p.Text = tower{file: path.Join(TextDir, file)}, true
	files, err := p.findTokens(ctx, l, "", TextDir)
	if err != nil {
		return fmt.Errorf("text: %w", err)
	}
	p.FetchText = append(l.graphFiles(file), files...)
	return nil
}

// rawJSON reads a JSON file as it is, nil where it is not there.
func rawJSON(ctx context.Context, l *listing, name string) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if !l.has(name) {
		return nil, nil
	}
	return members, readJSON(ctx, l, name, &members)
}
