package hub_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"engram/embed/hub"
)

func FuzzModel(f *testing.F) {
	for _, text := range []string{
		`{"sha":"0123456789012345678901234567890123456789","gated":"manual","private":true,"cardData":{"license":["mit","apache-2.0"]},"siblings":[{"rfilename":"a","size":1,"blobId":"0123456789012345678901234567890123456789"}]}`,
		`{"gated":false,"cardData":{"license":"other","license_name":"apple-amlr"},"siblings":[{"rfilename":"b","lfs":{"sha256":"","size":-1}},{"rfilename":""}]}`,
		`{"cardData":7,"tags":["license:mit"],"siblings":[{"rfilename":"../c","size":1e3}]}`, `<html>`, `{}`, `[]`, `null`, ``,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		snap, err := hub.ParseModel([]byte(text))
		if err != nil {
			return
		}
		if len(snap.Files) == 0 || snap.Commit != "" && len(snap.Commit) != 40 {
			t.Errorf("%+v", snap)
		}
		for _, file := range snap.Files {
			if file.Path == "" || file.Size < -1 || file.SHA256 != "" && file.BlobSHA1 != "" ||
				file.SHA256 != "" && len(file.SHA256) != 64 || file.BlobSHA1 != "" && len(file.BlobSHA1) != 40 {
				t.Errorf("%+v", file)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	sum := strings.Repeat("a", 64)
	f.Add("bytes 5-9/10", "120", `"`+sum+`"`, "10", "message")
	f.Add("bytes 0-0/*", "Fri, 27 Nov 2026 00:00:00 GMT", `W/"`+sum[:40]+`"`, "-1", "\x00\xff")
	f.Add("bytes */10", `"api";r=0;t=55`, "W/", "9223372036854775808", strings.Repeat("ä", 300))
	f.Add("bytes -1-2/3", "-5", `"`, "1e3", "")
	f.Fuzz(func(t *testing.T, contentRange, retry, etag, size, message string) {
		if from, total, err := hub.ParseContentRange(contentRange); err == nil && (from < 0 || total < -1 || total >= 0 && from >= total) {
			t.Errorf("range %q: from %d of %d", contentRange, from, total)
		}
		now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
		for _, h := range []http.Header{{"Retry-After": {retry}}, {"Ratelimit": {retry}}} {
			if after := hub.RetryAfter(h, now); after < 0 {
				t.Errorf("%v: wait %v", h, after)
			}
		}
		found := hub.ParseHeaders(200, http.Header{"Etag": {etag}, "X-Linked-Size": {size}, "X-Repo-Commit": {etag}})
		if file := found.File; file.Size < -1 || len(file.SHA256)%64 != 0 || len(file.BlobSHA1)%40 != 0 {
			t.Errorf("%q, %q: %+v", etag, size, file)
		}
		shown := hub.ErrorMessage(http.Header{"X-Error-Message": {message}})
		if len([]rune(shown)) > 201 || strings.ContainsFunc(shown, unicode.IsControl) {
			t.Errorf("%q is shown as %q", message, shown)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		field, value string
		want         time.Duration
	}{
		{"Retry-After", "7", 7 * time.Second},
		{"Retry-After", " 7 ", 7 * time.Second},
		{"Retry-After", "Fri, 27 Nov 2026 00:01:00 GMT", time.Minute},
		{"Retry-After", "Fri, 27 Nov 2020 00:01:00 GMT", 0},
		{"Retry-After", "99999999999999", 24 * time.Hour},
		{"Retry-After", "soon", 0},
		{"Ratelimit", `"api";r=0;t=55`, 55 * time.Second},
		{"Ratelimit", `"api";r=3;t=55`, 0},
	} {
		if got := hub.RetryAfter(http.Header{test.field: {test.value}}, now); got != test.want {
			t.Errorf("%s: %s: wait %v, want %v", test.field, test.value, got, test.want)
		}
	}
}

func TestLicencesOfModelCards(t *testing.T) {
	t.Parallel()
	for card, want := range map[string]string{
		`{"license":"mit"}`:                               "mit",
		`{"license":["mit","apache-2.0"]}`:                "mit, apache-2.0",
		`{"license":"other","license_name":"apple-amlr"}`: "apple-amlr",
		`{"license":"other"}`:                             "other",
		`{"license":null}`:                                "from-a-tag",
		`{"license":{"name":"mit"}}`:                      "from-a-tag",
		`"none"`:                                          "from-a-tag",
	} {
		snap, err := hub.ParseModel([]byte(`{"cardData":` + card + `,"tags":["clip","license:from-a-tag"],"siblings":[{"rfilename":"a"}]}`))
		if err != nil || snap.Licence != want {
			t.Errorf("%s: %v, %v, want %q", card, snap, err, want)
		}
	}
}
