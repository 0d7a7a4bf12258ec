package source

import "engram/index"

// FindPhoto looks for a photo by name.
func FindPhoto(root string, photos []string, name string) (string, int) {
	return newMatcher(root, photos).find(name, []string{"."})
}

// Payloads returns what a table of metadata says, or a sidecar of that name.
func Payloads(name string, text []byte) (payloads []index.Payload) {
	t := table{joined: &Joined{}}
	switch name {
	case "csv":
		_ = t.readCSV(text)
	case "jsonl":
		t.readLines(text)
	case "json":
		p := index.Payload{"path": "a"}
		_ = readJSON(text, p, &shardFindings{})
		return []index.Payload{p}
	}
	for _, r := range t.records {
		payloads = append(payloads, r.payload)
	}
	return payloads
}

// Detect returns the kind of a place.
func Detect(place string) (Kind, error) {
	kind, _, err := detect(place)
	return kind, err
}
