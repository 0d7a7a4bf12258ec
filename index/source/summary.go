package source

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"engram/data/coco"
	"engram/data/images"
)

// Summary says what a source was taken for, what was joined in it, and what was
// left out. Lists end after 1,000 entries. What is known of shards is from the
// ones that were read: a shard that has not changed says nothing again.
type Summary struct {
	Place string `json:"place,omitempty"` // as it was named
	Label string `json:"label,omitempty"` // in the index, where it is not the first source
	Note  string `json:"note,omitempty"`  // how it came into the index, where that is worth a line
	Kind  Kind   `json:"kind"`
	Taken string `json:"taken,omitempty"` // why it was taken for Kind, where it has something of another, too

	Photos    int        `json:"photos,omitempty"`    // image files of a folder
	LeftOut   []LeftOut  `json:"left_out,omitempty"`  // files that are no rows, by their endings
	Masks     []Masks    `json:"masks,omitempty"`     // folders of masks and annotation pictures that are no rows
	Joined    []Joined   `json:"joined,omitempty"`    // files of annotations and metadata
	Sidecars  []Sidecars `json:"sidecars,omitempty"`  // files that lie beside a photo and describe it
	Described int        `json:"described,omitempty"` // photos that have one
	Columns   []Column   `json:"columns_left_out,omitempty"`

	Notices  []string `json:"notices,omitempty"`
	Odd      []Odd    `json:"odd,omitempty"` // records that were passed over
	OddCount int      `json:"odd_count,omitempty"`
}

// LeftOut are files of one ending that are no rows.
type LeftOut struct {
	Ending string      `json:"ending"` // as the first of them is written, with its dot; "none"
	Files  int         `json:"files"`
	Kind   images.Kind `json:"kind,omitempty"`   // where they are images that cannot be decoded
	Advice string      `json:"advice,omitempty"` // what to do with these
}

// Masks is a folder of masks and annotation pictures.
type Masks struct {
	Folder string `json:"folder"`
	Files  int    `json:"files"`
}

// Joined is a file whose records speak of photos by name.
type Joined struct {
	File    string `json:"file"`
	Records int    `json:"records"` // images that it speaks of
	Found   int    `json:"found"`   // of these, the ones whose photo is there
	// Loosely: found ones whose name was not written as the photo's path is: base
	// name alone, another folder in front, another case or spelling.
	Loosely   int `json:"loosely,omitempty"`
	Ambiguous int `json:"ambiguous,omitempty"` // records that could mean several photos, which is not guessed

	Error string `json:"error,omitempty"` // why nothing of the file could be used

	odd  []Odd
	odds int
}

// Sidecars are the files of one ending beside photos.
type Sidecars struct {
	Ending string `json:"ending"`
	Files  int    `json:"files"`
}

// Column is a column of a table, or a part of samples, that has no counterpart in a
// payload.
type Column struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Rows   int    `json:"rows,omitempty"` // that have it; 0 where nobody counts
}

// Odd is a record that was passed over.
type Odd = coco.Odd

// Lines returns what a user is told of the source at the end, a line per fact.
func (s *Summary) Lines() []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if s.Note != "" {
		add("source: %s", s.Note)
	}
	if s.Taken != "" {
		add("source: %s", s.Taken)
	}
	if len(s.LeftOut) > 0 {
		add("left out: %s", leftOutText(s.LeftOut))
	}
	if len(s.Masks) > 0 {
		n := 0
		var names []string
		for _, m := range s.Masks {
			n += m.Files
			names = append(names, fmt.Sprintf("%s %d", m.Folder, m.Files))
		}
		add("left out: %s (%s); --masks takes them, too", plural(n, "mask or annotation picture", "masks and annotation pictures"), several(names))
	}
	for _, line := range joinedLines(s.Joined) {
		add("%s", line)
	}
	if len(s.Sidecars) > 0 {
		var parts []string
		for _, c := range s.Sidecars {
			parts = append(parts, fmt.Sprintf("%s %d", c.Ending, c.Files))
		}
		add("sidecars: %d of %s described (%s)", s.Described, plural(s.Photos, "photo", "photos"), strings.Join(parts, ", "))
	}
	if len(s.Columns) > 0 {
		var names []string
		for _, c := range s.Columns {
			names = append(names, fmt.Sprintf("%s (%s)", c.Name, c.Reason))
		}
		add("columns left out: %s", several(names))
	}
	return lines
}

