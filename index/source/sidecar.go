package source

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"engram/data/text"
	"engram/data/webdataset"
	"engram/index"
)

// maxSidecar bounds a sidecar, in bytes.
const maxSidecar = 8 << 20

// sidecarEndings are the endings of files that may describe the photo whose name
// they share, as img2dataset writes them, and labelling tools.
func sidecarEndings() []string { return []string{".json", ".txt", ".caption"} }

// sidecarsOf returns which of the other files of a folder lie beside a photo and
// describe it, by photo: a.txt and a.json beside a.jpg, and a.jpg.json, which
// Google's export has.
func sidecarsOf(photos, others []string) map[string][]string {
	if len(others) == 0 {
		return nil
	}
	byStem := make(map[string]string, len(photos))
	for _, photo := range photos {
		byStem[strings.TrimSuffix(photo, path.Ext(photo))] = photo
		byStem[photo] = photo
	}
	found := map[string][]string{}
	for _, file := range others {
		ending := path.Ext(file)
		if !slices.Contains(sidecarEndings(), strings.ToLower(ending)) {
			continue
		}
		stem := strings.TrimSuffix(file, ending)
		photo := byStem[stem]
		if i := strings.LastIndex(stem, ".supp"); photo == "" && i > 0 { // .supplemental-metadata, cut short by Google where names are long
			photo = byStem[stem[:i]]
		}
		if photo != "" {
			found[photo] = append(found[photo], file)
		}
	}
	return found
}

// boxes is a line of YOLO's labels: a class and a box or an outline.
var boxes = regexp.MustCompile(`^\s*\d+(\s+-?[\d.]+(e-?\d+)?){4,}\s*$`)

// isBoxes reports whether a text beside a photo has YOLO's labels, and no caption.
func isBoxes(text string) bool {
	lines := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !boxes.MatchString(line) {
			return false
		}
		lines++
	}
	return lines > 0
}

// readSidecar adds what a sidecar says to a payload. What a payload has already
// stays.
func readSidecar(file string, payload index.Payload, found *shardFindings) error {
	content, err := readSmall(file)
	if err != nil {
		return err
	}
	plain, err := text.Decode(content)
	if err != nil {
		return err
	}
	if strings.ToLower(path.Ext(file)) == ".json" {
		return readJSON([]byte(plain), payload, found)
	}
	if len(content) > maxSidecar/128 {
		return fmt.Errorf("wanted a caption, found %d bytes", len(content))
	}
	caption := strings.TrimSpace(plain)
	switch {
	case isBoxes(caption):
		found.leaveOut(path.Ext(file), "labels of YOLO")
	case caption != "" && payload[index.KeyCaption] == nil:
		payload[index.KeyCaption] = caption
	}
	return nil
}

// readSmall reads a file of at most maxSidecar bytes.
func readSmall(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSidecar+1))
	if err == nil && len(text) > maxSidecar {
		err = fmt.Errorf("it has more than %d bytes", maxSidecar)
	}
	return text, err
}

// readJSON adds the entries of a JSON object. Of LabelMe's annotations it takes the
// labels as categories.
func readJSON(text []byte, payload index.Payload, found *shardFindings) error {
	var labelMe struct {
		Shapes []struct {
			Label string `json:"label"`
		} `json:"shapes"`
		Path *string `json:"imagePath"`
	}
	if json.Unmarshal(text, &labelMe) == nil && labelMe.Path != nil {
		var labels []string
		for _, shape := range labelMe.Shapes {
			if shape.Label != "" && !slices.Contains(labels, shape.Label) {
				labels = append(labels, shape.Label)
			}
		}
		if len(labels) > 0 {
			merge(payload, index.Payload{index.KeyCategories: labels})
		}
		return nil
	}
	values, err := webdataset.ParseMetadata(text)
	if err != nil {
		return err
	}
	for key, value := range values {
		if old, there := payload[key]; there && key != index.KeyCaption && old != value {
			found.leaveOut(key, "a name that Engram has for something else")
			continue
		}
		payload[key] = value
	}
	return nil
}
