package bundle

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// modelSpec lists the tensors that a kind prescribes for one of its models.
type modelSpec struct {
	name            string
	inputs, outputs []string
	optional        bool
}

// models returns what the kind prescribes for bundles with t tokens, or nil
// for an unknown kind.
func (k Kind) models(t int) []modelSpec {
	embedding := "tokens"
	if t == 1 {
		embedding = "embedding"
	}
	switch k {
	case CLIP:
		return []modelSpec{
			{name: "image", inputs: []string{"pixels"}, outputs: []string{embedding}},
			{name: "text", inputs: []string{"ids"}, outputs: []string{"embedding"}, optional: true},
		}
	case Features:
		return []modelSpec{{name: "image", inputs: []string{"pixels"}, outputs: []string{"embedding"}}}
	case VAE:
		return []modelSpec{
			{name: "encoder", inputs: []string{"pixels"}, outputs: []string{"latent"}},
			{name: "decoder", inputs: []string{"latent"}, outputs: []string{"pixels"}},
		}
	case Denoiser:
		return []modelSpec{{name: "denoiser", inputs: []string{"context", "latent", "time"}, outputs: []string{"prediction"}}}
	case Decoder:
		return []modelSpec{{name: "decoder", inputs: []string{"voxels"}, outputs: []string{embedding}}}
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
	if m.Kind.models(m.T) == nil {
		return invalid("kind is %q, wanted clip, features, vae, denoiser or decoder", m.Kind)
	}
	for _, field := range []struct{ name, value string }{
		{"name", m.Name}, {"version", m.Version}, {"licence", m.Licence}, {"source", m.Source},
	} {
		if strings.TrimSpace(field.value) == "" {
			return invalid("%s is missing, every bundle states it", field.name)
		}
	}
	for _, check := range []func() error{
		m.validatePresence, m.validateNumbers, m.validatePreprocess, m.validateDiffusion, m.validateFiles, m.validateModels,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// validatePresence checks that exactly the fields of the kind are there.
func (m *Manifest) validatePresence() error {
	_, text := m.Models["text"]
	for _, field := range []struct {
		name    string
		present bool
		kinds   []Kind
	}{
		{"tokens", m.T != 0, []Kind{CLIP, Features, Denoiser, Decoder}},
		{"dim", m.D != 0, []Kind{CLIP, Features, Denoiser, Decoder}},
		{"image_size", m.ImageSize != 0, []Kind{CLIP, Features, VAE, Denoiser}},
		{"preprocess", m.Preprocess != nil, []Kind{CLIP, Features, VAE}},
		{"latent", m.Latent != nil, []Kind{VAE, Denoiser}},
		{"scheduler", m.Scheduler != nil, []Kind{Denoiser}},
		{"voxels", m.Voxels != 0, []Kind{Decoder}},
		{"target", m.Target != "", []Kind{Decoder}},
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
	case m.Kind == CLIP && text && m.Tokenizer == nil:
		return invalid("tokenizer is missing, the text model needs it")
	case (m.Kind != CLIP || !text) && m.Tokenizer != nil:
		return invalid("tokenizer is set without a text model that would use it")
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
	if m.Target != "" && !isSHA256(m.Target) {
		return invalid("target is %q, wanted the fingerprint of a bundle (64 hexadecimal digits)", m.Target)
	}
	return nil
}

func (m *Manifest) validatePreprocess() error {
	p := m.Preprocess
	if p == nil {
		return nil
	}
	switch {
	case p.Filter != "bicubic" && p.Filter != "bilinear":
		return invalid("preprocess: filter is %q, wanted bicubic or bilinear", p.Filter)
	case p.Crop != "center" && p.Crop != "none":
		return invalid("preprocess: crop is %q, wanted center or none", p.Crop)
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
			return invalid("files: %q is named by a model or the tokenizer and has no checksum", name)
		}
	}
	return nil
}

// namedFiles returns the files that the models and the tokenizer name, sorted.
func (m *Manifest) namedFiles() []string {
	var names []string
	for _, model := range m.Models {
		names = append(names, model.File)
	}
	if m.Tokenizer != nil {
		names = append(names, m.Tokenizer.File)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkPath refuses every name that might lie outside of the folder on any
// system. Symbolic links are refused when the file is opened.
func checkPath(name string) error {
	if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, `\:`) || name == FileName {
		return invalid("files: %q is not a path inside the bundle's folder", name)
	}
	return nil
}

// validateModels checks that the bundle has the models and tensors of its kind.
func (m *Manifest) validateModels() error {
	specs := m.Kind.models(m.T)
	known := make(map[string]bool, len(specs))
	for _, spec := range specs {
		known[spec.name] = true
		model, ok := m.Models[spec.name]
		if !ok && spec.optional {
			continue
		}
		if !ok {
			return invalid("models: %s is missing, kind %s needs it", spec.name, m.Kind)
		}
		if err := checkTensors(spec.name+": inputs", model.Inputs, spec.inputs); err != nil {
			return err
		}
		if err := checkTensors(spec.name+": outputs", model.Outputs, spec.outputs); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Models)) {
		if !known[name] {
			return invalid("models: %q is not a model of kind %s", name, m.Kind)
		}
	}
	return nil
}

// checkTensors checks that tensors has exactly the keys want, each with a
// name.
func checkTensors(where string, tensors map[string]string, want []string) error {
	found := slices.Sorted(maps.Keys(tensors))
	if !slices.Equal(found, want) {
		return invalid("models: %s are %q, wanted %q", where, found, want)
	}
	for _, key := range want {
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
