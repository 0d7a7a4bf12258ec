package app

import (
	"context"
	"fmt"

	"engram/embed/dataset"
	"engram/embed/scan"
	"engram/recon/caption"
)

// captionColumn is the column of a table of captions beside its column image.
const captionColumn = "caption"

// trainCaptions trains the caption model of a study.
func (a *App) trainCaptions(ctx context.Context, captions [][]string, s *study, opts scan.Options) (_ *caption.Model, err error) {
	text, err := a.OpenTextEncoder(ctx, s.model, opts.Progress)
	if err != nil {
		return nil, fmt.Errorf("--captions: %w", err)
	}
	defer closeInto(&err, text)
	return caption.Train(ctx, text.runtime, caption.Data{
		Voxels: s.Voxels, Images: s.Images, Captions: captions, Encoder: text, Space: s.target(), Tokens: s.readTarget, Width: s.T * s.D,
	}, opts)
}

// readCaptions reads a table with the columns image and caption: the captions of each image
// of a study, several lines for several of them. Without a table there are none.
func readCaptions(file string, s *study) ([][]string, error) {
	if file == "" {
		return nil, nil
	}
	names := s.names
	if s.scans != nil {
		for i := range s.Targets.Rows {
			names = append(names, s.imageName(i))
		}
	}
	seen, err := dataset.ReadSeen(file, "image", names, s.Targets.Rows)
	if err != nil {
		return nil, err
	}
	texts, err := dataset.Column(file, captionColumn)
	if err != nil {
		return nil, err
	}
	captions := make([][]string, s.Targets.Rows)
	for i, image := range seen.Images {
		if image != dataset.NoImage && texts.Values[i] != "" {
			captions[image] = append(captions[image], texts.Values[i])
		}
	}
	for _, image := range s.Images {
		if len(captions[image]) == 0 {
			return nil, fmt.Errorf("%s has no caption of the image %s, which a trial saw", file, s.imageName(image))
		}
	}
	return captions, nil
}
