package coco

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
)

// Image is one photo and what people said about it.
type Image struct {
	ID        int64
	FileName  string // relative to the folder of the split, such as 000000397133.jpg
	Width     int    // pixels
	Height    int    // pixels
	Captions  []string
	Instances []Instance
}

// Instance is one thing in a photo, or a crowd of such things.
type Instance struct {
	ID       int64
	Category *Category  // one of Dataset.Categories
	Box      [4]float64 // left, top, width and height in pixels
	Area     float64    // of the outline, in square pixels
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
}

// Load reads one or more annotation files of one split, in any order, and
// merges them: captions from one, instances from another, say. Captions and
// instances are ordered by their annotation's id. Every annotation must belong
// to an image of its own file, and files must agree on the images and
// categories that they share.
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
	images     map[int64]*Image
	categories map[int64]*Category
}

func newMerger() *merger {
	return &merger{images: map[int64]*Image{}, categories: map[int64]*Category{}}
}

func (m *merger) addFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return m.addStream(f)
}

func (m *merger) addStream(r io.Reader) error {
	p, err := parse(r)
	if err != nil {
		return err
	}
	return m.add(p)
}

// add merges one parsed file.
func (m *merger) add(p *parsed) error {
	own := make(map[int64]*Image, len(p.images))
	for _, img := range p.images {
		if own[img.ID] != nil {
			return fmt.Errorf("image %d comes twice", img.ID)
		}
		known := m.images[img.ID]
		if known == nil {
			known = &img
			m.images[img.ID] = known
		}
		if known.FileName != img.FileName || known.Width != img.Width || known.Height != img.Height {
			return fmt.Errorf("image %d is %s of %d×%d pixels, another file says %s of %d×%d", img.ID,
				img.FileName, img.Width, img.Height, known.FileName, known.Width, known.Height)
		}
		own[img.ID] = known
	}
	for _, c := range p.categories {
		if known := m.categories[c.ID]; known != nil && *known != c {
			return fmt.Errorf("category %d is %s (%s), it was %s (%s) before", c.ID,
				c.Name, c.Supercategory, known.Name, known.Supercategory)
		} else if known == nil {
			m.categories[c.ID] = &c
		}
	}
	for _, c := range p.captions {
		img := own[c.imageID]
		if img == nil {
			return fmt.Errorf("caption %d: image %d is not among the file's %d images", c.id, c.imageID, len(own))
		}
		img.Captions = append(img.Captions, c.text)
	}
	for _, i := range p.instances {
		img := own[i.imageID]
		if img == nil {
			return fmt.Errorf("instance %d: image %d is not among the file's %d images", i.ID, i.imageID, len(own))
		}
		if i.Category = m.categories[i.categoryID]; i.Category == nil {
			return fmt.Errorf("instance %d: category %d is not among the %d categories", i.ID, i.categoryID, len(m.categories))
		}
		img.Instances = append(img.Instances, i.Instance)
	}
	return nil
}

// dataset returns what was collected, ordered by id.
func (m *merger) dataset() *Dataset {
	d := &Dataset{Images: make([]Image, 0, len(m.images))}
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
