package source

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"engram/data/coco"
	"engram/index"
)

// companion is a file with records that name photos: annotations of COCO, or a
// table of metadata. Its records are joined to the photos of the folders that it
// may speak of.
type companion struct {
	path    string // where it lies
	name    string // for messages
	dir     string // its folder below the root, "." also where it lies outside
	table   bool   // a table of metadata, and no annotations of COCO
	size    int64
	changed time.Time
	folders []*folder

	mu    sync.Mutex
	notes map[string]index.Payload // by photo; nil until they are read
}

// record is what a companion says of one photo.
type record struct {
	name    string // as it is written
	payload index.Payload
}

// payloads returns what the file says of photos, by their paths below the root, and
// tells findings what was joined. What several folders may need is read once.
func (c *companion) payloads(findings *Findings) map[string]index.Payload {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.notes != nil {
		return c.notes
	}
	joined := Joined{File: c.name}
	var records []record
	var err error
	if c.table {
		records, err = readTable(c.path, &joined)
	} else {
		records, err = readCOCO(c.path, &joined)
	}
	if err != nil {
		joined.Error = err.Error()
	}
	notes := c.join(records, &joined)
	findings.keepJoined(joined)
	if len(c.folders) > 1 {
		c.notes = notes
	}
	return notes
}

// join gives records to photos.
func (c *companion) join(records []record, joined *Joined) map[string]index.Payload {
	var photos []string
	homes := []string{c.dir}
	for _, d := range c.folders {
		for _, file := range d.files {
			photos = append(photos, path.Join(d.name, file))
		}
		if len(c.folders) == 1 {
			homes = []string{d.name, c.dir}
		}
	}
	type claim struct {
		rank    int
		name    string
		payload index.Payload
	}
	claims := map[string]claim{}
	m := newMatcher(filepath.ToSlash(c.folders[0].root), photos)
	ambiguous := map[string]bool{}
	for _, r := range records {
		photo, rank := m.find(r.name, homes)
		known, taken := claims[photo]
		switch {
		case rank < 0:
			joined.Ambiguous++
		case photo == "":
		case taken && known.rank == rank && known.name == r.name:
			merge(known.payload, r.payload)
			joined.Found++
		case taken && known.rank == rank:
			ambiguous[photo] = true
			joined.Ambiguous++
		case !taken || known.rank < rank:
			if taken {
				joined.Found--
			}
			claims[photo] = claim{rank, r.name, r.payload}
			delete(ambiguous, photo)
			joined.Found++
		}
	}
	joined.Records = len(records)
	notes := make(map[string]index.Payload, len(claims))
	for photo, c := range claims {
		if ambiguous[photo] {
			joined.Ambiguous++
			joined.Found--
			continue
		}
		if c.rank != exactly {
			joined.Loosely++
		}
		notes[photo] = c.payload
	}
	return notes
}

// merge adds what is said of a photo to what was said before: lists grow, and
// of other values the first counts.
func merge(to, from index.Payload) {
	for key, value := range from {
		old, there := to[key].([]string)
		more, isList := value.([]string)
		switch {
		case to[key] == nil:
			to[key] = value
		case there && isList:
			for _, text := range more {
				if key == index.KeyCaptions || !slices.Contains(old, text) {
					old = append(slices.Clip(old), text)
				}
			}
			to[key] = old
		}
	}
}

// companions finds companions of folders.
type companions struct {
	root  string
	names map[string][]string   // of the files in a folder, by its path; read once
	known map[string]*companion // by path; nil for what is none
	// sidecars are the paths of files that describe one photo.
	sidecars map[string]bool
}

