package demo

import (
	"context"
	"os"
	"path/filepath"

	"engram/data/scanner"
	"engram/embed/dataset"

	"gonum.org/v1/gonum/blas/blas32"
)

// recording is what the subject is measured with, given its responses to the
// shown scenes: each is seen as often as the scale says.
func (d *demo) recording(responses blas32.General) (scanner.Recording, error) {
	r := scanner.Recording{Seed: d.Seed, Responses: responses}
	var images []int
	for _, s := range d.shown() {
		for i := range s.scenes {
			if s.name != d.cast.train.name {
				r.Shared = append(r.Shared, len(images))
			}
			r.Names = append(r.Names, s.path(i))
			images = append(images, len(images))
		}
	}
	var err error
	r.Trials, err = scanner.Schedule{Seed: d.Seed, Repeats: d.Scale.Repeats}.Trials(images)
	return r, err
}

// exportMindEye writes the scans and scenes to the folder of Options.MindEye in
// MindEye's layout. Test scenes and zebras are the test split.
func (d *demo) exportMindEye(ctx context.Context, from folders) error {
	responses, err := dataset.Matrix(filepath.Join(from.scans, "responses.npy"), "")
	if err != nil {
		return err
	}
	r, err := d.recording(responses)
	if err != nil {
		return err
	}
	subject, err := d.newSubject(ctx)
	if err != nil {
		return err
	}
	step := d.counter("writing scans", len(r.Names))
	err = subject.WriteTars(d.MindEye, r, scanner.Tars{
		Subject: 1, Validation: min(300, d.Scale.Seen/10), // NSD's subjects have 300
		Picture: func(image int) (string, []byte, error) {
			defer step()
			file, err := os.ReadFile(filepath.Join(from.scenes, filepath.FromSlash(r.Names[image])))
			return "png", file, err
		},
	})
	if err == nil {
		d.app.Logger().Info("simulated scans written in MindEye's layout", "folder", d.MindEye, "images", len(r.Names), "trials", len(r.Trials))
	}
	return err
}
