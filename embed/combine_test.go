package embed

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestCombineIsTheUnitVectorOfAWeightedSumOfUnitVectors(t *testing.T) {
	x, y := []float32{3, 0}, []float32{0, .25} // lengths do not count
	for _, test := range []struct {
		name  string
		parts []Weighted
		want  Vector
	}{
		{"one vector", []Weighted{{x, 1}}, Vector{1, 0}},
		{"a weight alone changes nothing", []Weighted{{x, 40}}, Vector{1, 0}},
		{"less of a vector is its opposite", []Weighted{{x, -.5}}, Vector{-1, 0}},
		{"equal weights", []Weighted{{x, 1}, {y, 1}}, Vector{math.Sqrt2 / 2, math.Sqrt2 / 2}},
		{"three to four", []Weighted{{x, .3}, {y, .4}}, Vector{.6, .8}},
		{"one less the other", []Weighted{{x, 3}, {y, -4}}, Vector{.6, -.8}},
		{"the same twice", []Weighted{{x, .15}, {y, .4}, {x, .15}}, Vector{.6, .8}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Combine(test.parts)
			if err != nil {
				t.Fatal(err)
			}
			for i := range test.want {
				if math.Abs(float64(got[i]-test.want[i])) > 1e-7 {
					t.Fatalf("%v, want %v", got, test.want)
				}
			}
		})
	}
	if x[0] != 3 || y[1] != .25 {
		t.Errorf("the vectors were changed: %v, %v", x, y)
	}
}

func TestCombineRefusesWhatHasNoDirection(t *testing.T) {
	x, near := []float32{1, 0}, []float32{1, 1e-7}
	nan := float32(math.NaN())
	for _, test := range []struct {
		name  string
		parts []Weighted
		want  error
		text  string
	}{
		{"nothing", nil, ErrNoDirection, "0 vectors"},
		{"a vector less itself", []Weighted{{x, 1}, {x, -1}}, ErrNoDirection, "cancel each other out"},
		{"what is left is rounding", []Weighted{{x, 2}, {near, -2}}, ErrNoDirection, "cancel each other out"},
		{"weight 0", []Weighted{{x, 1}, {x, 0}}, ErrWeight, "part 2: the weight is 0"},
		{"weight NaN", []Weighted{{x, math.NaN()}}, ErrWeight, "the weight is NaN"},
		{"an infinite weight", []Weighted{{x, math.Inf(-1)}}, ErrWeight, "the weight is -Inf"},
		{"a zero vector", []Weighted{{[]float32{0, 0}, 1}}, ErrZero, ""},
		{"a zero vector among others", []Weighted{{x, 1}, {[]float32{0, 0}, 1}}, ErrZero, "part 2"},
		{"NaN", []Weighted{{[]float32{0, nan}, 1}}, ErrNotFinite, "element 1 is NaN"},
		{"another dimension", []Weighted{{x, 1}, {[]float32{1}, 1}}, nil, "part 2 has 1 elements, part 1 has 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := Combine(test.parts)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, error %v, want %v with %q", v, err, test.want, test.text)
			}
		})
	}
}

func TestCheckText(t *testing.T) {
	for _, good := range []string{"a", "  a dog\non a\tbeach ", "猫", "👩‍👩‍👧‍👦 ❤️", "<|endoftext|>", strings.Repeat("a", MaxText)} {
		if err := CheckText(good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
	for text, want := range map[string]string{
		"":                             "empty",
		" \t\n\u3000":                  "empty",
		"a\x1b[31mred":                 "control character U+001B at byte 1",
		"a\x00":                        "control character U+0000 at byte 1",
		"caf\xe9":                      "not UTF-8 at byte 3",
		strings.Repeat("a", MaxText+1): "32769 bytes, wanted at most 32768",
	} {
		if err := CheckText(text); !errors.Is(err, ErrText) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
