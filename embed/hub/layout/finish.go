package layout

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"engram/embed/hub"
	"engram/embed/internal/jsonkind"
	"engram/embed/model"
	"engram/embed/onnx"
)

// Identity is what a manifest says of where a model comes from.
type Identity struct {
	Name    string
	Version string // the commit
	Licence string // "" where the repository states none
	Source  string // such as "hf:owner/name@commit"
}

// External returns the files that the fetched graphs keep weights in and that are not
// in the folder: of the source, and of Options.Text. They are fetched before Finish.
func (p *Plan) External(dir string) (fetch, fetchText []string, err error) {
	for _, t := range []tower{p.image, p.text} {
		if t.file == "" {
			continue
		}
		names, err := external(dir, t.file)
		if err != nil {
			return nil, nil, fmt.Errorf("layout: %w", err)
		}
		for _, name := range names {
			file := path.Join(path.Dir(t.file), name)
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err == nil {
				continue
			}
			text, ok := strings.CutPrefix(file, TextDir+"/")
			ok = ok && p.textSource != nil
			switch {
			case ok && p.textSource.has(text):
				fetchText = append(fetchText, text)
			case !ok && p.source.has(file):
				fetch = append(fetch, file)
			default:
				return nil, nil, say(ErrLayout, "layout: %s keeps weights in %q, which is not published with it", t.file, name)
			}
		}
	}
	slices.Sort(fetch)
	slices.Sort(fetchText)
	return slices.Compact(fetch), slices.Compact(fetchText), nil
}

