package scenes_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/scenes"
)

// The sum of many pictures, scene graphs and captions. It is the same on all
// machines: a change here changes every world that was ever drawn, and with it
// what models were trained on.
const goldenSum = "398f6e8123f658712a8c1ffd077fbfa7fe63c1f4b341f8946c8b33caff5cbf1c"

func TestTheSameBytesEverywhere(t *testing.T) {
	sum := sha256.New()
	add := func(s scenes.Scene, size int) {
		fmt.Fprintf(sum, "%v %q\n", s, s.Captions())
		pix := make([]uint8, 3*size*size)
		s.DrawRGB(pix, size)
		sum.Write(pix)
	}
	for seed := range uint64(2) {
		w := scenes.New(seed)
		for i := range uint64(200) {
			add(w.Scene(scenes.Split(i%3), i), 64)
		}
		for i := range uint64(20) {
			add(w.Scene(scenes.Test, i), 128+int(i)*7)
		}
	}
	add(scenes.New(2).Scene(scenes.Train, 0), 700) // more than one tile
	for _, s := range scenes.Zebras(3) {
		add(s, 32)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != goldenSum {
		t.Errorf("the sum is %s, wanted %s", got, goldenSum)
	}
}

func TestSplitsNeverMeet(t *testing.T) {
	const n, drawn = 10_000, 1000
	train, test := scenes.New(1), scenes.New(2)
	meanings, pictures := map[uint64]bool{}, map[string]bool{}
	picture := func(s *scenes.Scene) string { return string(s.Draw(16).Pix) }
	for i := range uint64(n) {
		s := train.Scene(scenes.Train, i)
		meanings[s.Meaning()] = true
		if i < drawn {
			pictures[picture(&s)] = true
		}
	}
	for i := range uint64(n) {
		// The same seed and another one: neither may meet what was trained on.
		w, split := test, scenes.Test
		if i%2 == 0 {
			w, split = train, scenes.Validation
		}
		s := w.Scene(split, i)
		if meanings[s.Meaning()] {
			t.Fatalf("%v %d means what a scene of train means: %v", split, i, s)
		}
		if i < drawn && pictures[picture(&s)] {
			t.Fatalf("%v %d looks as a scene of train, at 16×16", split, i)
		}
	}
	if len(pictures) < drawn {
		t.Errorf("%d scenes of train give only %d pictures", drawn, len(pictures))
	}
}

func TestScenesDependOnSeedSplitAndNumberAlone(t *testing.T) {
	w := scenes.New(7)
	want := w.Scene(scenes.Train, 40)
	if diff := cmp.Diff(want, scenes.New(7).Scene(scenes.Train, 40)); diff != "" {
		t.Errorf("another world of the same seed (-first +second):\n%s", diff)
	}
	for name, other := range map[string]scenes.Scene{
		"seed":   scenes.New(8).Scene(scenes.Train, 40),
		"split":  w.Scene(scenes.Test, 40),
		"number": w.Scene(scenes.Train, 41),
	} {
		if cmp.Equal(want, other) {
			t.Errorf("another %s gives the same scene", name)
		}
	}
	var wait sync.WaitGroup
	picture := want.Draw(64)
	for range 4 {
		wait.Go(func() {
			again := w.Scene(scenes.Train, 40)
			if !bytes.Equal(again.Draw(64).Pix, picture.Pix) {
				t.Error("drawn beside others, the picture differs")
			}
		})
	}
	wait.Wait()
}

func TestMeaningIgnoresDetails(t *testing.T) {
	s := scenes.New(1).Scene(scenes.Train, 3)
	other := s
	other.Things = slices.Clone(s.Things)
	other.Detail++
	other.Things[0].Individual++
	other.Things[0].Box.Top += 0.001
	if s.Meaning() != other.Meaning() {
		t.Error("another detail means something else")
	}
	slices.Reverse(other.Things)
	if s.Meaning() != other.Meaning() {
		t.Error("another depth order means something else")
	}
	other.Things[0].Colour++
	if s.Meaning() == other.Meaning() {
		t.Error("another colour means the same")
	}
	other = s
	other.Light = (s.Light + 1) % 3
	if s.Meaning() == other.Meaning() {
		t.Error("another light means the same")
	}
}

// A scene graph is true where taking a thing away changes the picture within
// its box alone, but for its shadow and its outline.
func TestThingsAreWithinTheirBoxes(t *testing.T) {
	const size = 128
	w := scenes.New(11)
	for i := range uint64(80) {
		s := w.Scene(scenes.Train, i)
		with := s.Draw(size)
		for j, thing := range s.Things {
			without := s
			without.Things = slices.Delete(slices.Clone(s.Things), j, j+1)
			changed := changes(with, without.Draw(size))
			b := thing.Box
			shadow := 0.06*b.Width + 0.06*b.Height
			allowed := image.Rect(int((b.Left-shadow)*size)-2, int(b.Top*size)-2,
				int((b.Left+b.Width+shadow)*size)+3, int((b.Top+b.Height+shadow)*size)+3)
			if !changed.In(allowed) {
				t.Errorf("scene %d: %v changes %v, its box is %v", i, thing.Kind, changed, allowed)
			}
			if changed.Empty() {
				t.Errorf("scene %d: %v cannot be seen", i, thing.Kind)
			}
		}
	}
}

// changes returns the rectangle around the pixels that differ.
func changes(a, b *image.RGBA) image.Rectangle {
	var out image.Rectangle
	for i := 0; i < len(a.Pix); i += 4 {
		if !bytes.Equal(a.Pix[i:i+4], b.Pix[i:i+4]) {
			x, y := i%a.Stride/4, i/a.Stride
			out = out.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return out
}

func TestThingsAreSeenWellEnough(t *testing.T) {
	w := scenes.New(12)
	picture := scenes.Box{Width: 1, Height: 1}
	for i := range uint64(500) {
		s := w.Scene(scenes.Train, i)
		for j, visible := range s.Visible() {
			alone := scenes.Scene{Things: []scenes.Thing{s.Things[j]}}
			if whole := alone.Visible()[0]; visible < 0.4*whole {
				t.Errorf("scene %d: of %v, only %.0f %% are seen", i, s.Things[j].Kind, 100*visible/whole)
			}
			b := s.Things[j].Box
			if b.Left < picture.Left || b.Top < picture.Top || b.Left+b.Width > 1 || b.Top+b.Height > 1 {
				t.Errorf("scene %d: %v reaches out of the picture: %v", i, s.Things[j].Kind, b)
			}
			if b.Height < 0.13 {
				t.Errorf("scene %d: %v is only %.2f high", i, s.Things[j].Kind, b.Height)
			}
		}
		for j := 1; j < len(s.Things); j++ {
			if s.Things[j].Depth > s.Things[j-1].Depth {
				t.Errorf("scene %d: thing %d is drawn after a nearer one", i, j)
			}
		}
	}
}

func TestAnySize(t *testing.T) {
	s := scenes.New(1).Scene(scenes.Train, 5)
	for _, size := range []int{1, 2, 17, 513} {
		img := s.Draw(size)
		rgb := make([]uint8, 3*size*size)
		s.DrawRGB(rgb, size)
		for i := range size * size {
			if !bytes.Equal(img.Pix[4*i:4*i+3], rgb[3*i:3*i+3]) || img.Pix[4*i+3] != 255 {
				t.Fatalf("%d×%d: pixel %d is %v in RGBA and %v in RGB", size, size, i, img.Pix[4*i:4*i+4], rgb[3*i:3*i+3])
			}
		}
	}
	// Where the tiles of a large picture meet, it looks as in a small one.
	meadow := scenes.Zebras(1)[0]
	large, small := meadow.Draw(1026), meadow.Draw(513)
	var rows, columns [513]int
	for i := range 513 * 513 {
		x, y := i%513, i/513
		sum := 0
		for _, p := range []image.Point{{2 * x, 2 * y}, {2*x + 1, 2 * y}, {2 * x, 2*y + 1}, {2*x + 1, 2*y + 1}} {
			sum += int(large.Pix[large.PixOffset(p.X, p.Y)])
		}
		difference := max(sum/4-int(small.Pix[small.PixOffset(x, y)]), int(small.Pix[small.PixOffset(x, y)])-sum/4)
		rows[y], columns[x] = rows[y]+difference, columns[x]+difference
	}
	for i := range 513 {
		if worst := max(rows[i], columns[i]); worst > 4*513 {
			t.Errorf("row or column %d differs by %.1f on average from a picture of twice the size", i, float64(worst)/513)
		}
	}
}

func TestDrawRefusesImpossibleSizes(t *testing.T) {
	s := scenes.New(1).Scene(scenes.Train, 0)
	for _, c := range []struct{ size, bytes int }{{0, 0}, {-1, 3}, {4, 47}, {scenes.MaxSize + 1, 3 * (scenes.MaxSize + 1) * (scenes.MaxSize + 1)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("size %d in %d bytes: no panic", c.size, c.bytes)
				}
			}()
			s.DrawRGB(make([]uint8, c.bytes), c.size)
		}()
	}
}

func TestZebras(t *testing.T) {
	set := scenes.Zebras(1)
	if len(set) != 60 {
		t.Fatalf("there are %d scenes, wanted 60", len(set))
	}
	seen := map[string]int{}
	for i, s := range set {
		if s.Background != scenes.Meadow || s.Light != scenes.Day || s.Weather != scenes.Clear {
			t.Errorf("scene %d is elsewhere: %v %v %v", i, s.Background, s.Light, s.Weather)
		}
		if !slices.ContainsFunc(s.Things, func(t scenes.Thing) bool { return t.Kind.String() == "zebra" }) {
			t.Errorf("scene %d has no zebra", i)
		}
		if s.Split() != scenes.Test {
			t.Errorf("scene %d means what scenes of %v mean", i, s.Split())
		}
		picture := string(s.Draw(32).Pix)
		if before, ok := seen[picture]; ok {
			t.Errorf("scenes %d and %d look the same", before, i)
		}
		seen[picture] = i
	}
}

func BenchmarkDraw(b *testing.B) {
	w := scenes.New(1)
	for _, size := range []int{64, 128, 256} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				pix := make([]uint8, 3*size*size)
				for i := uint64(0); pb.Next(); i++ {
					s := w.Scene(scenes.Train, i)
					s.DrawRGB(pix, size)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scenes/s")
		})
	}
}