// leftOutText lists files that were left out.
func leftOutText(list []LeftOut) string {
	n := 0
	var endings, advice []string
	for _, l := range list {
		n += l.Files
		endings = append(endings, fmt.Sprintf("%s %d", l.Ending, l.Files))
		if l.Advice != "" {
			advice = append(advice, fmt.Sprintf("%s: %s", l.Kind, l.Advice))
		}
	}
	slices.Sort(advice)
	text := fmt.Sprintf("%s (%s)", plural(n, "file", "files"), several(endings))
	if advice = slices.Compact(advice); len(advice) > 0 {
		text += "; " + strings.Join(advice, "; ")
	}
	return text
}

// joinedLines are one line of all files that can be used, and one of each other.
func joinedLines(list []Joined) (lines []string) {
	var all Joined
	var counts []string
	for _, j := range list {
		if j.Error != "" {
			lines = append(lines, fmt.Sprintf("annotations: %s is of no use: %s", j.File, j.Error))
			continue
		}
		counts = append(counts, fmt.Sprintf("%s %d of %d", path.Base(j.File), j.Found, j.Records))
		all.Records += j.Records
		all.Found += j.Found
		all.Loosely += j.Loosely
		all.Ambiguous += j.Ambiguous
	}
	if len(counts) == 0 {
		return lines
	}
	const most = 4
	if len(counts) > most {
		counts = []string{fmt.Sprintf("%d files, %d of %d", len(counts), all.Found, all.Records)}
	}
	text := fmt.Sprintf("annotations: %s images found their photo", strings.Join(counts, ", "))
	if all.Found == 0 && all.Records > 0 {
		text = fmt.Sprintf("annotations: NONE of their images is here: %s found their photo", strings.Join(counts, ", "))
	}
	if all.Loosely > 0 {
		text += fmt.Sprintf(", %d by another spelling of its name", all.Loosely)
	}
	if all.Ambiguous > 0 {
		text += fmt.Sprintf(", %d could mean several and were left out", all.Ambiguous)
	}
	return append(lines, text)
}

// OddLines returns the odd records and notices, a line each.
func (s *Summary) OddLines() []string {
	var lines []string
	for _, text := range s.Notices {
		lines = append(lines, "note    "+text)
	}
	const most = 20
	for i, o := range s.Odd {
		if i == most {
			break
		}
		lines = append(lines, "odd     "+o.String())
	}
	if more := s.OddCount - most; more > 0 {
		lines = append(lines, fmt.Sprintf("odd     %d more records (--json lists them)", more))
	}
	return lines
}

// several lists names, the first twelve of many.
func several(names []string) string {
	const most = 12
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// plural returns a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// endings counts files by their endings.
type endings map[string]*LeftOut

// add counts a file.
func (e endings) add(name string, kind images.Kind) {
	ending := path.Ext(name)
	if len(ending) < 2 || len(ending) > 12 || strings.ContainsAny(ending, " ?&=%") {
		ending = "none"
	}
	key := strings.ToLower(ending)
	if e[key] == nil {
		e[key] = &LeftOut{Ending: ending}
	}
	e[key].Files++
	if advice := kind.Advice(); advice != "" {
		e[key].Kind, e[key].Advice = kind, advice
	}
}

// list returns the counts, most files first.
func (e endings) list() []LeftOut {
	var list []LeftOut
	for _, key := range sortedKeys(e) {
		list = append(list, *e[key])
	}
	slices.SortStableFunc(list, func(a, b LeftOut) int { return cmp.Compare(b.Files, a.Files) })
	return list
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
