package layout

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"engram/embed/hub"
	"engram/embed/internal/jsonkind"
)

// readJSON decodes a small JSON file of a source into v. Members that v does not have
// are skipped.
func readJSON(ctx context.Context, l *listing, name string, v any) error {
	if size := l.sizes[name]; size > maxJSON {
		return say(ErrLayout, "%s has %d bytes, wanted a small JSON file", name, size)
	}
	text, err := l.Read(ctx, name)
	if err != nil {
		return err
	}
	if hub.IsPointer(text) {
		return pointerError(name)
	}
	return decodeJSON(name, text, v)
}

func decodeJSON(name string, text []byte, v any) error {
	err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), v)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || len(text) == 0 {
		return say(ErrLayout, "%s is not JSON (%w)", name, err)
	}
	return say(ErrLayout, "%s: %w", name, jsonkind.Explain(err))
}

// family is a kind of model with preprocessing and tensors of its own.
type family string

// The families.
const (
	clip     family = "clip"
	siglip   family = "siglip"
	jina     family = "jina_clip"
	dino     family = "dinov2"
	openCLIP family = "open_clip" // a config.json of open_clip, as Immich publishes
)

// config is what is read of a config.json, of transformers or of open_clip.
type config struct {
	ModelType     string `json:"model_type"`
	ProjectionDim int    `json:"projection_dim"`
	HiddenSize    int    `json:"hidden_size"`
	Vision        struct {
		ImageSize  side `json:"image_size"`
		HiddenSize int  `json:"hidden_size"`
	} `json:"vision_config"`
	Text struct {
		MaxPositions int `json:"max_position_embeddings"`
	} `json:"text_config"`
	MaxPositions int  `json:"max_position_embeddings"` // of a text tower alone
	ImageSize    side `json:"image_size"`              // of an image tower alone

	EmbedDim   int `json:"embed_dim"`
	OpenVision *struct {
		ImageSize side `json:"image_size"`
	} `json:"vision_cfg"`
	OpenText struct {
		ContextLength int `json:"context_length"`
		Tokenizer     struct {
			Clean string `json:"clean"`
		} `json:"tokenizer_kwargs"`
	} `json:"text_cfg"`
}

// readConfig reads config.json; a source without one has an empty config.
func readConfig(ctx context.Context, l *listing) (config, error) {
	var c config
	if !l.has(configFile) {
		return c, nil
	}
	return c, readJSON(ctx, l, configFile, &c)
}

// family returns the family that the config names, or "".
func (c *config) family() family {
	switch c.ModelType {
	case "clip", "clip_vision_model", "clip_text_model", "clip_vision_model_with_projection",
		"clip_text_model_with_projection", "metaclip_2":
		return clip
	case "siglip", "siglip_vision_model", "siglip_text_model", "siglip2", "siglip2_vision_model", "siglip2_text_model":
		return siglip
	case "jina_clip":
		return jina
	case "dinov2", "dinov2_with_registers":
		return dino
	}
	if c.ModelType == "" && (c.EmbedDim > 0 || c.OpenVision != nil) {
		return openCLIP
	}
	return ""
}

// isText reports whether the config is a text tower's alone.
func (c *config) isText() bool { return strings.Contains(c.ModelType, "_text_model") }

// dim returns D as the config has it, or 0.
func (c *config) dim() int {
	switch c.family() {
	case clip, jina:
		return c.ProjectionDim
	case siglip:
		return cmp.Or(c.Vision.HiddenSize, c.HiddenSize)
	case dino:
		return c.HiddenSize
	}
	return c.EmbedDim
}

// imageSize returns S as the config has it, or 0.
func (c *config) imageSize() int {
	if c.OpenVision != nil {
		return c.OpenVision.ImageSize.square()
	}
	return cmp.Or(c.Vision.ImageSize.square(), c.ImageSize.square())
}

// context returns the ids per text as the config has them, or 0.
func (c *config) context() int {
	switch f := c.family(); f {
	case openCLIP:
		return cmp.Or(c.OpenText.ContextLength, 77)
	case siglip:
		return cmp.Or(c.Text.MaxPositions, c.MaxPositions, 64)
	case clip:
		return cmp.Or(c.Text.MaxPositions, c.MaxPositions, 77)
	}
	return 0
}

// side is the size of a picture in any of the ways in which it is written: a number,
// a pair, or an object.
type side struct {
	set               bool
	number            int // a number alone
	height, width     int
	shortest, longest int
}

// square returns the side of a square, 0 where the size is of none.
func (s side) square() int {
	switch {
	case s.number > 0:
		return s.number
	case s.height == s.width:
		return s.height
	}
	return 0
}

// UnmarshalJSON reads 224, [224, 224], {"height": 224, "width": 224},
// {"shortest_edge": 224} and {"longest_edge": 224}.
func (s *side) UnmarshalJSON(text []byte) error {
	var object struct {
		Height   int `json:"height"`
		Width    int `json:"width"`
		Shortest int `json:"shortest_edge"`
		Longest  int `json:"longest_edge"`
	}
	var pair []int
	switch {
	case string(text) == "null":
		return nil
	case json.Unmarshal(text, &s.number) == nil:
	case json.Unmarshal(text, &pair) == nil && len(pair) == 2:
		s.height, s.width = pair[0], pair[1]
	case json.Unmarshal(text, &pair) == nil && len(pair) == 1:
		s.number = pair[0]
	case json.Unmarshal(text, &object) == nil:
		s.height, s.width, s.shortest, s.longest = object.Height, object.Width, object.Shortest, object.Longest
	default:
		return fmt.Errorf("size is %s, wanted pixels", text)
	}
	s.set = true
	for _, n := range []int{s.number, s.height, s.width, s.shortest, s.longest} {
		if n < 0 || n > 1<<14 {
			return fmt.Errorf("size is %s, wanted 1 to %d pixels", text, 1<<14)
		}
	}
	return nil
}
