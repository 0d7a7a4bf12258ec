package source_test

import (
	"slices"
	"strings"
	"testing"

	"engram/index/source"
)

// Whatever a name is, the photo that it means is one that there is, and its base
// name is written in it, but for case, escapes and forms of Unicode.
func FuzzFindPhoto(f *testing.F) {
	f.Add("a.jpg\nb/a.jpg\nB/A.JPG", `C:\x\b\a.jpg`)
	f.Add("caf\u00e9.jpg", "https://example.org/cafe%CC%81.jpg?x=1")
	f.Add("a%20b.jpg\na b.jpg", "./x/../a%20b.jpg")
	f.Fuzz(func(t *testing.T, photos, name string) {
		list := strings.Split(photos, "\n")
		photo, rank := source.FindPhoto("/photos/set", list, name)
		if photo != "" && (rank < 1 || !slices.Contains(list, photo)) || photo == "" && rank > 0 {
			t.Errorf("%q of %q is %q with rank %d", name, list, photo, rank)
		}
	})
}

// Whatever a table or a sidecar says, an index takes it.
func FuzzTable(f *testing.F) {
	f.Add("csv", []byte("file_name,n,x\na.jpg,7,1e300\nb.jpg;\"\n"))
	f.Add("csv", []byte("file_name;text\n\"a\n.jpg\";\xff\n"))
	f.Add("jsonl", []byte(`{"file_name": "a.jpg", "x": {"y": [1, null]}}`))
	f.Add("json", []byte(`{"path": 3, "imagePath": "x", "shapes": [{"label": "cat"}]}`))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, p := range source.Payloads(name, text) {
			if err := p.Check(); err != nil {
				t.Error(err)
			}
		}
	})
}
