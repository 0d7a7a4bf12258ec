package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/golden"
	"engram/data/images"
	"engram/data/realtest"
	"engram/data/scanner"
	"engram/data/scenes"
)

// The first five results of a few searches, as text under testdata/ranking.
// They show in a review what a change does to the order of results.

// rankingTolerance is how far a cosine similarity may be from its golden file:
// processors and releases of ONNX Runtime round differently.
const rankingTolerance = .002

// firstFive runs a search that prints JSON. The results are named by the path
// and the caption of their images.
func firstFive(c *cli, args ...string) []golden.Hit {
	c.t.Helper()
	var found struct {
		Hits []struct {
			Score   float64
			Payload map[string]any
		}
	}
	c.json(&found, append([]string{"search", "-k", "5"}, args...)...)
	var hits []golden.Hit
	for _, hit := range found.Hits {
		hits = append(hits, golden.Hit{Score: hit.Score, Name: pictureName(hit.Payload)})
	}
	return hits
}

func pictureName(payload map[string]any) string {
	name := fmt.Sprint(payload["path"])
	if captions, _ := payload["captions"].([]any); len(captions) > 0 {
		name += "  " + strings.TrimSpace(fmt.Sprintf("%.60s", captions[0]))
	}
	return name
}

// Photos are found by photos: every thirtieth of 250 photos of ImageNet, each of
// another class, is searched for among the others. Their names say the class.
func TestRankingOfPhotos(t *testing.T) {
	t.Parallel()
	file, photos := realtest.Path(t, "models/mobilenetv2/mobilenetv2.onnx"), realtest.Path(t, "photos/imagenet")
	c, dir := newCLI(t), t.TempDir()
	model, out := filepath.Join(dir, "mobilenetv2"), filepath.Join(dir, "index")
	c.must("model", "import", file, "--out", model, "--name", "mobilenetv2",
		"--output", "features", "--mean", ".5,.5,.5", "--std", ".5,.5,.5", "--resize", "bilinear")
	c.must("index", "build", photos, "--model", model, "--out", out)
	paths, err := filepath.Glob(filepath.Join(photos, "*.JPEG"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no photos: %v", photos, err)
	}
	var queries []golden.Query
	for i := 0; i < len(paths); i += 30 {
		name := filepath.Base(paths[i])
		queries = append(queries, golden.Query{Name: name,
			Hits: firstFive(c, "--index", out, "--item", fmt.Sprint(images.ID(name)))})
	}
	golden.Rankings(t, "ranking/photos.txt", "engram search --item: photos of ImageNet like a photo, by MobileNetV2's features", rankingTolerance, queries)
}

// Scenes are found by scenes, and by the simulated scans of a subject who
// looked at them: a linear decoder is trained on 260 other scenes, and a query
// is the mean of three scans.
func TestRankingOfScenesAndScans(t *testing.T) {
	t.Parallel()
	const trained, tested, size = 260, 100, 128
	c, dir, world := newCLI(t), t.TempDir(), scenes.New(1)
	draw := func(split scenes.Split, name string, n int) (list []scenes.Scene, folder string) {
		folder = filepath.Join(dir, name)
		for i := range n {
			list = append(list, world.Scene(split, uint64(i)))
		}
		if err := scenes.WriteFolder(t.Context(), scenes.Folder{Dir: folder, Name: name, Size: size}, list); err != nil {
			t.Fatal(err)
		}
		return list, folder
	}
	train, trainFolder := draw(scenes.Train, "train", trained)
	test, testFolder := draw(scenes.Test, "test", tested)
	out, decoder := filepath.Join(dir, "index"), filepath.Join(dir, "decoder")
	c.must("index", "build", testFolder, "--model", "scenes-clip", "--out", out)

	var byScene, byScan []golden.Query
	item := func(i int) string { return scenePath("test", i) }
	for i := 0; i < tested; i += 12 {
		byScene = append(byScene, golden.Query{Name: item(i) + "  " + test[i].Captions()[0],
			Hits: firstFive(c, "--index", out, "--item", fmt.Sprint(images.ID(item(i))))})
	}
	golden.Rankings(t, "ranking/scenes.txt", "engram search --item: generated scenes like a scene, by scenes-clip", rankingTolerance, byScene)

	voxels := scanScenes(t, filepath.Join(dir, "scans"), train, test)
	c.must("train", "--voxels", voxels.train, "--trials", voxels.trials, "--stimuli", trainFolder,
		"--model", "scenes-clip", "--preset", "linear", "--out", decoder)
	for i := 0; i < tested; i += 12 {
		rows := strings.Trim(strings.ReplaceAll(fmt.Sprint(voxels.rows[i]), " ", ","), "[]")
		byScan = append(byScan, golden.Query{Name: "a scan of " + item(i) + "  " + test[i].Captions()[0],
			Hits: firstFive(c, "--index", out, "--scan", voxels.test, "--row", rows, "--decoder", decoder)})
	}
	golden.Rankings(t, "ranking/scans.txt", "engram search --scan: generated scenes that a simulated subject looked at, by a linear decoder", rankingTolerance, byScan)
}

// scenePath is where scenes.WriteFolder puts scene i of a split.
func scenePath(split string, i int) string { return fmt.Sprintf("%s/%012d.png", split, i+1) }

// scans are the files of a simulated subject who saw scenes three times each.
type scans struct {
	train, trials string  // voxels.npy and trials.csv of the scenes to train on
	test          string  // voxels.npy of the scenes to find
	rows          [][]int // of each scene to find, the rows of test
}

func scanScenes(t *testing.T, dir string, train, test []scenes.Scene) scans {
	t.Helper()
	stimuli := func(list []scenes.Scene) scanner.Stimuli {
		return scanner.Stimuli{Count: len(list), At: func(i int) (*scanner.Stimulus, error) { return scanner.OfScene(&list[i], 64), nil }}
	}
	subject, err := scanner.New(scanner.Options{Seed: 1, Voxels: 500}, stimuli(train))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, list []scenes.Scene, seed uint64) (folder string, trials []scanner.Trial) {
		folder = filepath.Join(dir, name)
		r := scanner.Recording{Seed: seed}
		order := make([]int, len(list))
		for i := range list {
			order[i] = i
			r.Names = append(r.Names, scenePath(name, i))
		}
		if r.Responses, err = subject.Responses(stimuli(list)); err != nil {
			t.Fatal(err)
		}
		if r.Trials, err = (scanner.Schedule{Seed: seed, Repeats: 3}).Trials(order); err != nil {
			t.Fatal(err)
		}
		if err := subject.WriteTable(folder, r, scanner.Float32); err != nil {
			t.Fatal(err)
		}
		return folder, r.Trials
	}
	trainDir, _ := write("train", train, 1)
	testDir, trials := write("test", test, 2)
	out := scans{train: filepath.Join(trainDir, "voxels.npy"), trials: filepath.Join(trainDir, "trials.csv"),
		test: filepath.Join(testDir, "voxels.npy"), rows: make([][]int, len(test))}
	for row, trial := range trials {
		out.rows[trial.Image] = append(out.rows[trial.Image], row)
	}
	return out
}
