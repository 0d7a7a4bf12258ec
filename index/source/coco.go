package source

import (
	"os"
	"path/filepath"

	"engram/data/coco"
	"engram/index"
)

// note is what COCO says about one image.
type note struct{ captions, categories []string }

// add puts the note into a payload.
func (n note) add(p index.Payload) {
	if len(n.captions) > 0 {
		p[index.KeyCaptions] = n.captions
	}
	if len(n.categories) > 0 {
		p[index.KeyCategories] = n.categories
	}
}

// annotationFiles returns where the annotations of a folder of images are, if
// it is a split of COCO.
func annotationFiles(folder string) []string {
	dir := filepath.Join(filepath.Dir(folder), "annotations")
	name := filepath.Base(folder) + ".json"
	return []string{filepath.Join(dir, "captions_"+name), filepath.Join(dir, "instances_"+name)}
}

// readNotes returns file name → note for a folder of images; there are none
// where it is no split of COCO.
func readNotes(folder string) (map[string]note, error) {
	var found []string
	for _, file := range annotationFiles(folder) {
		if _, err := os.Stat(file); err == nil {
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	set, err := coco.Load(found...)
	if err != nil {
		return nil, err
	}
	notes := make(map[string]note, len(set.Images))
	for i := range set.Images {
		image := &set.Images[i]
		n := note{captions: image.Captions}
		for _, category := range image.Categories() {
			n.categories = append(n.categories, category.Name)
		}
		notes[image.FileName] = n
	}
	return notes, nil
}
