package app

import (
	"slices"
	"testing"
)

func TestNearestNames(t *testing.T) {
	t.Parallel()
	known := []string{"pixels", "clip-vit-b-32", "clip-vit-b-16", "clip-vit-b-32-laion2b", "siglip-base-patch16-224"}
	for name, want := range map[string][]string{
		"clip-vit-b32":  {"clip-vit-b-32"},
		"Clip-ViT-B-32": {"clip-vit-b-32", "clip-vit-b-32-laion2b"},
		"siglip":        {"siglip-base-patch16-224"},
		"pixel":         {"pixels"},
		"photos":        nil,
		"":              nil,
	} {
		if got := nearest(name, known); !slices.Equal(got, want) {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"b32", "b-32", 1}, {"same", "same", 0}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := editDistance(test.b, test.a); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestNamesOfPublishedModels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		spec GetSpec
		want string
	}{
		{GetSpec{Name: "clip-vit-b-32"}, "clip-vit-b-32"},
		{GetSpec{Name: "clip-vit-b-32-fp16"}, "clip-vit-b-32-fp16"},
		{GetSpec{Name: "clip-vit-b-32", Precision: "int8"}, "clip-vit-b-32-int8"},
		{GetSpec{Name: "clip-vit-b-32", As: "small"}, "small"},
		{GetSpec{Name: "hf:Xenova/CLIP-vit-base-patch16"}, "clip-vit-base-patch16"},
		{GetSpec{Name: "hf:owner/name@refs/pr/1", Precision: "fp16"}, "name-refs-pr-1-fp16"},
	} {
		p, err := parsePublished(test.spec)
		if err != nil || p.name != test.want {
			t.Errorf("%+v is installed as %+v (%v), want %q", test.spec, p, err, test.want)
		}
	}
	for _, spec := range []GetSpec{
		{Name: "hf:"}, {Name: "hf:a"}, {Name: "hf:a/b/c"}, {Name: "hf:a/b@"}, {Name: "hf:../b"}, {Name: "nothing"},
		{Name: "dinov2-base-fp16"}, {Name: "hf:a/b", As: ".hidden"}, {Name: "hf:a/b", As: "a.partial"}, {Name: "hf:a/b", Text: "c"},
	} {
		if p, err := parsePublished(spec); err == nil {
			t.Errorf("%+v is %+v, want an error", spec, p)
		}
	}
}
