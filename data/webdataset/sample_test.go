package webdataset_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/webdataset"
)

func sample(files ...string) *webdataset.Sample {
	s := &webdataset.Sample{Key: "k"}
	for i := 0; i < len(files); i += 2 {
		s.Files = append(s.Files, webdataset.File{Ext: files[i], Data: []byte(files[i+1])})
	}
	return s
}

func TestImage(t *testing.T) {
	s := sample("txt", "t", "webp", "w", "png", "p", "seg.png", "s")
	for _, c := range []struct {
		exts      []string
		ext, data string
	}{
		{nil, "png", "p"},
		{[]string{"webp"}, "webp", "w"},
		{[]string{"jpg", "seg.png", "png"}, "seg.png", "s"},
	} {
		ext, data, err := s.Image(c.exts...)
		if err != nil || ext != c.ext || string(data) != c.data {
			t.Errorf("%v: %s %q, error %v", c.exts, ext, data, err)
		}
	}
	for _, exts := range [][]string{{"jpg"}, {"jpg", "jpeg"}} {
		_, _, err := s.Image(exts...)
		if !errors.Is(err, webdataset.ErrNoImage) || !strings.Contains(err.Error(), "sample k") {
			t.Errorf("error is %v, want ErrNoImage of sample k", err)
		}
	}
}

// Every image of a folder is an image in a tar, and so is a file with an image
// in it, whatever it is called.
func TestImagesOfOtherNames(t *testing.T) {
	const gif = "GIF89a\x01\x00\x01\x00"
	for _, c := range []struct {
		files []string
		ext   string
	}{
		{[]string{"gif", "1"}, "gif"},
		{[]string{"tif", "1", "bmp", "2"}, "bmp"},
		{[]string{"avif", "1"}, "avif"},
		{[]string{"jpe", "1"}, "jpe"},
		{[]string{"left.jpg", "1", "right.jpg", "2"}, "left.jpg"},
		{[]string{"seg.png", "1", "left.png", "2"}, "left.png"},
		{[]string{"seg.png", "1", "img", gif}, "img"},
		{[]string{"seg.png", "1"}, "seg.png"},
		{[]string{"image", gif, "cls", "3"}, "image"},
	} {
		if ext, _, err := sample(c.files...).Image(); ext != c.ext || err != nil {
			t.Errorf("%q: %q, error %v, want %q", c.files, ext, err, c.ext)
		}
	}
}

// Texts become values, and what else there is is named.
func TestParts(t *testing.T) {
	s := sample("left.jpg", "1", "right.jpg", "\xff\xd8", "json", "{}", "caption", "a zebra", "txt", "zebras", "cls", "7\n", "label.txt", " zebra ", "npy", "\x93NUMPY\x00")
	values, others := s.Parts("left.jpg")
	want := map[string]any{"caption": "a zebra", "cls": int64(7), "label.txt": "zebra"}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"right.jpg", "npy"}, others); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text, found := sample("caption", " a ").Caption(); text != "a" || !found {
		t.Errorf("caption is %q, %t", text, found)
	}
}

func TestCaption(t *testing.T) {
	for text, want := range map[string]string{"": "", " a\nb\t\n": "a\nb", "caf\xe9 \xff\n": "café ÿ", "\xef\xbb\xbfa": "a", "\xfe\xff\x00a": "a", "a\x80\x00": "a\uFFFD\x00", "été": "été"} {
		if got, found := sample("txt", text).Caption(); got != want || !found {
			t.Errorf("%q: caption is %q, %t, want %q", text, got, found, want)
		}
	}
	if _, found := sample("jpg", "").Caption(); found {
		t.Error("there is a caption without a txt file")
	}
}

func TestMetadata(t *testing.T) {
	for text, want := range map[string]map[string]any{
		`{}`:                       {},
		`{"a": "\xff\ud800"}`:      nil,
		"{\"a\": \"\xff\\ud800\"}": {"a": "ÿ\uFFFD"},
		`{"a": 1E2, "b": 1e-400, "c": 12345678901234567890, "d": -0.0}`: {"a": 100.0, "b": 0.0, "c": 12345678901234567890.0, "d": 0.0},
		`{"a": [ [1.50, {"b" : null}] ]}`:                               {"a": `[[1.50,{"b":null}]]`},
		`{"a": [], "b": [null], "c": [NaN]}`:                            {"a": []string{}, "b": []string{}, "c": []string{}},
		`{"a": 1e999, "b": "kept", "c": [1e999]}`:                       {"a": "1e999", "b": "kept", "c": []string{"1e999"}},
		"\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00":                 {"a": int64(1)},
		`{"a": {"b": null}, "c": {}}`:                                   {},
		`{"a": {"b": 1}, "a.b": "later"}`:                               {"a.b": "later"},
	} {
		got, err := sample("json", text).Metadata()
		if want == nil {
			if !errors.Is(err, webdataset.ErrMetadata) {
				t.Errorf("%s: error is %v, want ErrMetadata", text, err)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v, (-want +got)\n%s", text, err, diff)
		}
	}
	if got, err := sample("txt", "").Metadata(); got != nil || err != nil {
		t.Errorf("without a json file: %v, %v", got, err)
	}
}

func TestBadMetadata(t *testing.T) {
	for text, says := range map[string]string{
		"":                                 "unexpected end of JSON input",
		"{":                                "unexpected end of JSON input",
		`{"a": 1} {}`:                      "after top-level value",
		`{"a": Nan}`:                       "invalid character",
		`{"a": "NaN}`:                      "unexpected end",
		`{"NaN": "\`:                       "in string escape code",
		`[1]`:                              "wanted a JSON object, found a list",
		`"a"`:                              "found a string",
		`1`:                                "found a number",
		`NaN`:                              "found true, false or null",
		strings.Repeat(`{"a":`, 17) + "{}": "unexpected end",
		strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17): "objects lie more than 16 deep",
		`{"` + strings.Repeat("n", 257) + `": 1}`:                   "a name of 257 bytes, at most 256 are read",
		`{"a": "` + strings.Repeat("x", 1<<20) + `"}`:               "the json has 1048585 bytes, at most 1048576 are read",
	} {
		_, err := sample("json", text).Metadata()
		if !errors.Is(err, webdataset.ErrMetadata) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "sample k") {
			t.Errorf("%.40s: error is %v, want ErrMetadata that says %q", text, err, says)
		}
	}
}

// Python's words for numbers that are not finite are found wherever they stand,
// and only outside of strings.
func TestMetadataOfPythonsNumbers(t *testing.T) {
	text := `{"NaN":NaN,"a":[-Infinity,1],"\\":"\"NaN","b":{"c":Infinity},"d":"Infinity"}`
	got, err := sample("json", text).Metadata()
	want := map[string]any{"a": []string{"1"}, `\`: `"NaN`, "d": "Infinity"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
}
