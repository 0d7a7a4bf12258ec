package dataset

import (
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Names finds images by what tables call them.
type Names struct {
	exact map[string]int
	// loose has base names, with and without ending, in one Unicode form and in
	// lower case; shared marks one that several images have.
	loose map[string]int
}

const shared = -1

// NewNames returns what finds the images with these paths, which are relative to
// their folder, with slashes. Image i is number i.
func NewNames(paths []string) *Names {
	n := &Names{exact: make(map[string]int, len(paths)), loose: make(map[string]int, 2*len(paths))}
	for i, name := range paths {
		n.exact[name] = i
		for _, key := range looseKeys(name) {
			if other, taken := n.loose[key]; taken && other != i {
				n.loose[key] = shared
			} else {
				n.loose[key] = i
			}
		}
	}
	return n
}

// looseKeys returns the base name of an image and its stem, as loose has them.
func looseKeys(name string) [2]string {
	base := strings.ToLower(norm.NFC.String(path.Base(name)))
	return [2]string{base, strings.TrimSuffix(base, path.Ext(base))}
}

// Find returns the image that a text names: by its path in the folder, by the path
// with other folders in front of it, or by a base name, with or without its ending,
// that one image alone has. Digits alone could be a number, and are a name only with
// zeros in front.
func (n *Names) Find(text string) (image int, found bool) {
	if image, found = n.exact[text]; found {
		return image, true
	}
	name := path.Clean(strings.ReplaceAll(text, `\`, "/"))
	for rest := name; ; {
		if image, found = n.exact[rest]; found {
			return image, true
		}
		var more bool
		if _, rest, more = strings.Cut(rest, "/"); !more {
			break
		}
	}
	keys := looseKeys(name)
	if image, found = n.loose[keys[0]]; found && image != shared && !couldBeNumber(keys[0]) {
		return image, true
	}
	return 0, false
}

// several reports whether a text is the base name of several images.
func (n *Names) several(text string) bool {
	image, found := n.loose[looseKeys(strings.ReplaceAll(text, `\`, "/"))[0]]
	return found && image == shared
}

// FindOrNumber returns the image that a text names, or whose number from 0 it is.
func (n *Names) FindOrNumber(text string) (image int, found bool) {
	if image, found = n.Find(text); found {
		return image, true
	}
	image, found = wholeNumber(text)
	return image, found && image < len(n.exact)
}

func couldBeNumber(text string) bool {
	return strings.Trim(text, "0123456789") == "" && (len(text) == 1 || text[0] != '0')
}