// external returns the files that an ONNX file keeps weights in.
func external(dir, file string) ([]string, error) {
	f, size, err := openGraph(dir, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := onnx.External(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return names, nil
}

// openGraph opens an ONNX file of a folder; a Git LFS pointer is refused.
func openGraph(dir, file string) (*os.File, int64, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil {
		head := make([]byte, min(info.Size(), 64))
		if _, err = io.ReadFull(io.NewSectionReader(f, 0, int64(len(head))), head); err == nil && hub.IsPointer(head) {
			err = pointerError(file)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// Finish looks at the files of the plan, which lie in dir, and returns the manifest for
// model.Write. It writes graphs of its own beside the published ones where these have
// to be cut; what the manifest does not name is not needed any more. D is 0 in the
// manifest where neither the graphs nor config.json tell it: then the image graph must
// be run once. The error is one sentence, as New's, and may wrap ErrOperator.
func (p *Plan) Finish(dir string, id Identity) (model.Manifest, error) {
	m, err := p.finish(dir, id)
	if err != nil {
		return model.Manifest{}, fmt.Errorf("layout: %w", err)
	}
	return m, nil
}

func (p *Plan) finish(dir string, id Identity) (model.Manifest, error) {
	if p.image.file == "" {
		opened, err := model.Open(dir)
		if err != nil {
			return model.Manifest{}, err
		}
		return opened.Manifest, nil
	}
	m := model.Manifest{
		Kind: model.CLIP, Name: id.Name, Version: cmp.Or(id.Version, "unknown"),
		Licence: cmp.Or(id.Licence, "not stated"), Source: cmp.Or(id.Source, "unknown"),
		T: 1, ImageSize: p.preprocess.size, Precision: p.Precision, Preprocess: &p.preprocess.Preprocess,
		Graphs: make(map[string]model.Graph),
	}
	if p.config.family() == dino {
		m.Kind = model.Features
	}
	image, err := p.finishImage(dir)
	if err != nil {
		return m, err
	}
	m.Graphs["image"] = image.graph
	m.D = image.dim
	if !p.Text {
		m.D = cmp.Or(m.D, p.config.dim())
		return m, nil
	}
	text, err := p.finishText(dir, &m)
	if err != nil {
		return m, err
	}
	m.Graphs["text"] = text.graph
	if image.dim != 0 && text.dim != 0 && image.dim != text.dim {
		return m, say(ErrLayout, "the towers differ: %s gives %d elements and %s %d, wanted the same", p.image.file, image.dim, p.text.file, text.dim)
	}
	m.D = cmp.Or(image.dim, text.dim, p.config.dim(), p.textConfig.dim())
	return m, nil
}

// finished is a graph of the manifest with the elements of its embedding, 0 where the
// graph does not say.
type finished struct {
	graph model.Graph
	dim   int
}

// Names of tensors that exporters use, the best first.
var (
	imageInputs  = []string{"pixel_values", "image", "input", "images"}
	imageOutputs = []string{"image_embeds", "image_embedding", "image_embeddings", "l2norm_image_embeddings", "image_features", "embedding"}
	idInputs     = []string{"input_ids", "text", "ids"}
	maskInputs   = []string{"attention_mask"}
	textOutputs  = []string{"text_embeds", "text_embedding", "text_embeddings", "l2norm_text_embeddings", "text_features", "embedding"}
)

const (
	pooled = "pooler_output"     // the embedding of SigLIP; CLIP's is not in the common space
	states = "last_hidden_state" // [n, T, D], token 0 is DINOv2's embedding
)

// finishImage chooses the tensors of the image graph.
func (p *Plan) finishImage(dir string) (f finished, err error) {
	g, err := inspect(dir, p.image.file)
	if err != nil {
		return f, err
	}
	p.checkActivation(g)
	names := imageOutputs
	switch p.config.family() {
	case siglip, dino:
		names = append(slices.Clone(names), pooled)
	}
	output, ok := g.output(names)
	if !ok && p.config.family() == dino {
		if output, ok = g.output([]string{states}); !ok {
			return f, g.noOutput(append(names, states))
		}
		return p.firstToken(g, dir, output)
	}
	if !ok {
		return f, g.noOutput(names)
	}
	if p.image.whole {
		if g, err = g.cut(dir, cutImage, onnx.Cut{Outputs: []string{output.Name}}); err != nil {
			return f, err
		}
	}
	return g.finishImage(output, p.preprocess)
}

// finishText chooses the tensors of the text graph, and what the tokenizer lacks.
func (p *Plan) finishText(dir string, m *model.Manifest) (f finished, err error) {
	g, err := inspect(dir, p.text.file)
	if err != nil {
		return f, err
	}
	names := textOutputs
	if p.config.family() == siglip {
		names = append(slices.Clone(names), pooled)
	}
	output, ok := g.output(names)
	if !ok {
		return f, g.noOutput(names)
	}
	if p.text.whole {
		if g, err = g.cut(dir, cutText, onnx.Cut{Outputs: []string{output.Name}}); err != nil {
			return f, err
		}
	}
	f.graph = model.Graph{File: g.file, Inputs: make(map[string]string), Outputs: map[string]string{"embedding": output.Name}}
	f.dim = lastDim(output)
	context := 0
	for _, v := range g.Inputs {
		switch {
		case slices.Contains(idInputs, v.Name):
			f.graph.Inputs["ids"] = v.Name
			if len(v.Shape) == 2 {
				context = int(max(0, v.Shape[1]))
			}
		case slices.Contains(maskInputs, v.Name):
			f.graph.Inputs["mask"] = v.Name
		default:
			return f, say(ErrLayout, "%s wants the input %q, and nothing is known to give it (known: %q, %q)", g.file, v.Name, idInputs, maskInputs)
		}
	}
	if f.graph.Inputs["ids"] == "" {
		return f, say(ErrLayout, "%s has no input for ids, wanted one of %q", g.file, idInputs)
	}
	m.Tokenizer, err = p.finishTokens(dir, context)
	return f, err
}

// finishTokens completes the tokenizer with what its file and the graph say.
func (p *Plan) finishTokens(dir string, context int) (*model.Tokenizer, error) {
	t := p.tokens.spec
	t.Context = cmp.Or(context, p.textConfig.context(), p.tokens.maxLength)
	if t.Context == 0 {
		return nil, say(ErrLayout, "%s does not say how many ids a text has, and neither config.json (max_position_embeddings) nor tokenizer_config.json (model_max_length) does", p.text.file)
	}
	if p.tokens.pad == "" || path.Base(t.File) != "tokenizer.json" {
		return &t, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(t.File)))
	if err != nil {
		return nil, err
	}
	if hub.IsPointer(text) {
		return nil, pointerError(t.File)
	}
	var file struct {
		Added []struct {
			ID      int    `json:"id"`
			Content string `json:"content"`
		} `json:"added_tokens"`
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&file); err != nil {
		return nil, say(ErrLayout, "%s is not JSON as it should be (%w)", t.File, jsonkind.Explain(err))
	}
	for _, a := range file.Added {
		if a.Content == p.tokens.pad {
			t.Pad = &a.ID
		}
	}
	return &t, nil
}

// inspected is a graph in the folder of a model.
type inspected struct {
	onnx.Signature
	file string // path under the folder
}

// inspect reads the signature of a graph and refuses operators that are unknown.
func inspect(dir, file string) (g inspected, err error) {
	g.file = file
	f, size, err := openGraph(dir, file)
	if err != nil {
		return g, err
	}
	defer f.Close()
	if g.Signature, err = onnx.Inspect(f, size); err != nil {
		return g, fmt.Errorf("%s: %w", file, err)
	}
	return g, g.checkOperators()
}

// output returns the first output that has one of the names.
func (g *inspected) output(names []string) (onnx.Value, bool) {
	for _, name := range names {
		for _, v := range g.Outputs {
			if v.Name == name {
				return v, true
			}
		}
	}
	return onnx.Value{}, false
}

func (g *inspected) noOutput(names []string) error {
	found := make([]string, len(g.Outputs))
	for i, v := range g.Outputs {
		found[i] = v.Name
	}
	return say(ErrLayout, "%s gives %q, wanted one of %q", g.file, found, names)
}

// lastDim returns the elements of an embedding, 0 where the graph does not say.
func lastDim(v onnx.Value) int {
	if len(v.Shape) == 0 {
		return 0
	}
	return int(max(0, v.Shape[len(v.Shape)-1]))
}

// finishImage checks the image graph's tensors.
func (g *inspected) finishImage(output onnx.Value, p preprocessing) (f finished, err error) {
	f.graph = model.Graph{File: g.file, Outputs: map[string]string{"embedding": output.Name}}
	f.dim = lastDim(output)
	for _, v := range g.Inputs {
		if !slices.Contains(imageInputs, v.Name) || f.graph.Inputs != nil {
			return f, say(ErrLayout, "%s wants the input %q, wanted pictures alone (one of %q)", g.file, v.Name, imageInputs)
		}
		f.graph.Inputs = map[string]string{"pixels": v.Name}
		if len(v.Shape) != 4 {
			continue
		}
		for axis, want := range []int{1: 3, 2: p.size, 3: p.size} {
			if found := int(v.Shape[axis]); axis > 0 && found >= 0 && found != want {
				return f, say(ErrLayout, "%s takes pictures of shape %v, and %s makes [n 3 %d %d]", g.file, v.Shape, p.file, p.size, p.size)
			}
		}
	}
	if f.graph.Inputs == nil {
		return f, say(ErrLayout, "%s has no input, wanted one of %q", g.file, imageInputs)
	}
	return f, nil
}

// checkOperators refuses operators that neither ONNX nor ONNX Runtime defines.
func (g *inspected) checkOperators() error {
	for _, o := range g.Operators {
		if !slices.Contains(g.Functions, o) && !slices.Contains(knownDomains, o.Domain) {
			return say(ErrOperator, "%s uses the operator %s, which ONNX Runtime does not have: try another precision or repository, or export the model with scripts/export_clip.py", g.file, o)
		}
	}
	return nil
}

// knownDomains are the operator sets of ONNX and ONNX Runtime's CPU library.
var knownDomains = []string{
	"", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft", "com.microsoft.nchwc",
}
