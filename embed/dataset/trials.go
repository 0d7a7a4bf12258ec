package dataset

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"engram/data/pattern"
	"engram/data/table"
)

// NoImage stands for the image of a trial in which none was seen.
const NoImage = -1

// Seen says which image each trial saw.
type Seen struct {
	Images []int // for each trial the image, counted from 0, or NoImage
	Count  int   // of images

	source   string   // the table; "" where trial i saw image i
	names    []string // of the images, nil where they have none
	shuffled string   // what is odd about the order of the rows, "" where nothing is
	named    int      // rows that name their image
	numbers  int      // rows that give its number
}

// InOrder says that trial i saw image i, for all of the images, which may have names.
func InOrder(names []string, count int) *Seen {
	s := &Seen{Images: make([]int, count), Count: count, names: names}
	for i := range s.Images {
		s.Images[i] = i
	}
	return s
}

// ReadSeen reads which of count images each trial saw from a column of a table: names,
// where the images have some (see Names.Find), or numbers from 0. A cell that is
// empty or n/a stands for a trial in which no image was seen.
func ReadSeen(file, column string, names []string, count int) (*Seen, error) {
	t, err := table.Read(file)
	if err != nil {
		return nil, err
	}
	cells, err := seenColumn(t, column)
	if err != nil {
		return nil, err
	}
	s := &Seen{Count: count, source: file, names: names, shuffled: shuffled(t)}
	find := NewNames(names)
	var unknown []string
	several := false // images that one of unknown could mean
	for i, text := range cells.Values {
		image, named := find.Find(text)
		number, isNumber := wholeNumber(text)
		switch {
		case named:
			s.named++
		case table.Missing(text):
			image = NoImage
		case isNumber && number < count:
			image = number
			s.numbers++
		default:
			unknown = append(unknown, fmt.Sprintf("line %d: %q", cells.Lines[i], text))
			several = several || find.several(text)
		}
		s.Images = append(s.Images, image)
	}
	if len(unknown) > 0 {
		text := fmt.Sprintf("%s: %s is not one of the %d images, wanted 0…%d or a path in the folder of stimuli", file, unknown[0], count, count-1)
		if several {
			text += ", with its folder where several have one name"
		}
		if len(unknown) > 1 {
			text += fmt.Sprintf(" (so are %d more of %d rows, the last in %s)", len(unknown)-1, len(cells.Values), unknown[len(unknown)-1])
		}
		return nil, fmt.Errorf("%s", text)
	}
	return s, nil
}

// shuffled says that a column called trial has every number once and not in their
// order: rows belong to the trials by their position.
func shuffled(t *table.Table) string {
	cells, err := t.Column("trial")
	if err != nil {
		return "" // most tables have none
	}
	numbers := make([]int, len(cells.Values))
	for i, text := range cells.Values {
		number, ok := wholeNumber(text)
		if !ok {
			return ""
		}
		numbers[i] = number
	}
	if slices.IsSorted(numbers) {
		return ""
	}
	sorted := slices.Sorted(slices.Values(numbers))
	for i, number := range sorted {
		if number != sorted[0]+i {
			return "" // they begin again with each run, for instance
		}
	}
	return fmt.Sprintf("%s: column %s is not in ascending order; row i belongs to trial i of the scans, whatever it says", t.Path, cells.Name)
}

// wholeNumber reads a number from 0, which spreadsheets write as 3.0 too.
func wholeNumber(text string) (int, bool) {
	v, err := strconv.ParseFloat(text, 64)
	return int(v), err == nil && v >= 0 && v < math.MaxInt32 && v == math.Trunc(v)
}

// Column reads one column of a table with a header; see package table for the files.
func Column(file, column string) (table.Column, error) {
	t, err := table.Read(file)
	if err != nil {
		return table.Column{}, err
	}
	return seenColumn(t, column)
}

// columnOfBIDS names the images that trials saw in events of BIDS ("Task events" of
// the specification).
const columnOfBIDS = "stim_file"

