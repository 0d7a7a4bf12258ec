package demo

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"

	"engram/data/scanner"
	"engram/data/scenes"
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
// MindEye's layout. Test scenes and zebras are the test split, which all subjects share;
// the subjects after the first one have training scenes of their own, as on NSD.
func (d *demo) exportMindEye(ctx context.Context, from folders) error {
	responses, err := dataset.Matrix(filepath.Join(from.scans, "responses.npy"), "")
	if err != nil {
		return err
	}
	subject, err := d.newSubject(ctx)
	if err != nil {
		return err
	}
	if err := d.exportSubject(export{number: 1, subject: subject, responses: responses, scenes: from.scenes}); err != nil {
		return err
	}
	for number := 2; number <= d.Subjects; number++ {
		other := *d
		other.Seed += uint64(number-1) << 32
		other.cast.train.scenes = nil
		world := scenes.New(d.Seed)
		for i := range d.Scale.Seen {
			other.cast.train.scenes = append(other.cast.train.scenes, world.Scene(scenes.Train, uint64((number-1)*d.Scale.Gallery+i)))
		}
		if subject, err = other.newSubject(ctx); err != nil {
			return err
		}
		if responses, err = other.respond(ctx, subject); err != nil {
			return err
		}
		if err := other.exportSubject(export{number: number, subject: subject, responses: responses, scenes: from.scenes}); err != nil {
			return err
		}
	}
	return nil
}

// export is a subject whose scans are written.
type export struct {
	number    int // from 1
	subject   *scanner.Subject
	responses blas32.General
	scenes    string // folder with the pictures of the first subject's scenes
}

// exportSubject writes the scans of one subject.
func (d *demo) exportSubject(e export) error {
	r, err := d.recording(e.responses)
	if err != nil {
		return err
	}
	own := d.Scale.Seen // images before the shared ones
	step := d.counter("writing scans", len(r.Names))
	err = e.subject.WriteTars(d.MindEye, r, scanner.Tars{
		Subject: e.number, Validation: min(300, d.Scale.Seen/10), // NSD's subjects have 300
		Number: func(image int) int64 {
			if image >= own {
				return int64(image)
			}
			return int64((e.number-1)*len(r.Names) + image)
		},
		Picture: func(image int) (string, []byte, error) {
			defer step()
			if e.number > 1 && image < own {
				var file bytes.Buffer
				err := png.Encode(&file, d.cast.train.scenes[image].Draw(d.Scale.Pixels))
				return "png", file.Bytes(), err
			}
			file, err := os.ReadFile(filepath.Join(e.scenes, filepath.FromSlash(r.Names[image])))
			return "png", file, err
		},
	})
	if err == nil {
		d.app.Logger().Info("simulated scans written in MindEye's layout", "folder", d.MindEye, "subject", e.number, "images", len(r.Names), "trials", len(r.Trials))
	}
	return err
}
