package scan

import (
	"math"
	"math/rand/v2"
	"testing"

	"engram/embed"
	"engram/embed/internal/matrix"
	"engram/embed/ort"
	"engram/embed/ort/orttest"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// skewed returns left-out predictions of images whose vectors vary along one direction
// much more than along the others, which tell as much of them. The first components
// hold the vector, the others tell of it too.
func skewed(images, repeats int, seed uint64) firstStageFit {
	const d, rank = 6, 9
	rng := rand.New(rand.NewPCG(seed, 1))
	target, vectors := random(rng, images, rank), matrix.New(images, d)
	s := leftOutScores{target: target, predicted: matrix.New(images*repeats, rank), seed: 1}
	for i := range images {
		row := matrix.Row(target, i)
		row[0] *= 6
		for k := range rank - d { // what other tokens say of the same image
			row[d+k] = row[1+k] + .1*row[d+k]
		}
		v := matrix.Row(vectors, i)
		copy(v, row[:d])
		v[d-1] += 20           // what all images have in common
		_ = embed.Normalize(v) // it has a length
		for range repeats {
			to := matrix.Row(s.predicted, len(s.images))
			for k, x := range row {
				to[k] = x + float32(rng.NormFloat64())
			}
			s.images = append(s.images, i)
		}
	}
	return firstStageFit{scores: s, vectors: vectors}
}

// meanRank is the mean logarithm of the rank that a map gives the seen image.
func (f firstStageFit) meanRank(t *testing.T, m *firstStage) (mean float64) {
	t.Helper()
	scores := matrix.New(1, f.vectors.Rows)
	for trial, image := range f.scores.images {
		q, err := m.query(matrix.Row(f.scores.predicted, trial))
		if err != nil {
			t.Fatal(err)
		}
		blas32.Gemv(blas.NoTrans, 1, f.vectors, blas32.Vector{N: len(q), Inc: 1, Data: q}, 0, blas32.Vector{N: f.vectors.Rows, Inc: 1, Data: scores.Data})
		mean += math.Log(tieRank(scores.Data, image)) / float64(len(f.scores.images))
	}
	return mean
}

// The map ranks images that it has not seen better than the first token does, also
// where the regression is left out.
func TestTheFirstStageFindsMoreThanTheFirstToken(t *testing.T) {
	train, test := skewed(300, 3, 2), skewed(300, 3, 3)
	const d = 6
	token := matrix.New(train.scores.predicted.Cols, d)
	for k := range d {
		token.Data[k*d+k] = 1
	}
	plain := &firstStage{weight: token, bias: make([]float32, d)}
	before := test.meanRank(t, plain)
	network := train
	network.token = &token
	var ranks [2]float64
	for i, fit := range []firstStageFit{train, network} {
		m, err := fit.best(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ranks[i] = test.meanRank(t, m)
	}
	t.Logf("mean logarithm of the rank: first token %.2f, map %.2f, without regression %.2f", before, ranks[0], ranks[1])
	if !(ranks[0] < before-.5 && ranks[1] < before-.2 && ranks[0] < ranks[1]) {
		t.Errorf("first token %.2f, map %.2f, without regression %.2f; wanted each of the maps clearly better", before, ranks[0], ranks[1])
	}
}

// The power is taken of the covariance: with power 1 the vectors of query and images
// are white together. Few images give as many axes as they differ in.
func TestThePowerIsOfTheCovariance(t *testing.T) {
	for _, images := range []int{200, 5} {
		fit := skewed(images, 1, 4)
		axes, err := fit.principalAxes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := min(fit.vectors.Cols, images-1); len(axes.values) != want {
			t.Fatalf("%d images have %d axes, want %d", images, len(axes.values), want)
		}
		r, err := fit.regress(axes)
		if err != nil {
			t.Fatal(err)
		}
		plain, white := r.power(0), r.power(1)
		x := matrix.Clone(fit.vectors)
		centreColumns(x)
		covariance := crossProduct(x, x)
		for k := range plain.weight.Rows { // white·covariance is plain, up to the scale
			for j := range plain.weight.Cols {
				var got float64
				for l, w := range matrix.Row(white.weight, k) {
					got += float64(w) * covariance.At(l, j) / axes.values[0]
				}
				if want := float64(matrix.Row(plain.weight, k)[j]); math.Abs(got-want) > 1e-3*math.Abs(want)+1e-5 {
					t.Fatalf("%d images, element %d, %d: %v, want %v", images, k, j, got, want)
				}
			}
		}
	}
}

// What is judged is what the map that is kept gives.
func TestJudgedRanksAreOfTheMap(t *testing.T) {
	fit := skewed(60, 2, 9)
	axes, err := fit.principalAxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := fit.regress(axes)
	if err != nil {
		t.Fatal(err)
	}
	judge := fit.judge(axes, fit.scores)
	for _, p := range firstStagePowers() {
		if got, want := judge(r, p), fit.meanRank(t, r.power(p)); math.Abs(got-want) > .01 {
			t.Errorf("power %v: judged %.4f, the map has %.4f", p, got, want)
		}
	}
}

func TestFewImagesHaveNoFirstStage(t *testing.T) {
	for _, images := range []int{1, 3} {
		if m, err := skewed(images, 3, 5).best(t.Context()); m != nil || err != nil {
			t.Errorf("%d images: %v, error %v; want no map", images, m, err)
		}
	}
	same := skewed(8, 2, 6)
	for i := range same.vectors.Rows {
		copy(matrix.Row(same.vectors, i), matrix.Row(same.vectors, 0))
	}
	if m, err := same.best(t.Context()); m != nil || err != nil {
		t.Errorf("images that are the same: %v, error %v; want no map", m, err)
	}
}

// TestTheFirstStageIsOfWholeVectors fits a map of components that are of tokens less
// their mean: the vectors are the first tokens with it, at unit length.
func TestTheFirstStageIsOfWholeVectors(t *testing.T) {
	const images, rank, tokens, d = 40, 4, 2, 3
	rng := rand.New(rand.NewPCG(10, 11))
	s := leftOutWorld(images, rank)
	basis, mean := random(rng, rank, tokens*d), random(rng, 1, tokens*d).Data
	fit := firstStageFit{scores: s, vectors: matrix.New(images, d)}
	for j := range d {
		mean[j] += 4
	}
	for i := range images {
		vector := matrix.Row(fit.vectors, i)
		for j := range d {
			vector[j] = mean[j]
			for k, z := range matrix.Row(s.target, i) {
				vector[j] += z * matrix.Row(basis, k)[j]
			}
		}
		if err := embed.Normalize(vector); err != nil {
			t.Fatal(err)
		}
	}
	want, err := fit.best(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := &Model{Config: Config{Rank: rank, T: tokens, D: d}, Values: map[string][]float32{}}
	if err := (&training{leftOut: &s, fixed: map[string][]float32{basisName: basis.Data, targetMean: mean}}).addFirstStage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for i, x := range want.weight.Data {
		if got := m.Values[firstStageWeight][i]; math.Abs(float64(got-x)) > 1e-3*(1+math.Abs(float64(x))) {
			t.Fatalf("weight %d is %v, of the whole vectors %v", i, got, x)
		}
	}
}

// A decoder has its map in memory and in its folder, and one without searches by its
// first token.
func TestTheFirstStageIsSaved(t *testing.T) {
	rt := orttest.Runtime(t)
	rng := rand.New(rand.NewPCG(8, 9))
	data := Data{Voxels: random(rng, 60, 20), Targets: random(rng, 30, 8), T: 2, D: 4}
	for i := range data.Voxels.Rows {
		data.Images = append(data.Images, i/2)
		copy(matrix.Row(data.Voxels, i)[:8], matrix.Row(data.Targets, i/2))
	}
	m, err := Train(t.Context(), rt, data, Options{Preset: PresetWhitened})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	var answers [3]embed.Vector
	for i := range answers {
		open := func() (*Decoder, error) { return m.Open(rt, ort.SessionOptions{}) }
		switch i {
		case 1:
			open = func() (*Decoder, error) { return Open(rt, dir, ort.SessionOptions{}) }
		case 2:
			m.Config.FirstStage = false
		}
		d, err := open()
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := d.Decode(t.Context(), blas32.General{Rows: 1, Cols: 20, Stride: 20, Data: data.Voxels.Data[:20]})
		if err != nil {
			t.Fatal(err)
		}
		if answers[i], err = d.FirstStage(tokens.Data); err != nil {
			t.Fatal(err)
		}
		global, err := d.Global(tokens.Data)
		if err != nil {
			t.Fatal(err)
		}
		if same := distance(global, answers[i]) == 0; same != (i == 2) {
			t.Errorf("decoder %d: the first stage is the first token: %v", i, same)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if distance(answers[0], answers[1]) != 0 {
		t.Errorf("the decoder in the folder answers %v, in memory %v", answers[1], answers[0])
	}
}

// distance returns the largest difference of two elements.
func distance(a, b embed.Vector) (most float64) {
	for i, x := range a {
		most = max(most, math.Abs(float64(x-b[i])))
	}
	return most
}