// seenColumn returns the column of a table that says what trials saw. A table that
// has none of the usual name, image, may have BIDS's.
func seenColumn(t *table.Table, column string) (table.Column, error) {
	cells, err := t.Column(column)
	if err != nil && column == "image" {
		if events, errBIDS := t.Column(columnOfBIDS); errBIDS == nil {
			return events, nil
		}
	}
	return cells, err
}

// String says in one line what was matched, and how.
func (s *Seen) String() string {
	all := fmt.Sprintf("%d images", s.Count)
	if s.names != nil {
		all = fmt.Sprintf("%d images in %s, %s … %s", s.Count, s.order(), s.names[0], s.names[s.Count-1])
	}
	if s.source == "" {
		return all + "; trial i saw image i"
	}
	text := fmt.Sprintf("%s: %d of %d rows matched %d of %s", s.source, s.named+s.numbers, len(s.Images), s.seen(), all)
	switch {
	case s.named > 0 && s.numbers > 0:
		text += fmt.Sprintf(", %d by name and %d by number from 0", s.named, s.numbers)
	case s.named > 0:
		text += ", by name"
	case s.numbers > 0:
		text += ", by number from 0"
	}
	if none := len(s.Images) - s.named - s.numbers; none > 0 {
		text += fmt.Sprintf("; %d trials without an image (n/a) left out", none)
	}
	return text
}

// order names the order of the images.
func (s *Seen) order() string {
	if slices.IsSortedFunc(s.names, pattern.Compare) {
		return "natural order"
	}
	return "the order of the file"
}

// seen returns how many images were seen.
func (s *Seen) seen() int { return s.Count - len(s.unseen()) }

// unseen returns the images that no trial saw, in their order.
func (s *Seen) unseen() []int {
	seen := make([]bool, s.Count)
	for _, image := range s.Images {
		if image != NoImage {
			seen[image] = true
		}
	}
	var out []int
	for image := range seen {
		if !seen[image] {
			out = append(out, image)
		}
	}
	return out
}

// Warnings says what is odd about the match, one sentence each.
func (s *Seen) Warnings() []string {
	var out []string
	if s.shuffled != "" {
		out = append(out, s.shuffled)
	}
	natural, bytes := slices.SortedFunc(slices.Values(s.names), pattern.Compare), slices.Sorted(slices.Values(s.names))
	if (s.source == "" || s.numbers > 0) && !slices.Equal(natural, bytes) {
		other := "byte order would be " + excerpt(bytes)
		if s.order() != "natural order" {
			other = "natural order would be " + excerpt(natural)
		}
		out = append(out, fmt.Sprintf("the order of the images decides: %s is used (%s), %s", s.order(), excerpt(s.names), other))
	}
	if s.numbers > 0 && s.names != nil {
		if i := slices.IndexFunc(s.names, isNumber); i >= 0 && numberOf(s.names[i]) != i {
			out = append(out, fmt.Sprintf("%s: numbers count from 0 in %s, so that %d is %s; names leave no doubt", s.source, s.order(), i, s.names[i]))
		}
	}
	if unseen := s.unseen(); len(unseen) > 0 {
		var names []string
		for _, image := range unseen[:min(4, len(unseen))] {
			names = append(names, s.name(image))
		}
		out = append(out, fmt.Sprintf("%d of %d images were never seen: %s", len(unseen), s.Count, excerpt(names)))
	}
	return out
}

// name returns the name of an image, or its number.
func (s *Seen) name(image int) string {
	if s.names == nil {
		return strconv.Itoa(image)
	}
	return s.names[image]
}

// excerpt lists the first three of names.
func excerpt(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// stem returns the base name of an image without its ending.
func stem(name string) string { return strings.TrimSuffix(path.Base(name), path.Ext(name)) }

func isNumber(name string) bool { return numberOf(name) >= 0 }

// numberOf returns the number that an image is called by, -1 where it has a name.
func numberOf(name string) int {
	number, err := strconv.Atoi(stem(name))
	if err != nil || number < 0 {
		return -1
	}
	return number
}
