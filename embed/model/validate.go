package model

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// graphSpec lists the tensors that a kind prescribes for one of its graphs.
type graphSpec struct {
	name            string
	inputs, outputs []string
	may             []string // inputs that some graphs have
	mayGive         []string // outputs that some graphs have
	optional        bool
}

// graphs returns what the kind prescribes for models with t tokens, or nil
// for an unknown kind.
func (k Kind) graphs(t int) []graphSpec {
	embedding := "tokens"
	if t == 1 {
		embedding = "embedding"
	}
	switch k {
	case CLIP:
		return []graphSpec{
			{name: "image", inputs: []string{"pixels"}, outputs: []string{embedding}},
			{name: "text", inputs: []string{"ids"}, may: []string{"mask"}, outputs: []string{"embedding"}, optional: true},
		}
	case Features:
		return []graphSpec{{name: "image", inputs: []string{"pixels"}, outputs: []string{"embedding"}}}
	case VAE:
		return []graphSpec{
			{name: "encoder", inputs: []string{"pixels"}, outputs: []string{"latent"}},
			{name: "decoder", inputs: []string{"latent"}, outputs: []string{"pixels"}},
		}
	case Denoiser:
		return []graphSpec{{
			name: "denoiser", inputs: []string{"latent", "time"}, may: []string{"context", "labels"}, outputs: []string{"prediction"},
		}}
	case Decoder:
		return []graphSpec{{name: "decoder", inputs: []string{"voxels"}, outputs: []string{embedding}, mayGive: []string{"backbone"}}}
	case Prior:
		return []graphSpec{{name: "prior", inputs: []string{"noisy", "predicted", "time"}, outputs: []string{"tokens"}}}
	case LowLevel:
		return []graphSpec{{name: "lowlevel", inputs: []string{"voxels"}, outputs: []string{"latent"}}}
	}
	return nil
}

// invalid returns ErrInvalid with what was wanted and found.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrInvalid)
}

