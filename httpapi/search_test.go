package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"engram/data/space"
	"engram/httpapi/internal/problem"

	"github.com/google/go-cmp/cmp"
)

// floats are numbers as float32 in little-endian order.
func floats(values ...float32) string {
	var b []byte
	for _, x := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return string(b)
}

// npyFile writes a version 1.0 npy file of little-endian float32, by the
// format's own description and not by package npy.
func npyFile(shape []int, values ...float32) []byte {
	dims := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(shape)), ","), "[]")
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }", dims)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	out := []byte("\x93NUMPY\x01\x00")
	out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	out = append(out, header...)
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// form makes a multipart body of files and values; names starting with = are
// values.
func form(t *testing.T, parts ...string) (contentType string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		name, value := parts[i], parts[i+1]
		create := func() (io.Writer, error) { return w.CreateFormFile(name, "file") }
		if field, ok := strings.CutPrefix(name, "="); ok {
			create = func() (io.Writer, error) { return w.CreateFormField(field) }
		}
		part, err := create()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

func TestSearchTakesEveryFormOfAQuery(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	picture := string(flatPNG(t, colours[pink]))
	scan := string(npyFile([]int{2, 5}, 0, 1, 0, 7, 7, 0, .9, .1, 7, 7))
	const yellow = "18446744073709551615"
	tests := []struct {
		name, address, contentType, body string
		form                             []string
		want                             []string
	}{
		{name: "JSON vector", body: `{"vector":[1,0,0],"k":2}`, want: []string{"1", "2"}},
		{name: "JSON vector with k in the address", address: "?k=1", body: `{"vector":[0,0,3]}`, want: []string{"4"}},
		{name: "JSON k goes before the address", address: "?k=1", body: `{"vector":[1,0,0],"k":2}`, want: []string{"1", "2"}},
		{name: "JSON item leaves itself out", body: `{"item":"1","k":1}`, want: []string{"2"}},
		{name: "JSON item as a number", body: `{"item":1,"k":1}`, want: []string{"2"}},
		{name: "JSON item beyond 2^53", body: `{"item":18446744073709551615,"k":1}`, want: []string{"2"}},
		{name: "JSON trial", body: `{"trial":"t2","k":1}`, want: []string{"4"}},
		{name: "JSON voxels", body: `{"voxels":[0,1,0,5,5],"k":1}`, want: []string{"3"}},
		{name: "JSON voxels of repeats", body: `{"voxels":[[1,0,0,5,5],[1, 2 ,0,5,5]],"k":1}`, want: []string{yellow}},
		{name: "JSON with a charset", contentType: "application/json; charset=utf-8", body: `{"item":"1","k":1}`, want: []string{"2"}},
		{name: "null is as good as absent", body: `{"vector":null,"item":"1","trial":null,"k":1}`, want: []string{"2"}},
		{name: "image", address: "?k=2", contentType: "image/png", body: picture, want: []string{"2", "1"}},
		{name: "scan as npy", address: "?k=1", contentType: "application/x-npy", body: scan, want: []string{"3"}},
		{name: "scan as octets", address: "?kind=scan&k=1", contentType: "application/octet-stream", body: scan, want: []string{"3"}},
		{name: "scan as numbers", address: "?k=1", contentType: "application/octet-stream", body: floats(0, .95, 0, 7, 7), want: []string{"3"}},
		{name: "scan as numbers, two repeats", address: "?k=1", contentType: "application/octet-stream", body: floats(0, 9, 0, 7, 7, 0, -8, .1, 7, 7), want: []string{"3"}},
		{name: "vector as numbers", address: "?kind=vector&k=1", contentType: "application/octet-stream", body: floats(0, 0, 2), want: []string{"4"}},
		{name: "a vector whose first number has the bytes of gzip", address: "?kind=vector&k=1", contentType: "application/octet-stream",
			body: floats(math.Float32frombits(0x3f008b1f), 0, 90), want: []string{"4"}},
		{name: "image as octets", address: "?kind=image&k=1", contentType: "application/octet-stream", body: picture, want: []string{"2"}},
		{name: "vector as npy", address: "?kind=vector&k=1", contentType: "application/x-npy",
			body: string(npyFile([]int{3}, 0, 0, 2)), want: []string{"4"}},
		{name: "vector as a matrix of one row", address: "?kind=vector&k=1", contentType: "application/x-npy",
			body: string(npyFile([]int{1, 3}, 0, 0, 2)), want: []string{"4"}},
		{name: "form with an image", address: "?k=2", form: []string{"image", picture}, want: []string{"2", "1"}},
		{name: "form with a scan and k", form: []string{"scan", scan, "=k", "1"}, want: []string{"3"}},
		{name: "form with k before the vector", form: []string{"=k", "1", "vector", string(npyFile([]int{3}, 0, 0, 2))}, want: []string{"4"}},
		{name: "JSON text", body: `{"text":"something blue","k":1}`, want: []string{"4"}},
		{name: "JSON image", body: `{"image":"` + base64.StdEncoding.EncodeToString([]byte(picture)) + `","k":2}`, want: []string{"2", "1"}},
		{name: "JSON voxels in base64", body: `{"voxels":"` + base64.StdEncoding.EncodeToString([]byte(floats(0, .95, 0, 7, 7))) + `","k":1}`, want: []string{"3"}},
		{name: "JSON repeats in base64", body: `{"voxels":["` + base64.StdEncoding.EncodeToString([]byte(floats(0, .9, 0, 7, 7))) + `",[0,1,0,-7,-7]],"k":1}`, want: []string{"3"}},
		{name: "JSON vector in base64", body: `{"vector": "` + base64.StdEncoding.EncodeToString([]byte(floats(0, 0, 2))) + `","k":1}`, want: []string{"4"}},
		{name: "parts, more of one and less of another", body: `{"parts":[{"text":"yellow"},{"text":"red","weight":-1}],"k":1}`, want: []string{"3"}},
		{name: "parts, the other way round", body: `{"parts":[{"text":"yellow"},{"text":"green","weight":-1}],"k":1}`, want: []string{"1"}},
		{name: "parts with items, which are left out", body: `{"parts":[{"item":"1"},{"item":2,"weight":0.5},{"trial":"t1"}]}`, want: []string{yellow, "3", "4"}},
		{name: "parts of every kind", body: `{"parts":[{"text":"blue","weight":9},{"image":"` + base64.StdEncoding.EncodeToString([]byte(picture)) +
			`"},{"vector":[0,0,1]},{"voxels":[0,0,1,5,5]},{"trial":"t2"},{"item":"1","weight":null}],"k":1}`, want: []string{"4"}},
		{name: "form with a text", form: []string{"=text", "green", "=k", "1"}, want: []string{"3"}},
		{name: "form with a text, an image and weights", form: []string{"image", picture, "=text", "yellow", "=weight", "-.5", "=item", "1", "=weight", ".1", "=k", "1"}, want: []string{"2"}},
		{name: "form with two images", form: []string{"image", picture, "image", string(flatPNG(t, colours[green])), "=k", "1"}, want: []string{yellow}},
		{name: "k beyond the index", body: `{"item":"1","k":1000}`, want: []string{"2", yellow, "3", "4"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			contentType, body := test.contentType, []byte(test.body)
			if contentType == "" {
				contentType = "application/json"
			}
			if test.form != nil {
				contentType, body = form(t, test.form...)
			}
			got := hitIDs(t, post(t, s, "/v1/search"+test.address, contentType, body))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSearchExplainsItsAnswer(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	got := decodeBody[searchView](t, ask(t, s, `{"trial":"t1","k":1}`), http.StatusOK)
	want := searchView{
		Query: queryView{Kind: "trial", Repeats: 2, Voxels: 5,
			Trial: &trialView{ID: "t1", Seen: "red", Item: "1", ImageURL: "v1/items/1/image", ThumbnailURL: "v1/items/1/thumbnail"},
			// Means of the two repeats are .9 .05 .05 0 9; their mean is 2 and
			// their standard deviation 3.516.
		},
		Model: space.Space{Name: "colour 1", Fingerprint: "c0107"},
		Hits: []hitView{{itemView: itemView{ID: "1", ImageURL: "v1/items/1/image", ThumbnailURL: "v1/items/1/thumbnail",
			Payload: map[string]any{"path": "red.png", "caption": "a flat red picture"}}, Score: got.Hits[0].Score}},
		Next:   got.Next, // there are more
		TookMS: got.TookMS,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hitView{})); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if got.Hits[0].Score < .99 || got.Hits[0].Score > 1.00001 {
		t.Errorf("score is %v, want nearly 1", got.Hits[0].Score)
	}
	item := decodeBody[searchView](t, ask(t, s, `{"item":"4","k":1}`), http.StatusOK).Query.Item
	if item == nil || item.ID != "4" || item.Payload["path"] != "blue.png" {
		t.Errorf("the query's item is %+v, want blue", item)
	}
}

func TestSearchRefusesBadQueries(t *testing.T) {
	opts := fakeOptions(t)
	s := newServer(t, opts)
	bare := opts
	bare.Text, bare.Encoder, bare.Decoder, bare.Trials = nil, nil, nil, nil
	withoutModels := newServer(t, bare)
	bare.NoText = "an index of plain pixels knows no words"
	wordless := newServer(t, bare)
	other := opts
	other.Text = &TextEncoder{Space: space.Space{Name: "other 2", Fingerprint: "0123456789abcdef"}, Encode: encodeWord}
	other.Encoder = colourEncoder(space.Space{Name: "other 2", Fingerprint: "0123456789abcdef"})
	other.Decoder = firstThree(space.Space{Name: "other 2", Fingerprint: "0123456789abcdef"})
	otherModel := newServer(t, other)
	unknown := fakeOptions(t) // nobody recorded the model
	unknown.Store.(*memStore).info.Space = space.Space{}
	unknownSpace := newServer(t, unknown)
	picture := string(flatPNG(t, colours[red]))
	nan := float32(math.NaN())

	tests := []struct {
		name, address, contentType, body string
		form                             []string
		server                           *Server
		status                           int
		slug, detail                     string
	}{
		{name: "an unknown model", server: unknownSpace, contentType: "image/png", body: picture, status: 409, slug: "another-model", detail: "does not record which model"},
		{name: "a scan for an unknown model", server: unknownSpace, body: `{"trial":"t1"}`, status: 409, slug: "another-model", detail: "does not record which model"},
		{name: "k of zero", body: `{"item":"1","k":0}`, status: 400, slug: "unusable-query", detail: "k is 0, wanted 1 to 1000"},
		{name: "k too large", address: "?k=1001", body: `{"item":"1"}`, status: 400, slug: "unusable-query", detail: "k is 1001"},
		{name: "k no number", address: "?k=ten", body: `{"item":"1"}`, status: 400, slug: "unusable-query", detail: "k is not a whole number"},
		{name: "k a string in JSON", body: `{"item":"1","k":"3"}`, status: 400, slug: "unreadable-body", detail: "k is a string, wanted a whole number"},
		{name: "no source", body: `{"k":3}`, status: 400, slug: "unusable-query", detail: "this one has 0"},
		{name: "two sources", body: `{"item":"1","vector":[1,0,0]}`, status: 400, slug: "unusable-query", detail: "this one has 2"},
		{name: "unknown field", body: `{"items":"1"}`, status: 400, slug: "unreadable-body", detail: `unknown field "items"`},
		{name: "half of JSON", body: `{"item":`, status: 400, slug: "unreadable-body", detail: "the body ends in the middle of the query"},
		{name: "empty JSON", body: ``, status: 400, slug: "unreadable-body", detail: "JSON: the body is empty, wanted a query"},
		{name: "two JSON objects", body: `{"item":"1"}{}`, status: 400, slug: "unreadable-body", detail: "more after the query object"},
		{name: "JSON array", body: `[1]`, status: 400, slug: "unreadable-body", detail: "the query is an array, wanted an object"},
		{name: "NaN in JSON", body: `{"vector":[NaN,0,0]}`, status: 400, slug: "unreadable-body", detail: "invalid character 'N'"},
		{name: "null in a vector", body: `{"vector":[1,null,0]}`, status: 400, slug: "unreadable-body", detail: "element 1 is not a number"},
		{name: "null in voxels", body: `{"voxels":[[1,1,1,1,null]]}`, status: 400, slug: "unreadable-body", detail: "repeat 0: element 4 is not a number"},
		{name: "null for a repeat", body: `{"voxels":[[1,1,1,1,1],null]}`, status: 400, slug: "unreadable-body", detail: "repeat 1 is not an array"},
		{name: "a number beyond float32", body: `{"vector":[1,1e39,0]}`, status: 422, slug: "not-finite", detail: "element 1 is beyond float32"},
		{name: "a string for a vector", body: `{"vector":"1,2,3"}`, status: 400, slug: "unreadable-body", detail: "not an array"},
		{name: "a string for voxels", body: `{"voxels":"1,2,3"}`, status: 400, slug: "unreadable-body", detail: "not an array"},
		{name: "wrong dimension", body: `{"vector":[1,2]}`, status: 422, slug: "wrong-dimension", detail: "the vector has 2 elements, the index 3"},
		{name: "empty vector", body: `{"vector":[]}`, status: 422, slug: "wrong-dimension", detail: "0 elements"},
		{name: "zero vector", body: `{"vector":[0,0,0]}`, status: 422, slug: "unusable-vector", detail: "zero vector"},
		{name: "NaN in a vector", address: "?kind=vector", contentType: "application/x-npy", body: string(npyFile([]int{3}, 1, nan, 0)),
			status: 422, slug: "not-finite", detail: "element 1 of the vector is NaN"},
		{name: "three axes of a vector", address: "?kind=vector", contentType: "application/x-npy", body: string(npyFile([]int{1, 1, 3}, 1, 0, 0)),
			status: 422, slug: "wrong-dimension", detail: "shape [1 1 3]"},
		{name: "unknown item", body: `{"item":"99"}`, status: 404, slug: "no-such-item", detail: "no item 99"},
		{name: "item no number", body: `{"item":"cat"}`, status: 404, slug: "no-such-item", detail: "whole number"},
		{name: "unknown trial", body: `{"trial":"t9"}`, status: 404, slug: "no-such-trial", detail: `no stored trial "t9"`},
		{name: "too few voxels", body: `{"voxels":[1,2,3]}`, status: 422, slug: "scan-does-not-fit", detail: "3 voxels, the decoder takes 5"},
		{name: "no voxels", body: `{"voxels":[]}`, status: 422, slug: "scan-does-not-fit", detail: "0 voxels"},
		{name: "ragged repeats", body: `{"voxels":[[1,1,1,1,1],[1,1]]}`, status: 422, slug: "scan-does-not-fit", detail: "repeat 1 of the scan has 2 voxels"},
		{name: "infinite voxel", contentType: "application/x-npy", body: string(npyFile([]int{5}, 1, 1, 1, 1, float32(math.Inf(1)))),
			status: 422, slug: "not-finite", detail: "voxel 4 of repeat 0 is +Inf"},
		{name: "a whole data set", contentType: "application/x-npy", body: string(npyFile([]int{33, 1}, make([]float32, 33)...)),
			status: 422, slug: "scan-does-not-fit", detail: "rows are repeats of one image, 1 to 32"},
		{name: "a data set in JSON", body: `{"voxels":[` + strings.Repeat("[1],", 32) + `[1]]}`, status: 422, slug: "scan-does-not-fit", detail: "33 rows"},
		{name: "three axes of a scan", contentType: "application/x-npy", body: string(npyFile([]int{1, 1, 5}, 1, 1, 1, 1, 1)),
			status: 422, slug: "scan-does-not-fit", detail: "wanted [voxels] or [repeats, voxels]"},
		{name: "truncated npy", contentType: "application/x-npy", body: string(npyFile([]int{5}, 1, 1)), status: 400, slug: "unreadable-body", detail: "npy: "},
		{name: "npy of less than half", contentType: "application/x-npy", body: string(npyFile([]int{500}, 1, 1)), status: 400, slug: "unreadable-body", detail: "the npy file is cut off: it has 136 bytes"},
		{name: "npy with more than it says", contentType: "application/x-npy", body: string(npyFile([]int{5}, 1, 1, 1, 1, 1, 1)), status: 400, slug: "unreadable-body", detail: "npy: "},
		{name: "no npy", contentType: "application/x-npy", body: "hello", status: 400, slug: "unreadable-body", detail: "npy: "},
		{name: "NIfTI", contentType: "application/octet-stream", body: "\x5c\x01\x00\x00 and so on", status: 415, slug: "unsupported-media-type", detail: "send them as npy"},
		{name: "gzip of NIfTI as octets", contentType: "application/octet-stream", body: "\x1f\x8b\x08\x00 or so", status: 415, slug: "unsupported-media-type", detail: "send them as npy"},
		{name: "part of a number", contentType: "application/octet-stream", body: "seven b", status: 400, slug: "unreadable-body", detail: "7 bytes: wanted an npy file, or float32"},
		{name: "a vector of too few numbers", address: "?kind=vector", contentType: "application/octet-stream", body: floats(1, 2), status: 422, slug: "wrong-dimension", detail: "2 elements, the index 3"},
		{name: "gzip of NIfTI", form: []string{"scan", "\x1f\x8b\x08\x00 and so on"}, status: 415, slug: "unsupported-media-type", detail: "send them as npy"},
		{name: "unknown kind", address: "?kind=text", contentType: "application/x-npy", body: "x", status: 400, slug: "unusable-query", detail: `kind is "text"`},
		{name: "no image", contentType: "image/jpeg", body: "no image", status: 422, slug: "unreadable-image", detail: "the bytes are no PNG"},
		{name: "empty image", contentType: "image/jpeg", body: "", status: 400, slug: "unreadable-body", detail: "no bytes"},
		{name: "what curl sends by default", contentType: "application/x-www-form-urlencoded", body: picture,
			status: 415, slug: "unsupported-media-type", detail: `not "application/x-www-form-urlencoded"`},
		{name: "no media type", contentType: "-", body: picture, status: 415, slug: "unsupported-media-type", detail: "a search is JSON"},
		{name: "form without a file", form: []string{"=k", "3"}, status: 400, slug: "unusable-query", detail: "nothing to search for, wanted a field named text, image"},
		{name: "form with a weight and nothing before it", form: []string{"=weight", "1", "image", picture}, status: 400, slug: "unusable-query", detail: "weight has to follow the part"},
		{name: "form with two weights", form: []string{"image", picture, "=weight", "1", "=weight", "2"}, status: 400, slug: "unusable-query", detail: "weight has to follow the part"},
		{name: "form with a weight of 0", form: []string{"=text", "red", "=weight", "0"}, status: 400, slug: "unusable-query", detail: "the weight is 0"},
		{name: "form with a weight of NaN", form: []string{"=text", "red", "=weight", "NaN"}, status: 400, slug: "unusable-query", detail: "the weight is NaN"},
		{name: "form with a weight in words", form: []string{"=text", "red", "=weight", "much"}, status: 400, slug: "unusable-query", detail: `weight is "much"`},
		{name: "empty text", body: `{"text":""}`, status: 422, slug: "unusable-text", detail: "the text is empty"},
		{name: "spaces for a text", body: `{"text":" \n\t　"}`, status: 422, slug: "unusable-text", detail: "the text is empty"},
		{name: "empty text in a form", form: []string{"=text", ""}, status: 422, slug: "unusable-text", detail: "the text is empty"},
		{name: "10,000 words", body: `{"text":"` + strings.Repeat("zebra ", 10000) + `"}`, status: 422, slug: "unusable-text", detail: "60000 bytes, wanted at most 32768"},
		{name: "control characters", body: `{"text":"red\u001b[31m"}`, status: 422, slug: "unusable-text", detail: "control character U+001B"},
		{name: "invalid UTF-8 in JSON", body: "{\"text\":\"caf\xe9\"}", status: 400, slug: "unreadable-body", detail: "not UTF-8"},
		{name: "invalid UTF-8 in a form", form: []string{"=text", "caf\xe9"}, status: 422, slug: "unusable-text", detail: "not UTF-8 at byte 3"},
		{name: "a text of unknown words", body: `{"text":"xylophone"}`, status: 422, slug: "unusable-text", detail: `knows no word of "xylophone"`},
		{name: "a number for a text", body: `{"text":7}`, status: 400, slug: "unreadable-body", detail: "text is a number, wanted a string"},
		{name: "text and image", body: `{"text":"red","image":"AAAA"}`, status: 400, slug: "unusable-query", detail: "exactly one of text, image"},
		{name: "no base64", body: `{"image":"data:image/png;base64,AAAA"}`, status: 400, slug: "unreadable-body", detail: "not the base64 of a file"},
		{name: "base64 of no image", body: `{"image":"AAAA"}`, status: 422, slug: "unreadable-image", detail: "the bytes are no PNG"},
		{name: "voxels that are no base64", body: `{"voxels":"*"}`, status: 400, slug: "unreadable-body", detail: "voxels is not an array of numbers, and its string"},
		{name: "a repeat of part of a number", body: `{"voxels":["AAAA"]}`, status: 400, slug: "unreadable-body", detail: "voxels, repeat 0 is the base64 of 3 bytes"},
		{name: "base64 of too few voxels", body: `{"voxels":"AAAAAA=="}`, status: 422, slug: "scan-does-not-fit", detail: "1 voxels, the decoder takes 5"},
		{name: "base64 of NaN", body: `{"voxels":"` + base64.StdEncoding.EncodeToString([]byte(floats(0, float32(math.NaN()), 0, 0, 0))) + `"}`, status: 422, slug: "not-finite", detail: "voxel 1 of repeat 0"},
		{name: "a vector that is no base64", body: `{"vector":"!"}`, status: 400, slug: "unreadable-body", detail: "vector is not an array of numbers, and its string"},
		{name: "no parts", body: `{"parts":[]}`, status: 400, slug: "unusable-query", detail: "the query has no parts"},
		{name: "parts and a text", body: `{"parts":[{"item":"1"}],"text":"red"}`, status: 400, slug: "unusable-query", detail: "this one has 2"},
		{name: "an empty part", body: `{"parts":[{"item":"1"},{"weight":2}]}`, status: 400, slug: "unusable-query", detail: "part 2: a part has exactly one of"},
		{name: "a part of two", body: `{"parts":[{"item":"1","text":"red"}]}`, status: 400, slug: "unusable-query", detail: "part 1: a part has exactly one of"},
		{name: "a part with an option", body: `{"parts":[{"item":"1","k":2}]}`, status: 400, slug: "unreadable-body", detail: `part 1: JSON: unknown field "k"`},
		{name: "a part twice", body: `{"parts":[{"text":"red","text":"blue"}]}`, status: 400, slug: "unreadable-body", detail: `"text" comes twice`},
		{name: "a weight of 0", body: `{"parts":[{"item":"1"},{"item":"2","weight":0}]}`, status: 400, slug: "unusable-query", detail: "part 2: the weight is 0"},
		{name: "a weight beyond all measure", body: `{"parts":[{"item":"1","weight":1e300}]}`, status: 400, slug: "unusable-query", detail: "the weight is 1e+300"},
		{name: "parts that are no list", body: `{"parts":{"text":"red"}}`, status: 400, slug: "unreadable-body", detail: "parts is an object, wanted an array of parts"},
		{name: "too many parts", body: `{"parts":[` + strings.Repeat(`{"item":"1"},`, 16) + `{"item":"1"}]}`, status: 400, slug: "unusable-query", detail: "more than 16 parts"},
		{name: "an unknown item among parts", body: `{"parts":[{"text":"red"},{"item":"99"}]}`, status: 404, slug: "no-such-item", detail: "part 2: the index has no item 99"},
		{name: "parts that cancel each other out", body: `{"parts":[{"item":"1"},{"item":"1","weight":-1}]}`, status: 422, slug: "no-direction", detail: "cancel each other out"},
		{name: "no text model", body: `{"text":"red"}`, server: withoutModels, status: 501, slug: "no-text-model", detail: "no text model, so it cannot search by words"},
		{name: "no text model, and why", body: `{"text":"red"}`, server: wordless, status: 501, slug: "no-text-model", detail: "knows no words"},
		{name: "words of another model", body: `{"text":"red"}`, server: otherModel, status: 409, slug: "another-model", detail: "other 2"},
		{name: "form with a strange field", form: []string{"file", picture}, status: 400, slug: "unusable-query", detail: `form field "file"`},
		{name: "form with a bad k", form: []string{"=k", "x", "image", picture}, status: 400, slug: "unusable-query", detail: "k is not"},
		{name: "form cut off", contentType: "multipart/form-data; boundary=b", body: "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nhalf",
			status: 400, slug: "unreadable-body", detail: "the body ends in the middle"},
		{name: "form without a boundary", contentType: "multipart/form-data", body: "x", status: 400, slug: "unreadable-body", detail: "form"},
		{name: "no encoder", contentType: "image/png", body: picture, server: withoutModels, status: 501, slug: "no-image-model", detail: "cannot search by image"},
		{name: "no decoder", body: `{"voxels":[1,2,3,4,5]}`, server: withoutModels, status: 501, slug: "no-scan-decoder", detail: "cannot search by scan"},
		{name: "image of another model", contentType: "image/png", body: picture, server: otherModel, status: 409, slug: "another-model", detail: "colour 1 (c0107), the query with other 2 (0123456789ab)"},
		{name: "scan of another model", body: `{"voxels":[1,2,3,4,5]}`, server: otherModel, status: 409, slug: "another-model", detail: "other 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			contentType, body, server := test.contentType, []byte(test.body), test.server
			switch contentType {
			case "":
				contentType = "application/json"
			case "-":
				contentType = ""
			}
			if test.form != nil {
				contentType, body = form(t, test.form...)
			}
			if server == nil {
				server = s
			}
			got := decodeBody[problem.Details](t, post(t, server, "/v1/search"+test.address, contentType, body), test.status)
			if got.Type != "urn:engram:problem:"+test.slug || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("problem is %s: %q, want %s: %q", got.Type, got.Detail, test.slug, test.detail)
			}
			if got.Status != test.status || got.Title == "" || got.RequestID == "" {
				t.Errorf("problem is incomplete: %+v", got)
			}
		})
	}
}

// An answer says what its query was.
func TestAnswerRepeatsTheQuery(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	kind := func(body string) queryView {
		return decodeBody[searchView](t, ask(t, s, body), http.StatusOK).Query
	}
	if got := kind(`{"text":"red"}`); got.Kind != "text" || got.Text != "red" || got.Cut || got.Weight != 0 {
		t.Errorf("a text: %+v", got)
	}
	if got := kind(`{"text":"red or blue or green"}`); !got.Cut {
		t.Errorf("a text that is too long: %+v, want that it was cut", got)
	}
	got := kind(`{"parts":[{"item":"1"},{"text":"blue","weight":-0.5}]}`)
	if got.Kind != "parts" || len(got.Parts) != 2 || got.Parts[0].Item.ID != "1" || got.Parts[0].Weight != 1 ||
		got.Parts[1].Text != "blue" || got.Parts[1].Weight != -.5 {
		t.Errorf("parts: %+v", got)
	}
	if got := kind(`{"parts":[{"text":"blue","weight":-0.5}]}`); got.Kind != "parts" || len(got.Parts) != 1 {
		t.Errorf("a list of one part: %+v", got)
	}
}

func TestInfoSaysWhetherWordsCanBeSearched(t *testing.T) {
	opts := fakeOptions(t)
	text := func() *textView {
		return decodeBody[infoView](t, get(t, newServer(t, opts), "/v1/info"), http.StatusOK).Text
	}
	if got := text(); got == nil || got.Model.Name != "colour 1" || len(got.Suggestions) != 2 {
		t.Errorf("with a text model: %+v", got)
	}
	opts.Suggestions = nil
	if got := text(); got == nil || got.Suggestions == nil {
		t.Errorf("without suggestions: %+v, want an empty list", got)
	}
	opts.Text = nil
	if got := text(); got != nil {
		t.Errorf("without a text model: %+v, want null", got)
	}
}
