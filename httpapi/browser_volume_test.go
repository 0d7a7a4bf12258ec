package httpapi

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/dataset"
	"engram/index"

	"github.com/chromedp/chromedp"
	"gonum.org/v1/gonum/blas/blas32"
)

// voxelSize is the edge of the simulated subject's voxels in millimetres.
const voxelSize = 1.8

// simulated is the fake world with a subject as the demo has them: its mask, areas and noise
// are of package scanner. The subject sees a scene for each of the colours; an ideal
// observer decodes scans.
type simulated struct {
	opts  Options
	dir   string        // with mask.nii.gz and voxels.csv
	mask  *nifti.Mask   // which chooses the voxels
	seen  []index.ID    // the colour that each scene stands for
	scans [][][]float32 // of each scene, [repeats][voxels]
}

func simulatedWorld(t *testing.T) *simulated {
	t.Helper()
	world := scenes.New(1)
	stimuli := scanner.Stimuli{Count: 40, At: func(i int) (*scanner.Stimulus, error) {
		scene := world.Scene(scenes.Train, uint64(i))
		return scanner.OfScene(&scene, 48), nil
	}}
	subject, err := scanner.New(scanner.Options{Seed: 1, Voxels: 400}, stimuli)
	if err != nil {
		t.Fatal(err)
	}
	w := &simulated{opts: fakeOptions(t), dir: t.TempDir(), mask: subject.Mask(), seen: []index.ID{red, pink, green, blue, big}}
	stimuli.Count = len(w.seen)
	responses, err := subject.Responses(stimuli)
	if err != nil {
		t.Fatal(err)
	}
	trials, err := scanner.Schedule{}.Trials([]int{0, 1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := subject.WriteTable(w.dir, scanner.Recording{Responses: responses, Trials: trials, Seed: 1}, scanner.Float32); err != nil {
		t.Fatal(err)
	}
	w.scans = make([][][]float32, len(w.seen))
	next := 0
	for scan, err := range subject.Scan(responses, trials, 1) {
		if err != nil {
			t.Fatal(err)
		}
		scene := trials[next].Image
		w.scans[scene] = append(w.scans[scene], slices.Clone(scan))
		next++
	}
	w.decode(t, subject, responses)
	return w
}

// decode gives the world its decoder: of the colour of the likeliest scene.
func (w *simulated) decode(t *testing.T, subject *scanner.Subject, responses blas32.General) {
	t.Helper()
	observer, err := subject.Observer(responses)
	if err != nil {
		t.Fatal(err)
	}
	items := w.opts.Store.(*memStore).items
	d := w.opts.Decoder
	d.Voxels, d.Simulated = responses.Cols, true
	d.Decode = func(_ context.Context, repeats [][]float32) ([]float32, error) {
		scene, err := observer.Identify(meanOf(repeats))
		if err != nil {
			return nil, err
		}
		return slices.Clone(items[w.seen[scene]].Vector), nil
	}
	anatomy := dataset.Anatomy{Mask: filepath.Join(w.dir, "mask.nii.gz"), Regions: filepath.Join(w.dir, "voxels.csv")}
	places, _, err := anatomy.Open()
	if err != nil {
		t.Fatal(err)
	}
	d.Brain = &Brain{Places: places, ZScore: func(repeats [][]float32) ([]float32, bool, error) { return meanOf(repeats), true, nil }}
	if d.Volumes, err = anatomy.Volumes(1 << 24); err != nil {
		t.Fatal(err)
	}
	w.opts.Trials = nil
}

// meanOf returns the mean of the rows.
func meanOf(rows [][]float32) []float32 {
	mean := make([]float32, len(rows[0]))
	for _, row := range rows {
		for i, x := range row {
			mean[i] += x / float32(len(rows))
		}
	}
	return mean
}

// volume returns the NIfTI file of scans of a scene, voxels of so many millimetres wide.
// What the mask leaves out has the value 1e4.
func (w *simulated) volume(t *testing.T, name string, millimetres float32, scans [][]float32) []byte {
	t.Helper()
	shape, size := w.mask.Shape, w.mask.Shape[0]*w.mask.Shape[1]*w.mask.Shape[2]
	data := slices.Repeat([]float32{1e4}, size*len(scans))
	for i, scan := range scans {
		for v, at := range w.mask.Index {
			data[i*size+at] = scan[v]
		}
	}
	path := filepath.Join(t.TempDir(), name)
	layout := nifti.Layout{Shape: append(slices.Clone(shape[:]), len(scans)), VoxelSize: [3]float32{millimetres, millimetres, millimetres}}
	if err := nifti.WriteFile(path, layout, data); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Files of a simulated subject's scans that are dropped on the page find what was seen: NIfTI
// volumes, whose voxels the subject's mask chooses, and npy files, both of several repeats.
// Volumes that lie elsewhere are refused in a sentence.
func TestDroppedScansInABrowser(t *testing.T) {
	w := simulatedWorld(t)
	server := httptest.NewServer(checked(t, newServer(t, w.opts)))
	defer server.Close()
	ctx := newBrowser(t)
	complaints := watchConsole(ctx)
	for _, screen := range []chromedp.Action[chromedp.Void]{desktop, phone} {
		p := page{t, ctx}
		p.do("size", screen)
		p.open(server.URL)
		p.until(`!document.querySelector("#choose-scan").hidden`)
		for scene, id := range w.seen {
			scans := w.scans[scene]
			for name, file := range map[string][]byte{
				fmt.Sprintf("volumes-%d.nii.gz", scene): w.volume(t, "a.nii.gz", voxelSize, scans),
				fmt.Sprintf("volumes-%d.nii", scene):    w.volume(t, "a.nii", voxelSize, scans),
				fmt.Sprintf("repeats-%d.npy", scene):    npyFile([]int{len(scans), len(scans[0])}, slices.Concat(scans...)...),
				fmt.Sprintf("repeats-%d.f32", scene):    []byte(floats(slices.Concat(scans...)...)),
			} {
				p.dropFile(name, "", file)
				p.until(searched + fmt.Sprintf(` && document.querySelector("#scan-size").textContent === "%s · 400 voxels, mean of 3 repeats"`, name))
				p.until(`!document.querySelector("#activity").hidden && document.querySelectorAll("#views .view").length === 3`)
				if names, want := p.names(), "a flat "+colourNames[id]+" picture"; !strings.HasPrefix(names, want) {
					t.Errorf("%s finds %s, wanted %s", name, names, want)
				}
			}
		}
		for name, refused := range map[string]struct {
			file []byte
			says string
		}{
			"elsewhere.nii.gz": {w.volume(t, "a.nii.gz", voxelSize+1, w.scans[0]), "the volumes and the mask do not lie in one place"},
			"short.npy":        {npyFile([]int{3, 399}, make([]float32, 3*399)...), "repeat 0 of the scan has 399 voxels, the decoder takes 400"},
			"torn.nii.gz":      {w.volume(t, "a.nii.gz", voxelSize, w.scans[0])[:200], "the voxels end in volume 0"},
		} {
			p.open(server.URL)
			p.until(`!document.querySelector("#choose-scan").hidden`)
			p.dropFile(name, "", refused.file)
			p.until(`!document.querySelector("#problem").hidden`)
			if detail := p.text("#problem-detail"); !strings.Contains(detail, refused.says) {
				t.Errorf("%s is refused with %q, wanted %q", name, detail, refused.says)
			}
		}
	}
	for _, complaint := range complaints() {
		t.Errorf("the console says: %s", complaint)
	}
}
