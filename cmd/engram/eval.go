package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/report"
	"engram/data/vfs"
	"engram/embed/scan"

	"github.com/spf13/cobra"
)

const evalHelp = "Eval cross-validates presets (all trials of an image are held out together, and told from the other\n" +
	"images of their fold; figures among all images, as often published, stand beside) or, with --decoder,\n" +
	"scores a trained decoder on scans that it was not trained on. With --mindeye, presets are trained\n" +
	"on the training images, and decoders are scored on the mean scans of the test images. Two-way: how\n" +
	"often the right image is more similar than another. Image retrieval: a scan asks for its image.\n" +
	"Brain retrieval: the reverse.\n" +
	"\n" +
	"--similarity says how predictions and images are compared: decoder is the metric that the decoder\n" +
	"names, by which a search ranks images; cosine, of all tokens flattened, is MindEye's; pearson is r\n" +
	"less the mean of the training images; token-cosine is the mean cosine of single tokens.\n" +
	"\n" +
	"The first table scores every scan, the candidates being images. All others predict each image once,\n" +
	"from the mean scan of 1, 2, 3 and all of its trials: galleries that grow, the whole set and subsets\n" +
	"with 95 % intervals, the paired tests of two decoders, and how well the margin between the first\n" +
	"image and the second tells whether the first is right. From 300 images on, the published score\n" +
	"follows: top 1 of 300, mean of 30 draws. Where images were seen several times, the last lines say\n" +
	"what the noise allows at best.\n" +
	"\n" +
	"--recon scores a folder of engram reconstruct instead, as the literature does (all pictures resized to\n" +
	"256 pixels, then to 425 for the pixels): PixCorr, SSIM, and by --features two-way identification and the\n" +
	"correlation distance, with intervals by bootstrap over the images. Of NSD, MindEye's own figures stand\n" +
	"beside them.\n" +
	"\n" +
	"--subjects scores several people one after another, {subject} in a path being replaced, and adds\n" +
	"means over subjects. --html writes all of it with plots and pictures into one file."

const evalExamples = "  engram eval --voxels voxels.npy --stimuli stimuli.npy --model clip-vit-b-32 --presets linear,whitened,compact\n" +
	"  engram eval --voxels test.npy --stimuli test/ --model clip-vit-b-32 --decoder decoder --json\n" +
	"  engram eval --voxels test.npy --stimuli test/ --model clip-vit-b-32 --decoder decoder --gallery-index photos.index --subset 'zebras={\"key\":\"captions\",\"text\":\"zebra\"}'\n" +
	"  engram eval --mindeye webdataset_avg_split --subject 1 --model clip-vit-l-14 --decoder decoder --gallery 50,300,982\n" +
	"  engram eval --mindeye webdataset_avg_split --subjects 1,2,5,7 --model clip-vit-l-14 --decoder 'decoders/{subject}' --html report.html\n" +
	"  engram eval --voxels test.npy --stimuli test/ --model clip-vit-b-32 --trials trials.csv --decoder a --decoder b --subset-column animal --csv scores.csv\n" +
	"  engram eval --recon pictures --features metrics/alexnet-2 --features metrics/alexnet-5 --features metrics/clip --json"

