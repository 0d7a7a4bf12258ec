package coco

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Image is one photo and what people said about it.
type Image struct {
	ID int64 // where the file has text for an id, a negative number of its own
	// FileName is as the file has it, such as 000000397133.jpg. It may be any text
	// with any path in front: whoever opens a file by it checks it first.
	FileName      string
	Width, Height int // pixels; both 0 where the file has no size or one that means nothing
	Captions      []string
	Instances     []Instance
}

// Instance is one thing in a photo, or a crowd of such things.
type Instance struct {
	ID       int64      // 0 where the file has none
	Category *Category  // one of Dataset.Categories
	Box      [4]float64 // left, top, width and height in pixels; zero where the file has no sound one
	Area     float64    // of the outline, in square pixels; 0 where the file has none
	Crowd    bool       // the outline covers a group
}

// Category is a kind of thing.
type Category struct {
	ID            int64
	Name          string // such as "zebra"
	Supercategory string // such as "animal"
}

// Categories returns the distinct categories of the image's instances, by id.
func (img *Image) Categories() []*Category {
	var out []*Category
	for _, instance := range img.Instances {
		out = append(out, instance.Category)
	}
	slices.SortFunc(out, func(a, b *Category) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(out)
}

// Dataset is the images of a split.
type Dataset struct {
	Images     []Image     // by id
	Categories []*Category // by id; none where only captions were loaded

	// Odd are the records that were passed over, the first MaxOdd of OddCount.
	Odd      []Odd
	OddCount int
}

// MaxOdd bounds the list of odd records.
const MaxOdd = 100

// Odd is a record of a file that could not be used.
type Odd struct {
	File   string `json:"file"`  // its name
	Place  string `json:"place"` // in it, such as "annotations[17]"
	Reason string `json:"reason"`
}

func (o Odd) String() string { return fmt.Sprintf("%s: %s: %s", o.File, o.Place, o.Reason) }

// oddities collects odd records.
type oddities struct {
	file  string
	list  []Odd
	count int
}

func (o *oddities) add(place string, err error) {
	if o.count++; len(o.list) < MaxOdd {
		o.list = append(o.list, Odd{File: o.file, Place: place, Reason: err.Error()})
	}
}

// Load reads one or more annotation files of one split, in any order, and
// merges them: captions from one, instances from another, say. Captions and
// instances are ordered by their annotation's id.
//
// A record that is odd, such as an annotation of an image that is not listed, is
// passed over and listed in Dataset.Odd; nothing around it is lost. Fields that
// are not needed may be missing or meaningless. The text may be UTF-16, and have
// what Python's json writes and JSON lacks, NaN for instance. A file that ends
// early gives what came before. The error is for a file without anything that can be
// used.
func Load(paths ...string) (*Dataset, error) {
	m := newMerger()
	for _, path := range paths {
		if err := m.addFile(path); err != nil {
			return nil, fmt.Errorf("coco: %s: %w", path, err)
		}
	}
	return m.dataset(), nil
}

// merger collects what the files say.
type merger struct {
	images     map[ident]*Image
	categories map[ident]*Category
	texts      int64 // ids that are texts
	odd        oddities
}

func newMerger() *merger {
	return &merger{images: map[ident]*Image{}, categories: map[ident]*Category{}}
}

// addFile reads a file as JSON, and where it is not, again as what is nearly
// JSON, so that sound files pay nothing for that.
func (m *merger) addFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return m.addStream(f, filepath.Base(path))
}

func (m *merger) addStream(r io.ReadSeeker, name string) error {
	m.odd.file = name
	p, err := parse(decoded(r))
	if err != nil && !errors.Is(err, errEarly) {
		if _, failed := r.Seek(0, io.SeekStart); failed != nil {
			return failed
		}
		p, err = parse(newCleaner(decoded(r)))
	}
	if err != nil {
		if len(p.images) == 0 {
			return err
		}
		p.odd.add("the end", fmt.Errorf("nothing after it was read: %w", err))
	}
	m.add(p)
	return nil
}

// add merges one parsed file.
func (m *merger) add(p *parsed) {
	m.odd.count += p.odd.count
	for _, o := range p.odd.list {
		if len(m.odd.list) < MaxOdd {
			o.File = m.odd.file
			m.odd.list = append(m.odd.list, o)
		}
	}
	own := m.addImages(p)
	slices.SortStableFunc(p.captions, func(a, b caption) int { return cmp.Compare(a.id, b.id) })
	for _, c := range p.categories {
		if known := m.categories[c.id]; known != nil && known.Name != c.Name {
			m.odd.add(place("categories", c.at), fmt.Errorf("category %s is %s, it was %s before", c.id, c.Name, known.Name))
		} else if known == nil {
			c.ID = m.idOf(c.id)
			m.categories[c.id] = &c.Category
		}
	}
	for _, c := range p.captions {
		if img := own[c.image]; img != nil {
			img.Captions = append(img.Captions, c.text)
		} else {
			m.odd.add(place("annotations", c.at), fmt.Errorf("image %s is not among the file's %d images", c.image, len(own)))
		}
	}
	for _, i := range p.instances {
		img := own[i.image]
		i.Category = m.categories[i.category]
		switch {
		case img == nil:
			m.odd.add(place("annotations", i.at), fmt.Errorf("image %s is not among the file's %d images", i.image, len(own)))
		case i.Category == nil:
			m.odd.add(place("annotations", i.at), fmt.Errorf("category %s is not among the %d categories", i.category, len(m.categories)))
		default:
			img.Instances = append(img.Instances, i.Instance)
		}
	}
}

// addImages merges the images of a file, and returns them by id.
func (m *merger) addImages(p *parsed) map[ident]*Image {
	own := make(map[ident]*Image, len(p.images))
	for i := range p.images {
		img := &p.images[i]
		known := m.images[img.id]
		switch {
		case known == nil:
			img.ID = m.idOf(img.id)
			known = &img.Image
			m.images[img.id] = known
		case known.FileName != img.FileName:
			m.odd.add(place("images", img.at), fmt.Errorf("image %s is %s, it was %s before", img.id, img.FileName, known.FileName))
			continue
		case own[img.id] != nil:
			m.odd.add(place("images", img.at), fmt.Errorf("image %s comes twice", img.id))
		case known.Width == 0:
			known.Width, known.Height = img.Width, img.Height
		case img.Width != 0 && (known.Width != img.Width || known.Height != img.Height):
			m.odd.add(place("images", img.at), fmt.Errorf("image %s has %d×%d pixels, another file says %d×%d",
				img.id, img.Width, img.Height, known.Width, known.Height))
		}
		own[img.id] = known
	}
	return own
}

// idOf returns the number of an id.
func (m *merger) idOf(id ident) int64 {
	if id.s == "" {
		return id.n
	}
	m.texts++
	return -m.texts
}

// dataset returns what was collected, ordered by id.
func (m *merger) dataset() *Dataset {
	d := &Dataset{Images: make([]Image, 0, len(m.images)), Odd: m.odd.list, OddCount: m.odd.count}
	for _, img := range m.images {
		slices.SortStableFunc(img.Instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
		d.Images = append(d.Images, *img)
	}
	slices.SortFunc(d.Images, func(a, b Image) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range m.categories {
		d.Categories = append(d.Categories, c)
	}
	slices.SortFunc(d.Categories, func(a, b *Category) int { return cmp.Compare(a.ID, b.ID) })
	return d
}
