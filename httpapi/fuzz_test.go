package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"engram/embed"
)

// FuzzReadQuery: whatever arrives, a query is whole or refused, and a refusal
// is the visitor's fault (4xx) and not an unknown error.
func FuzzReadQuery(f *testing.F) {
	const boundary = "multipart/form-data; boundary=b"
	f.Add("application/json", "", []byte(`{"vector":[1,0,-2.5e-3],"k":2}`))
	f.Add("application/json", "k=3", []byte(`{"voxels":[[1,2],[3,4]]}`))
	f.Add("application/json", "", []byte(`{"item":"18446744073709551615","trial":null}`))
	f.Add("application/json", "", []byte(`{"item":1,"filter":{"not":{"key":"a","in":["x"]}},"safe":true}`))
	f.Add("application/json", "", []byte(`{"parts":[{"text":"at night","weight":0.5},{"item":"3","weight":-1},{"image":"AAAA"}]}`))
	f.Add("image/jpeg", `safe=false&filter={"key":"a","from":1}`, []byte("\xff\xd8\xff"))
	f.Add("application/x-npy", "kind=vector", npyFile([]int{3}, 1, 2, 3))
	f.Add("application/octet-stream", "", npyFile([]int{2, 2}, 1, 2, 3, 4))
	f.Add("application/octet-stream", "kind=vector", []byte(floats(1, 2, 3)))
	f.Add("image/jpeg", "k=1", []byte("\xff\xd8\xff"))
	f.Add(boundary, "", []byte("--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n3\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\nbytes\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nat night\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"weight\"\r\n\r\n-.5\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, contentType, values string, body []byte) {
		parsed, err := url.ParseQuery(values)
		if err != nil {
			t.Skip()
		}
		q, err := readQuery(contentType, parsed, bytes.NewReader(body))
		if err != nil {
			if kind := kindOf(err); kind.status >= http.StatusInternalServerError {
				t.Fatalf("%v is a problem of the server: %+v", err, kind)
			}
			return
		}
		if chosen := q.chosen(); chosen != nil && chosen.Check() != nil {
			t.Fatalf("a filter that stores refuse: %v", chosen.Check())
		}
		if len(q.parts) < 1 || len(q.parts) > maxParts {
			t.Fatalf("a query of %d parts", len(q.parts))
		}
		for _, p := range q.parts {
			checkPart(t, p)
		}
	})
}

func checkPart(t *testing.T, p part) {
	if embed.CheckWeight(p.weight) != nil {
		t.Fatalf("the weight is %v", p.weight)
	}
	switch p.kind {
	case kindText:
		if err := embed.CheckText(p.text); err != nil {
			t.Fatal(err)
		}
	case kindImage:
		if len(p.image) == 0 {
			t.Fatal("an image without bytes")
		}
	case kindScan:
		if len(p.repeats) < 1 || len(p.repeats) > maxRepeats {
			t.Fatalf("a scan of %d repeats", len(p.repeats))
		}
		if checkScan(p.repeats, len(p.repeats[0])) == nil {
			strip(p.repeats)
		}
	case kindVector:
		if p.vector == nil {
			t.Fatal("a vector query without a vector")
		}
	case kindItem, kindTrial:
	default:
		t.Fatalf("kind is %q", p.kind)
	}
}
