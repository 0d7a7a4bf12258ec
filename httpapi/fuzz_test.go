package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
)

// FuzzReadQuery: whatever arrives, a query is whole or refused, and a refusal
// is the visitor's fault (4xx) and not an unknown error.
func FuzzReadQuery(f *testing.F) {
	const boundary = "multipart/form-data; boundary=b"
	f.Add("application/json", "", []byte(`{"vector":[1,0,-2.5e-3],"k":2}`))
	f.Add("application/json", "k=3", []byte(`{"voxels":[[1,2],[3,4]]}`))
	f.Add("application/json", "", []byte(`{"item":"18446744073709551615","trial":null}`))
	f.Add("application/json", "", []byte(`{"item":1,"filter":{"not":{"key":"a","in":["x"]}},"safe":true}`))
	f.Add("image/jpeg", `safe=false&filter={"key":"a","from":1}`, []byte("\xff\xd8\xff"))
	f.Add("application/x-npy", "kind=vector", npyFile([]int{3}, 1, 2, 3))
	f.Add("application/octet-stream", "", npyFile([]int{2, 2}, 1, 2, 3, 4))
	f.Add("image/jpeg", "k=1", []byte("\xff\xd8\xff"))
	f.Add(boundary, "", []byte("--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n3\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\nbytes\r\n--b--\r\n"))
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
		switch q.kind {
		case kindImage:
			if len(q.image) == 0 {
				t.Fatal("an image without bytes")
			}
		case kindScan:
			if len(q.repeats) < 1 || len(q.repeats) > maxRepeats {
				t.Fatalf("a scan of %d repeats", len(q.repeats))
			}
			if checkScan(q.repeats, len(q.repeats[0])) == nil {
				strip(q.repeats)
			}
		case kindVector:
			if q.vector == nil {
				t.Fatal("a vector query without a vector")
			}
		case kindItem, kindTrial:
		default:
			t.Fatalf("kind is %q", q.kind)
		}
	})
}
