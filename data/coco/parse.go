package coco

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// parsed is the content of one file.
type parsed struct {
	images     []Image
	categories []Category
	captions   []caption
	instances  []instance
}

// caption is a caption that is not yet with its image.
type caption struct {
	id, imageID int64
	text        string
}

// instance is an instance that is not yet with its image and category.
type instance struct {
	Instance
	imageID, categoryID int64
}

// parse reads a file, whose parts may come in any order.
func parse(r io.Reader) (*parsed, error) {
	p := &parsed{}
	decoder := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	if err := expect(decoder, '{'); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, plain(err)
		}
		name, _ := key.(string) // keys are strings, or Token fails
		if seen[name] {
			return nil, fmt.Errorf("%q comes twice", name)
		}
		seen[name] = true
		switch name {
		case "images":
			err = elements(decoder, name, p.addImage)
		case "annotations":
			err = elements(decoder, name, p.addAnnotation)
		case "categories":
			err = elements(decoder, name, p.addCategory)
		default:
			err = skipValue(decoder)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, plain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("wanted nothing after the JSON object, at byte %d", decoder.InputOffset())
	}
	for _, name := range []string{"images", "annotations"} {
		if !seen[name] {
			return nil, fmt.Errorf("wanted COCO annotations, found no %q", name)
		}
	}
	slices.SortStableFunc(p.captions, func(a, b caption) int { return cmp.Compare(a.id, b.id) })
	return p, nil
}

// elements calls add for every element of the array that comes next.
func elements[T any](decoder *json.Decoder, name string, add func(T) error) error {
	if err := expect(decoder, '['); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i := 0; decoder.More(); i++ {
		var element T
		err := decoder.Decode(&element)
		if err == nil {
			err = add(element)
		}
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", name, i, plain(err))
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("%s: %w", name, plain(err))
	}
	return nil
}

// addImage takes one element of images.
func (p *parsed) addImage(said struct {
	ID       *int64  `json:"id"`
	FileName *string `json:"file_name"`
	Width    *int    `json:"width"`
	Height   *int    `json:"height"`
}) error {
	if said.ID == nil || said.FileName == nil || said.Width == nil || said.Height == nil {
		return errors.New("wanted id, file_name, width and height")
	}
	// The name is joined to a folder of the user's: it must stay within it.
	if !filepath.IsLocal(filepath.FromSlash(*said.FileName)) {
		return fmt.Errorf("image %d: file_name %q is not a path below the folder of images", *said.ID, *said.FileName)
	}
	if *said.Width < 1 || *said.Height < 1 {
		return fmt.Errorf("image %d has %d×%d pixels", *said.ID, *said.Width, *said.Height)
	}
	p.images = append(p.images, Image{ID: *said.ID, FileName: *said.FileName, Width: *said.Width, Height: *said.Height})
	return nil
}

// addCategory takes one element of categories.
func (p *parsed) addCategory(said struct {
	ID            *int64  `json:"id"`
	Name          *string `json:"name"`
	Supercategory string  `json:"supercategory"`
}) error {
	if said.ID == nil || said.Name == nil {
		return errors.New("wanted id and name")
	}
	p.categories = append(p.categories, Category{ID: *said.ID, Name: *said.Name, Supercategory: said.Supercategory})
	return nil
}

// annotation is an element of annotations: a caption or an instance. Its
// segmentation is not among the fields and therefore passed over.
type annotation struct {
	ID         *int64    `json:"id"`
	ImageID    *int64    `json:"image_id"`
	Caption    *string   `json:"caption"`
	CategoryID *int64    `json:"category_id"`
	Box        []float64 `json:"bbox"`
	Area       *float64  `json:"area"`
	Crowd      int       `json:"iscrowd"`
}

// addAnnotation takes one element of annotations.
func (p *parsed) addAnnotation(said annotation) error {
	if said.ID == nil || said.ImageID == nil {
		return errors.New("wanted id and image_id")
	}
	switch {
	case said.Caption != nil:
		p.captions = append(p.captions, caption{*said.ID, *said.ImageID, strings.TrimSpace(*said.Caption)})
		return nil
	case said.CategoryID == nil:
		return fmt.Errorf("annotation %d has neither a caption nor a category_id", *said.ID)
	case len(said.Box) != 4 || said.Area == nil:
		return fmt.Errorf("instance %d: wanted a bbox of 4 numbers and an area", *said.ID)
	case min(said.Box[2], said.Box[3], *said.Area) < 0:
		return fmt.Errorf("instance %d: bbox %v or area %g is negative", *said.ID, said.Box, *said.Area)
	case said.Crowd != 0 && said.Crowd != 1:
		return fmt.Errorf("instance %d: iscrowd is %d, wanted 0 or 1", *said.ID, said.Crowd)
	}
	p.instances = append(p.instances, instance{
		Instance: Instance{ID: *said.ID, Box: [4]float64(said.Box), Area: *said.Area, Crowd: said.Crowd == 1},
		imageID:  *said.ImageID, categoryID: *said.CategoryID,
	})
	return nil
}

// expect consumes the delimiter that must come next.
func expect(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return plain(err)
	}
	if token != want {
		return fmt.Errorf("wanted %q, found %v", want, token)
	}
	return nil
}

// skipValue passes over one value, however large, token by token.
func skipValue(decoder *json.Decoder) error {
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			return plain(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// plain words the errors of encoding/json as what was wanted and found.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends early")
	case errors.As(err, &wrongType):
		return fmt.Errorf("field %q: wanted %s, found %s", wrongType.Field, wrongType.Type, wrongType.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	return err
}
