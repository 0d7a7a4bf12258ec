package app

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/batch"
	"engram/data/progress"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/hub/catalogue"
	"engram/embed/model"
	"engram/embed/ort"
)

// WordsModel is the model that is named to whoever wants to search by words.
const WordsModel = "clip-vit-b-32"

// TextEncoder is an open text encoder with the library that runs it.
type TextEncoder struct {
	*clip.TextEncoder
	runtime *ort.Runtime
	queue   *batch.Batcher[string, embed.Vector] // nil: each text has a run of its own
}

// OpenTextEncoder opens the text encoder of a model. Where the model has none,
// the error is a clip.ErrNoText that says how to search by words.
func (a *App) OpenTextEncoder(ctx context.Context, m *model.Model, watch progress.Func) (*TextEncoder, error) {
	if _, ok := m.Graphs["text"]; !ok {
		return nil, noText(m)
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := clip.OpenText(rt, m, clip.Options{Device: a.opts.Device})
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	if err := a.checkCanary(ctx, rt, encoder); err != nil {
		return nil, errors.Join(err, encoder.Close(), rt.Close())
	}
	return &TextEncoder{TextEncoder: encoder, runtime: rt}, nil
}

// wordsHint says how an index of plain pixels becomes one that is searched by words.
func wordsHint() string {
	size := ""
	if e, ok := catalogue.Find(WordsModel); ok {
		size = fmt.Sprintf(" (%s, fetched once)", Megabytes(e.Download[catalogue.FP32]))
	}
	return fmt.Sprintf("this index of plain pixels finds what looks alike; to search by words, build another one with --model %s%s", WordsModel, size)
}

// noText says that a model cannot search by words, and what can.
func noText(m *model.Model) error {
	const build = `"engram index build FOLDER --model %s"`
	if m.Name == Pixels {
		return embed.Sentence(clip.ErrNoText, "an index of plain pixels finds what looks alike and knows no words; to search by words, build one with the model of a CLIP: "+
			build, WordsModel)
	}
	if e, ok := catalogue.WithWords(m.Source); ok {
		return embed.Sentence(clip.ErrNoText, "the model %s has no text graph, and %s has one for the same space; to search by words, build the index with it: "+
			build, Label(m), e.Name, e.Name)
	}
	return embed.Sentence(clip.ErrNoText, "the model %s has no text graph; to search by words, build an index with the model of a CLIP: "+
		build, Label(m), WordsModel)
}

// needText refuses a model that embeds no texts, for work that is no search.
func needText(m *model.Model) error {
	if _, ok := m.Graphs["text"]; ok {
		return nil
	}
	return embed.Sentence(clip.ErrNoText, "the model %s embeds no texts, wanted --model with the model of a CLIP, such as %s", Label(m), WordsModel)
}

// Embed returns the unit vector of one text, and whether the text was longer than
// the model reads. A text that means nothing to the model is refused with
// embed.ErrText.
func (m *TextEncoder) Embed(ctx context.Context, text string) (vector []float32, cut bool, err error) {
	if err := embed.CheckText(text); err != nil {
		return nil, false, err
	}
	encoding := m.Tokenize(text)
	if encoding.Known == 0 {
		return nil, false, embed.Sentence(embed.ErrText, "the model %s knows no word of %.60q", Label(m.Model()), text)
	}
	vector, err = m.one(ctx, text)
	return vector, encoding.Cut, err
}

// Close frees the encoder and the library.
func (m *TextEncoder) Close() error {
	return errors.Join(m.queue.Close(), m.TextEncoder.Close(), m.runtime.Close())
}
