package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"engram/embed"
	"engram/index/ingest"
	"engram/index/source"
)

// sized is an input of some bytes.
type sized int

func (s sized) Size() int      { return int(s) }
func (sized) Incomplete() bool { return false }

// fussy is an encoder that can do nothing with the input 2, and says so of the batch.
type fussy struct{}

func (fussy) Decode(context.Context, io.Reader) (ingest.Input, error) { return sized(1), nil }

func (fussy) Encode(_ context.Context, inputs []ingest.Input) ([][]float32, error) {
	rows := make([][]float32, len(inputs))
	for i, in := range inputs {
		if in == sized(2) {
			return nil, fmt.Errorf("no direction: %w", ingest.ErrImage)
		}
		rows[i] = []float32{1, 0}
	}
	return rows, nil
}

// An image without a vector costs no other image of its batch its labels.
func TestOneImageSpoilsNoBatch(t *testing.T) {
	var labelled []string
	l := &labeller{
		spec: LabelSpec{Labels: []string{"a"}, Scale: 1, Top: 1, Emit: func(to Labelled) error {
			labelled = append(labelled, to.Name)
			return nil
		}},
		vectors: []embed.Vector{{1, 0}}, report: &LabelReport{},
	}
	done := 0
	s := labelStream{labeller: l, encoder: fussy{}, batch: 3, done: func() { done++ }}
	var batch []*picture
	for i, input := range []sized{1, 2, 3} {
		batch = append(batch, &picture{row: source.Row{Name: fmt.Sprint(i)}, input: input})
	}
	if err := s.encode(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(labelled, []string{"0", "2"}) || l.report.Unusable != 1 || l.report.Bad[0].Name != "1" || done != 3 {
		t.Errorf("labelled %q, report %+v, %d done", labelled, l.report, done)
	}
}