// validate reports the first thing that m lacks, has too much or has wrong.
// It does not look at the files.
func (m *Manifest) validate() error {
	if m.Format != Format {
		return invalid("format is %d, this version reads format %d", m.Format, Format)
	}
	if m.Kind.graphs(m.T) == nil {
		return invalid("kind is %q, wanted clip, features, vae, denoiser, decoder, prior or lowlevel", m.Kind)
	}
	for _, field := range []struct{ name, value string }{
		{"name", m.Name}, {"version", m.Version}, {"licence", m.Licence}, {"source", m.Source},
	} {
		if strings.TrimSpace(field.value) == "" {
			return invalid("%s is missing, every model states it", field.name)
		}
	}
	for _, check := range []func() error{
		m.validatePresence, m.validateNumbers, m.validatePreprocess, m.validateDiffusion, m.validateFiles, m.validateGraphs, m.validateSampling, m.validateCondition,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// validatePresence checks that exactly the fields of the kind are there.
func (m *Manifest) validatePresence() error {
	_, text := m.Graphs["text"]
	for _, field := range []struct {
		name    string
		present bool
		kinds   []Kind
	}{
		{"tokens", m.T != 0, []Kind{CLIP, Features, Denoiser, Decoder, Prior}},
		{"dim", m.D != 0, []Kind{CLIP, Features, Denoiser, Decoder, Prior}},
		{"image_size", m.ImageSize != 0, []Kind{CLIP, Features, VAE, Denoiser, LowLevel}},
		{"preprocess", m.Preprocess != nil, []Kind{CLIP, Features, VAE}},
		{"latent", m.Latent != nil, []Kind{VAE, Denoiser, LowLevel}},
		{"scheduler", m.Scheduler != nil, []Kind{Denoiser, Prior}},
		{"voxels", m.Voxels != 0, []Kind{Decoder, LowLevel}},
		{"target", m.Target != "", []Kind{Decoder, Prior, LowLevel}},
	} {
		wanted := slices.Contains(field.kinds, m.Kind)
		switch {
		case wanted && !field.present:
			return invalid("%s is missing, kind %s needs it", field.name, m.Kind)
		case !wanted && field.present:
			return invalid("%s is set, kind %s has no use for it", field.name, m.Kind)
		}
	}
	switch {
	case m.Kind != Denoiser && m.Condition != nil || m.Kind != Denoiser && m.Kind != Prior && m.Sampling != nil:
		return invalid("sampling or condition is set, kind %s has no use for it", m.Kind)
	case m.Kind != Prior && m.Scale != nil:
		return invalid("token_scale is set, kind %s has no use for it", m.Kind)
	case m.Scale != nil && !(m.Scale.Factor > 0):
		return invalid("token_scale: factor is %v, wanted a positive number", m.Scale.Factor)
	case m.Kind == CLIP && text && m.Tokenizer == nil:
		return invalid("tokenizer is missing, the text graph needs it")
	case (m.Kind != CLIP || !text) && m.Tokenizer != nil:
		return invalid("tokenizer is set without a text graph that would use it")
	}
	return nil
}

// The largest sizes that a manifest may claim, far above every known model,
// so that products of them fit an int.
const (
	maxTokens    = 1 << 16
	maxDim       = 1 << 24
	maxImageSize = 1 << 14
	maxVoxels    = 1 << 24
)

func (m *Manifest) validateNumbers() error {
	for _, field := range []struct {
		name       string
		value, max int
	}{
		{"tokens", m.T, maxTokens}, {"dim", m.D, maxDim}, {"image_size", m.ImageSize, maxImageSize}, {"voxels", m.Voxels, maxVoxels},
	} {
		if field.value < 0 || field.value > field.max {
			return invalid("%s is %d, wanted 1 to %d", field.name, field.value, field.max)
		}
	}
	if m.Kind == Features && m.T != 1 {
		return invalid("tokens is %d, kind features has 1", m.T)
	}
	if t := m.Tokenizer; t != nil && (t.Context < 1 || t.Context > maxTokens) {
		return invalid("tokenizer: context is %d, wanted 1 to %d", t.Context, maxTokens)
	}
	if t := m.Tokenizer; t != nil && t.Pad != nil && *t.Pad < 0 {
		return invalid("tokenizer: pad is %d, wanted an id from 0", *t.Pad)
	}
	if m.Precision != "" && m.Precision != "fp16" && m.Precision != "int8" {
		return invalid("precision is %q, wanted fp16 or int8", m.Precision)
	}
	if m.Target != "" && !isSHA256(m.Target) {
		return invalid("target is %q, wanted the fingerprint of a model (64 hexadecimal digits)", m.Target)
	}
	return nil
}

// Names that a Preprocess may have, as package pixels does.
var (
	filters = []string{"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"}
	crops   = []string{"center", "none", "pad"}
	// interpolations are the filters that there are without antialias.
	interpolations = []string{"nearest", "bilinear", "bicubic"}
)

func (m *Manifest) validatePreprocess() error {
	p := m.Preprocess
	if p == nil {
		return nil
	}
	switch {
	case !slices.Contains(filters, p.Filter):
		return invalid("preprocess: filter is %q, wanted one of %q", p.Filter, filters)
	case !slices.Contains(crops, p.Crop):
		return invalid("preprocess: crop is %q, wanted one of %q", p.Crop, crops)
	case p.Resize != 0 && (p.Resize < m.ImageSize || p.Resize > maxImageSize || p.Crop != "center"):
		return invalid("preprocess: resize is %d with crop %s, wanted %d to %d with crop center", p.Resize, p.Crop, m.ImageSize, maxImageSize)
	case p.Rounding != "" && (p.Rounding != "floor" || p.Crop != "center"):
		return invalid("preprocess: rounding is %q with crop %s, wanted floor with crop center", p.Rounding, p.Crop)
	case p.Fill < 0 || p.Fill > 255 || p.Fill != 0 && p.Crop != "pad":
		return invalid("preprocess: fill is %d with crop %s, wanted 0 to 255 with crop pad", p.Fill, p.Crop)
	case !p.Antialias && !slices.Contains(interpolations, p.Filter):
		return invalid("preprocess: filter is %s without antialias, wanted one of %q", p.Filter, interpolations)
	case !(p.Range[0] < p.Range[1]):
		return invalid("preprocess: range is %v, wanted two rising numbers such as [0, 1]", p.Range)
	}
	for c := range 3 {
		if !(p.Std[c] > 0) {
			return invalid("preprocess: std is %v, wanted three positive numbers", p.Std)
		}
	}
	return nil
}

func (m *Manifest) validateDiffusion() error {
	if l := m.Latent; l != nil {
		switch {
		case l.Channels < 1 || l.Channels > maxImageSize:
			return invalid("latent: channels is %d, wanted 1 to %d", l.Channels, maxImageSize)
		case l.Factor < 1 || m.ImageSize%l.Factor != 0:
			return invalid("latent: factor is %d, wanted a divisor of the image size %d", l.Factor, m.ImageSize)
		case !(l.Scale > 0):
			return invalid("latent: scale is %v, wanted a positive number", l.Scale)
		}
	}
	s := m.Scheduler
	if s == nil {
		return nil
	}
	switch {
	case s.Steps < 1 || s.Steps > maxTokens:
		return invalid("scheduler: steps is %d, wanted 1 to %d", s.Steps, maxTokens)
	case !(0 < s.BetaStart && s.BetaStart <= s.BetaEnd && s.BetaEnd < 1):
		return invalid("scheduler: betas are %v to %v, wanted two rising numbers between 0 and 1", s.BetaStart, s.BetaEnd)
	case !slices.Contains([]string{"linear", "scaled_linear", "cosine"}, s.BetaSchedule):
		return invalid("scheduler: beta_schedule is %q, wanted linear, scaled_linear or cosine", s.BetaSchedule)
	case !slices.Contains([]string{"epsilon", "v", "sample"}, s.Prediction):
		return invalid("scheduler: prediction is %q, wanted epsilon, v or sample", s.Prediction)
	}
	return nil
}

// validateFiles checks the names and the form of the checksums, and that
// every file that a field names has one.
func (m *Manifest) validateFiles() error {
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if err := checkPath(name); err != nil {
			return err
		}
		if sum := m.Files[name]; !isSHA256(sum) {
			return invalid("files: the checksum of %s is %q, wanted a SHA-256 of 64 lower-case hexadecimal digits", name, sum)
		}
	}
	for _, name := range m.namedFiles() {
		if _, ok := m.Files[name]; !ok {
			return invalid("files: %q is named by a graph or the tokenizer and has no checksum", name)
		}
	}
	return nil
}

// namedFiles returns the files that the graphs and the tokenizer name, sorted.
func (m *Manifest) namedFiles() []string {
	var names []string
	for _, graph := range m.Graphs {
		names = append(names, graph.File)
	}
	if t := m.Tokenizer; t != nil {
		names = append(names, t.File)
		if t.Merges != "" {
			names = append(names, t.Merges)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ownFiles are the files that describe a model and are none of its content.
var ownFiles = []string{FileName, LinksName, CanaryName}

// checkPath refuses every name that might lie outside of the folder on any
// system. Symbolic links that are not listed are refused when the file is opened.
func checkPath(name string) error {
	if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, `\:`) || slices.Contains(ownFiles, name) {
		return invalid("files: %q is not a path inside the model's folder", name)
	}
	return nil
}

// validateGraphs checks that the model has the graphs and tensors of its kind.
func (m *Manifest) validateGraphs() error {
	specs := m.Kind.graphs(m.T)
	known := make(map[string]bool, len(specs))
	for _, spec := range specs {
		known[spec.name] = true
		if m.Condition != nil {
			spec.may = append(slices.Clone(spec.may), slices.Collect(maps.Keys(m.Condition.Constants))...)
		}
		graph, ok := m.Graphs[spec.name]
		if !ok && spec.optional {
			continue
		}
		if !ok {
			return invalid("models: %s is missing, kind %s needs it", spec.name, m.Kind)
		}
		if err := checkTensors(spec.name+": inputs", graph.Inputs, spec.inputs, spec.may...); err != nil {
			return err
		}
		if err := checkTensors(spec.name+": outputs", graph.Outputs, spec.outputs, spec.mayGive...); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Graphs)) {
		if !known[name] {
			return invalid("models: %q is not a graph of kind %s", name, m.Kind)
		}
	}
	return nil
}

// checkTensors checks that tensors has the keys want and perhaps some of may, and
// no other, each with a name.
func checkTensors(where string, tensors map[string]string, want []string, may ...string) error {
	found := slices.Sorted(maps.Keys(tensors))
	needed := slices.DeleteFunc(slices.Clone(found), func(key string) bool { return slices.Contains(may, key) })
	if !slices.Equal(needed, want) {
		return invalid("models: %s are %q, wanted %q", where, found, want)
	}
	for _, key := range found {
		if tensors[key] == "" {
			return invalid("models: %s: %s has no tensor name", where, key)
		}
	}
	return nil
}

// isSHA256 reports whether s is a SHA-256 as this package writes it.
func isSHA256(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == 32 && strings.ToLower(s) == s
}