// of returns the companions of a folder, the farthest first, and notes that they
// may speak of its photos. They lie in the folder or in one above it, in
// annotations/ there, or beside the root, as COCO's splits have it.
func (c *companions) of(d *folder) []*companion {
	var found []*companion
	names := strings.Split(d.name, "/") // of the folder, those above it and the root
	names = append(names, filepath.Base(filepath.Clean(c.root)))
	at := d.path("")
	for range strings.Count(d.name, "/") + 4 { // some levels above the root
		inside := filepath.Clean(at) == filepath.Clean(c.root) || strings.HasPrefix(at, strings.TrimSuffix(c.root, string(filepath.Separator))+string(filepath.Separator))
		places := []string{filepath.Join(at, "annotations")}
		if inside {
			places = append(places, at)
		}
		for _, dir := range places {
			for _, name := range c.list(dir) {
				if x := c.companion(filepath.Join(dir, name), names, inside); x != nil {
					found = append(found, x)
				}
			}
		}
		if !inside && levelsAbove(c.root, at) >= 2 || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	for _, x := range found {
		x.folders = append(x.folders, d)
	}
	return found
}

// levelsAbove counts how far a folder lies above another.
func levelsAbove(below, above string) int {
	rel, err := filepath.Rel(above, below)
	if err != nil || rel == "." {
		return 0
	}
	return strings.Count(filepath.ToSlash(rel), "/") + 1
}

// maxUnnamed is how many JSON files of a folder are looked into whose names do not
// say what they are.
const maxUnnamed = 64

// list returns the names of the files in a folder that may be companions.
func (c *companions) list(dir string) []string {
	if names, known := c.names[dir]; known {
		return names
	}
	entries, _ := os.ReadDir(dir) // one that cannot be read has none
	var names []string
	unnamed := 0
	for _, e := range entries {
		name := e.Name()
		isJSON := strings.EqualFold(path.Ext(name), ".json") && !strings.HasPrefix(name, ".") && !c.sidecars[filepath.Join(dir, name)]
		if kind, _ := splitOf(name); isJSON && kind == "" {
			unnamed++
		}
		if isTable(name) || isJSON {
			names = append(names, name)
		}
	}
	if unnamed > maxUnnamed {
		names = slices.DeleteFunc(names, func(name string) bool { kind, _ := splitOf(name); return kind == "" && !isTable(name) })
	}
	c.names[dir] = names
	return names
}

// splitOf parts the name of an annotation file as COCO has it, instances_val2017.json
// for instance. kind is "" for any other name.
func splitOf(name string) (kind, split string) {
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, kind := range []string{"captions", "instances", "person_keypoints", "panoptic", "stuff", "image_info"} {
		if split, is := strings.CutPrefix(stem, kind+"_"); is {
			return kind, split
		}
	}
	return "", ""
}

// companion returns the companion at a path if it may speak of a folder that is
// called so itself or lies in one, nil if not. CVAT calls a split "default" that has no name.
func (c *companions) companion(file string, folders []string, inside bool) *companion {
	name := filepath.Base(file)
	table := isTable(name)
	kind, split := splitOf(name)
	if !table && kind != "" && (kind != "captions" && kind != "instances" || !slices.Contains(folders, split) && split != "default") {
		return nil
	}
	if x, known := c.known[file]; known {
		return x
	}
	c.known[file] = nil
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || table && !inside || !table && kind == "" && !looksLikeCOCO(file) {
		return nil
	}
	x := &companion{path: file, name: below(c.root, file), dir: ".", table: table, size: info.Size(), changed: info.ModTime()}
	if rel, err := filepath.Rel(c.root, filepath.Dir(file)); err == nil && filepath.IsLocal(rel) {
		x.dir = filepath.ToSlash(rel)
	}
	c.known[file] = x
	return x
}

// looksLikeCOCO reports whether a JSON file has the keys of COCO's annotations
// near its beginning.
func looksLikeCOCO(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, _ := io.ReadFull(f, head)
	text := strings.ReplaceAll(string(head[:n]), "\x00", "") // of UTF-16
	first := text
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\xef\xbb\xbf"} { // byte order marks
		first = strings.TrimPrefix(first, mark)
	}
	first = strings.TrimLeft(first, " \t\r\n")
	if !strings.HasPrefix(first, "{") {
		return false
	}
	for _, key := range []string{`"images"`, `"annotations"`, `"categories"`} {
		if _, rest, found := strings.Cut(text, key); found && strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n:"), "[") {
			return true
		}
	}
	return false
}

// readCOCO returns what annotations of COCO say of each image.
func readCOCO(file string, joined *Joined) ([]record, error) {
	set, err := coco.Load(file)
	if err != nil {
		return nil, err
	}
	joined.odd, joined.odds = set.Odd, set.OddCount
	records := make([]record, 0, len(set.Images))
	for i := range set.Images {
		image := &set.Images[i]
		payload := index.Payload{}
		if len(image.Captions) > 0 {
			payload[index.KeyCaptions] = image.Captions
		}
		var categories []string
		for _, category := range image.Categories() {
			categories = append(categories, category.Name)
		}
		if len(categories) > 0 {
			payload[index.KeyCategories] = categories
		}
		records = append(records, record{image.FileName, payload})
	}
	return records, nil
}
