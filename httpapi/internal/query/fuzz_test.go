package query

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"engram/embed"
	"engram/httpapi/internal/problem"
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
	f.Add("application/x-npy", "kind=vector", npyFile(f, []int{3}, 1, 2, 3))
	f.Add("application/octet-stream", "", npyFile(f, []int{2, 2}, 1, 2, 3, 4))
	f.Add("application/octet-stream", "kind=vector", []byte(floats(1, 2, 3)))
	f.Add("image/jpeg", "k=1", []byte("\xff\xd8\xff"))
	f.Add(boundary, "", []byte("--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n3\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\nbytes\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nat night\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"weight\"\r\n\r\n-.5\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, contentType, values string, body []byte) {
		parsed, err := url.ParseQuery(values)
		if err != nil {
			t.Skip("no server hands such an address to a handler")
		}
		q, err := Read(contentType, parsed, bytes.NewReader(body))
		if err != nil {
			if kind := problem.Of(err); kind.Status >= http.StatusInternalServerError {
				t.Fatalf("%v is a problem of the server: %+v", err, kind)
			}
			return
		}
		if chosen := q.Chosen(); chosen != nil && chosen.Check() != nil {
			t.Fatalf("a filter that stores refuse: %v", chosen.Check())
		}
		if len(q.Parts) < 1 || len(q.Parts) > maxParts {
			t.Fatalf("a query of %d parts", len(q.Parts))
		}
		for _, p := range q.Parts {
			checkPart(t, p)
		}
	})
}

func checkPart(t *testing.T, p Part) {
	if embed.CheckWeight(p.Weight) != nil {
		t.Fatalf("the weight is %v", p.Weight)
	}
	switch p.Kind {
	case KindText:
		if err := embed.CheckText(p.Text); err != nil {
			t.Fatal(err)
		}
	case KindImage:
		if len(p.Image) == 0 {
			t.Fatal("an image without bytes")
		}
	case KindScan:
		if p.Volume != nil {
			return
		}
		if len(p.Repeats) < 1 || len(p.Repeats) > MaxRepeats {
			t.Fatalf("a scan of %d repeats", len(p.Repeats))
		}
	case KindVector:
		if p.Vector == nil {
			t.Fatal("a vector query without a vector")
		}
	case KindItem, KindTrial:
	default:
		t.Fatalf("kind is %q", p.Kind)
	}
}
