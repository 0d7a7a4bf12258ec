package source

import (
	"net/url"
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// matcher finds photos by the names that annotations have for them. Labelling
// tools write base names, paths of the machine that they ran on, addresses, and
// other spellings of letters than the file system's.
type matcher struct {
	root   string              // of the photos, with slashes: names may have its last elements in front
	photos map[string]bool     // paths below the root
	byBase map[string][]string // of photos, by their folded base names
}

func newMatcher(root string, photos []string) *matcher {
	m := &matcher{root: root, photos: make(map[string]bool, len(photos))}
	for _, photo := range photos {
		m.photos[photo] = true
	}
	return m
}

// exactly is the rank of a name that is the path of its photo.
const exactly = 1 << 16

// find returns the photo that a name means, and how well it is meant: exactly, or
// how many elements of the path agree, from its end. There is none, "", where no
// photo has the base name, or several suit alike: then rank is -1. Paths may be
// relative to any of the folders.
func (m *matcher) find(name string, folders []string) (photo string, rank int) {
	for _, folder := range folders {
		if full := path.Join(folder, name); m.photos[full] && !strings.HasPrefix(name, "./") {
			return full, exactly
		}
	}
	if m.byBase == nil {
		m.byBase = make(map[string][]string, len(m.photos))
		for photo := range m.photos {
			key := fold(path.Base(photo))
			m.byBase[key] = append(m.byBase[key], photo)
		}
	}
	for _, spelled := range spellings(name) {
		if photo, rank = m.best(spelled); rank != 0 {
			return photo, rank
		}
	}
	return "", 0
}

// best returns the photo whose path agrees with most elements of a name.
func (m *matcher) best(name string) (photo string, rank int) {
	for _, candidate := range m.byBase[fold(path.Base(name))] {
		switch n := agreeing(fold(path.Join(m.root, candidate)), fold(name)); {
		case n > rank:
			photo, rank = candidate, n
		case n == rank:
			photo = ""
		}
	}
	if photo == "" && rank > 0 {
		return "", -1
	}
	return photo, rank
}

// agreeing counts the elements of two paths that are the same, from the end.
func agreeing(a, b string) int {
	n := 0
	for {
		x, y := path.Base(a), path.Base(b)
		if x != y || x == "." || x == "/" {
			return n
		}
		n++
		a, b = path.Dir(a), path.Dir(b)
	}
}

// spellings returns a name as a path with slashes, then without what an address
// has behind it, then with its escapes resolved.
func spellings(name string) []string {
	name = strings.TrimSpace(name)
	if !strings.Contains(name, "/") || strings.Contains(name, `:\`) {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	out := []string{path.Clean("/" + name)}
	if plain, _, found := strings.Cut(name, "?"); found && strings.Contains(plain, ".") {
		name = plain
		out = append(out, path.Clean("/"+name))
	}
	if plain, err := url.PathUnescape(name); err == nil && plain != name {
		out = append(out, path.Clean("/"+strings.ReplaceAll(plain, `\`, "/")))
	}
	return out
}

// fold makes names equal that differ in case, or in how Unicode composes letters.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }
