package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"engram/data/space"
	"engram/embed"
	"engram/httpapi/internal/problem"

	"github.com/google/go-cmp/cmp"
)

// lastThree is the decoder of another subject, whose last three of four voxels are the colour.
func lastThree(of space.Space) *Decoder {
	return &Decoder{Name: "last three", Data: "made up", Voxels: 4, Space: of, Mask: []byte("\x1f\x8b and so on"),
		Decode: func(_ context.Context, repeats [][]float32) ([]float32, error) {
			v := append([]float32{}, repeats[0][1:]...)
			return v, embed.Normalize(v)
		}}
}

// withAnother returns options with a second subject.
func withAnother(t *testing.T) Options {
	opts := fakeOptions(t)
	opts.SubjectID = "subj01"
	opts.Subjects = []Subject{{ID: "subj02", Decoder: lastThree(opts.Decoder.Space), Trials: []Trial{{ID: "t1", Repeats: [][]float32{{9, 0, 0, 1}}}}}}
	opts.Models = func() []Model {
		return []Model{{Use: "decoder", Name: "last three", Kind: "decoder", Fingerprint: "ab", Bytes: 12, Device: "cpu", Subject: "subj02"}}
	}
	return opts
}

func TestEachSubjectHasItsDecoderAndTrials(t *testing.T) {
	s := newServer(t, withAnother(t))
	type list struct{ Subjects []subjectView }
	all := decodeBody[list](t, get(t, s, "/v1/subjects"), http.StatusOK).Subjects
	if len(all) != 2 || !all[0].Default || all[0].ID != "subj01" || all[0].Mask || all[1].Default || all[1].Trials != 1 || !all[1].Mask || all[1].Decoder.Voxels != 4 {
		t.Errorf("the subjects are %+v", all)
	}
	if one := decodeBody[subjectView](t, get(t, s, "/v1/subjects/subj02"), http.StatusOK); !cmp.Equal(one, all[1]) {
		t.Errorf("subj02 is %+v, in the list %+v", one, all[1])
	}
	for address, want := range map[string]string{ // the same trial id and the same voxels mean something else
		"/v1/search": "1", "/v1/subjects/subj01/search": "1", "/v1/subjects/subj02/search": "4",
	} {
		got := decodeBody[searchView](t, post(t, s, address+"?k=1", "application/json", []byte(`{"trial":"t1"}`)), http.StatusOK)
		if got.Hits[0].ID != want {
			t.Errorf("%s finds %s for t1, wanted %s", address, got.Hits[0].ID, want)
		}
	}
	got := decodeBody[decodedView](t, post(t, s, "/v1/subjects/subj02/decode", "application/json", []byte(`{"voxels":[5,0,3,4]}`)), http.StatusOK)
	if diff := cmp.Diff([]float32{0, .6, .8}, got.Vector); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if w := get(t, s, "/v1/subjects/subj02/trials"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"total":1`) {
		t.Errorf("trials: %d %s", w.Code, w.Body)
	}
}

func TestTheMaskOfASubject(t *testing.T) {
	s := newServer(t, withAnother(t))
	w := get(t, s, "/v1/subjects/subj02/mask")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/gzip" || w.Body.String() != "\x1f\x8b and so on" || !strings.Contains(w.Header().Get("Content-Disposition"), "subj02-mask.nii.gz") {
		t.Errorf("the mask came as %d %v %q", w.Code, w.Header(), w.Body)
	}
	for address, slug := range map[string]string{
		"/v1/subjects/subj01/mask": "no-brain", "/v1/subjects/nobody": "no-such-subject", "/v1/subjects/nobody/mask": "no-such-subject", "/v1/subjects/subj02/brain": "no-brain",
	} {
		w := get(t, s, address)
		if p := decodeBody[problem.Details](t, w, w.Code); !strings.HasSuffix(p.Type, slug) {
			t.Errorf("%s: %+v, wanted %s", address, p, slug)
		}
	}
}

func TestSubjectsThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"two subjects":                      func(o *Options) { o.SubjectID = "subj02" },
		`subject is "../x"`:                 func(o *Options) { o.Subjects[0].ID = "../x" },
		"subject subj02: 1 stored trials":   func(o *Options) { o.Subjects[0].Decoder = nil },
		`subject subj02: stored trial "t1"`: func(o *Options) { o.Subjects[0].Trials[0].Repeats[0] = []float32{1} },
	} {
		opts := withAnother(t)
		change(&opts)
		if _, err := New(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, wanted %q", err, want)
		}
	}
}

func TestModelsAreListed(t *testing.T) {
	for _, test := range []struct {
		opts Options
		want string
	}{{withAnother(t), `"use":"decoder"`}, {fakeOptions(t), `{"models":[]}`}} {
		if w := get(t, newServer(t, test.opts), "/v1/models"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("models: %d %s, wanted %s", w.Code, w.Body, test.want)
		}
	}
}