func (c *console) evalCommand() *cobra.Command {
	var spec app.EvalSpec
	var published app.PublishedSpec
	var files evalFiles
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "eval",
		Short:   "Score decoders by two-way identification and retrieval",
		Long:    evalHelp,
		Example: evalExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTraining(spec.Training); err != nil {
				return err
			}
			if published.Folder != "" {
				return c.evalReconstructions(cmd.Context(), published, asJSON)
			}
			if err := files.check(); err != nil {
				return err
			}
			if files.html != "" {
				spec.Examples = shownExamples
			}
			found, err := show(cmd.Context(), c, c.app().EvalSubjects, spec)
			if err != nil {
				return err
			}
			if err := files.write(found); err != nil {
				return err
			}
			switch {
			case asJSON && len(spec.Subjects) == 0:
				return c.printJSON(found.Subjects[0].Scores)
			case asJSON:
				return c.printJSON(found)
			}
			return printEvaluation(c.stdout, found)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&published.Folder, "recon", "", "score the reconstructions in this `folder` of engram reconstruct instead")
	flags.StringArrayVar(&published.Features, "features", nil, "with --recon, a `model` of kind features or clip (several times: several)")
	addEvalFlags(cmd, &spec)
	for _, other := range []string{"voxels", "mindeye", "decoder", "subjects", "csv", "html"} {
		defer cmd.MarkFlagsMutuallyExclusive("recon", other)
	}
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.StringVar(&files.csv, "csv", "", "write every figure to this CSV `file`, one a line")
	flags.StringVar(&files.html, "html", "", "write a report with plots and test scans to this `file`; it needs no network")
	return cmd
}

// addEvalFlags adds the flags that say what is scored, on what and how.
func addEvalFlags(cmd *cobra.Command, spec *app.EvalSpec) {
	addDatasetFlags(cmd, &spec.Data, "recon")
	flags := cmd.Flags()
	addTrainingFlags(flags, &spec.Training)
	flags.StringSliceVar(&spec.Presets, "presets", []string{scan.PresetLinear, scan.PresetWhitened, scan.PresetAuto}, "presets to cross-validate")
	flags.IntVar(&spec.Folds, "folds", 0, "parts into which the images are divided (default 10, or half as many as the images are)")
	flags.StringArrayVar(&spec.Decoders, "decoder", nil, "score the decoder in this `folder` instead (several times: score and compare several)")
	flags.StringSliceVar(&spec.Similarities, "similarity", []string{scan.SimilarityDecoder, scan.SimilarityCosine}, "how images are compared: "+strings.Join(scan.Similarities(), ", ")+"; the first one orders galleries and tests")
	flags.StringArrayVar(&spec.Subsets, "subset", nil, "score some of the images too: `NAME=FILE` with an image a line, by name or number, or NAME=FILTER, JSON on the payload in --gallery-index (several times: several)")
	flags.StringVar(&spec.SubsetColumn, "subset-column", "", "score the images of each value in this `column` of --trials too")
	flags.StringSliceVar(&spec.Subjects, "subjects", nil, "score these subjects one after another: `names` that replace {subject} in paths, or MindEye's numbers")
	flags.IntSliceVar(&spec.Gallery, "gallery", nil, "numbers of images to choose among (default 300, 1000, 10000 where there are more, and all)")
	flags.StringVar(&spec.GalleryIndex, "gallery-index", "", "choose among all images of this `index` or folder too, as a search by scan does (with --decoder or --mindeye)")
	flags.StringVar(&spec.Predictions, "predictions", "", "write the predicted tokens to this .npy `file`: [trials, T, D] (of one preset)")
	cmd.MarkFlagsMutuallyExclusive("subjects", "subject")
	cmd.MarkFlagsMutuallyExclusive("decoder", "presets")
	cmd.MarkFlagsMutuallyExclusive("decoder", "folds")
	cmd.MarkFlagsMutuallyExclusive("mindeye", "folds")
}

// shownExamples is how many scans a report shows for each decoder.
const shownExamples = 16

// evalFiles are where scores are written, "" for none.
type evalFiles struct{ csv, html string }

// check refuses files whose folders are missing, before anything is measured.
func (f evalFiles) check() error {
	for flag, path := range map[string]string{"--csv": f.csv, "--html": f.html} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("%s: wanted a file, %s is a folder", flag, path)
		}
	}
	return nil
}

// write writes the files that are asked for.
func (f evalFiles) write(found *app.Evaluation) error {
	one := func(path string, write func(io.Writer, *app.Evaluation) error) error {
		if path == "" {
			return nil
		}
		return vfs.WriteFile(path, func(w io.Writer) error { return write(w, found) })
	}
	return errors.Join(one(f.csv, report.CSV), one(f.html, report.HTML))
}
