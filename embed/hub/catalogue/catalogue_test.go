package catalogue_test

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"engram/embed/hub/catalogue"
)

var (
	commit = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256 = regexp.MustCompile(`^[0-9a-f]{64}$`)
	name   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	id     = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
)

func TestEntriesArePinned(t *testing.T) {
	names, hashes := map[string]bool{}, map[string]string{}
	for _, e := range catalogue.Entries() {
		if !name.MatchString(e.Name) || names[e.Name] {
			t.Errorf("the name %q is not plain, or comes twice", e.Name)
		}
		if short, p := catalogue.Split(e.Name); p != catalogue.FP32 {
			t.Errorf("the name %s is read as %s in %s", e.Name, short, p)
		}
		names[e.Name] = true
		if e.Licence == "" || e.Dim == 0 || e.Pixels == 0 || e.GoodFor == "" || e.Download[catalogue.FP32] == 0 || !id.MatchString(e.Space) {
			t.Errorf("%s has an empty field: %+v", e.Name, e)
		}
		for _, r := range repositories(e) {
			if !id.MatchString(r.ID) || !commit.MatchString(r.Commit) {
				t.Errorf("%s: repository %q at commit %q, wanted owner/name at 40 digits", e.Name, r.ID, r.Commit)
			}
			for path, f := range r.Files {
				// The same tokenizer file may be in several repositories, and a graph may not.
				if other := hashes[f.SHA256]; !sha256.MatchString(f.SHA256) || strings.HasSuffix(path, ".onnx") && other != "" {
					t.Errorf("%s: %s has the SHA-256 %q, which %q has too, wanted 64 digits of its own", e.Name, path, f.SHA256, other)
				}
				hashes[f.SHA256] = e.Name + " " + path
			}
		}
	}
}

// repositories are the repositories of an entry.
func repositories(e catalogue.Entry) []catalogue.Repository {
	all := []catalogue.Repository{e.Repository}
	if e.Text != nil {
		all = append(all, *e.Text)
	}
	return all
}

// The download sizes of a list are the sums of the graphs.
func TestDownloadSizes(t *testing.T) {
	suffix := map[catalogue.Precision][]string{
		catalogue.FP32: {"_model.onnx", "/model.onnx"}, catalogue.FP16: {"_fp16.onnx"}, catalogue.INT8: {"_quantized.onnx", "_int8.onnx"},
	}
	for _, e := range catalogue.Entries() {
		for p, want := range e.Download {
			sum, graphs := int64(0), 0
			for _, r := range repositories(e) {
				for path, f := range r.Files {
					for _, s := range suffix[p] {
						if strings.HasSuffix("/"+path, s) && f.Size > 0 {
							sum, graphs = sum+f.Size, graphs+1
						}
					}
				}
			}
			if whole := graphs == 2 || graphs == 1 && !e.Words; whole && math.Abs(float64(sum-want)) > 1e6 {
				t.Errorf("%s in %s: %d bytes in %d graphs, the list says %d", e.Name, p, sum, graphs, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	e, _ := catalogue.Find("clip-vit-b-32")
	known := e.Repository.Files["config.json"]
	for _, test := range []struct {
		path   string
		size   int64
		sha256 string
		want   string
	}{
		{"config.json", known.Size, known.SHA256, ""},
		{"config.json", -1, "", ""},
		{"README.md", 7, "abc", ""},
		{"config.json", known.Size, strings.Repeat("0", 64), "wanted " + known.SHA256},
		{"config.json", 7, known.SHA256, "7 bytes, wanted 4524"},
	} {
		err := e.Repository.Check(test.path, test.size, test.sha256)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("Check(%s, %d, %q) = %v, want %q", test.path, test.size, test.sha256, err, test.want)
		}
	}
}

func TestNamesWithPrecision(t *testing.T) {
	for full, want := range map[string]struct {
		name string
		p    catalogue.Precision
	}{
		"clip-vit-b-32":      {"clip-vit-b-32", catalogue.FP32},
		"clip-vit-b-32-fp16": {"clip-vit-b-32", catalogue.FP16},
		"clip-vit-b-32-int8": {"clip-vit-b-32", catalogue.INT8},
	} {
		name, p := catalogue.Split(full)
		if name != want.name || p != want.p || catalogue.Join(name, p) != full {
			t.Errorf("Split(%s) = %s, %s", full, name, p)
		}
	}
}

func TestFind(t *testing.T) {
	if e, ok := catalogue.OfRepository("xenova/CLIP-vit-base-patch32"); !ok || e.Name != "clip-vit-b-32" {
		t.Errorf("OfRepository = %s, %t", e.Name, ok)
	}
	if _, ok := catalogue.Find("clip"); ok {
		t.Error("found an entry of the name clip")
	}
	if e, ok := catalogue.WithWords("openai/clip-vit-base-patch32"); !ok || e.Name != "clip-vit-b-32" {
		t.Errorf("WithWords of a checkpoint = %s, %t", e.Name, ok)
	}
	if _, ok := catalogue.WithWords("somewhere"); ok {
		t.Error("WithWords knows a source that is not listed")
	}
}
