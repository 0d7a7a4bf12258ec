package coco

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parsed is the content of one file.
type parsed struct {
	images     []image
	categories []category
	captions   []caption
	instances  []instance
	odd        oddities
}

// image is an image as a file lists it.
type image struct {
	Image
	id ident
	at int // in the list
}

// category is a category as a file lists it.
type category struct {
	Category
	id ident
	at int // in the list
}

// caption is a caption that is not yet with its image.
type caption struct {
	id    int64
	image ident
	text  string
	at    int
}

// instance is an instance that is not yet with its image and category.
type instance struct {
	Instance
	image, category ident
	at              int
}

// parse reads a file, whose parts may come in any order. It keeps what it can
// read. Beside an error, which says why it could not go on, p has what came before.
func parse(r io.Reader) (p *parsed, err error) {
	p = &parsed{}
	decoder := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	if err := expect(decoder, '{'); err != nil {
		return p, err
	}
	images := false
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return p, plain(err)
		}
		switch name, _ := key.(string); name { // keys are strings, or Token fails
		case "images":
			images = true
			err = elements(decoder, name, &p.odd, p.addImage)
		case "annotations":
			err = elements(decoder, name, &p.odd, p.addAnnotation)
		case "categories":
			err = elements(decoder, name, &p.odd, p.addCategory)
		default:
			err = skipValue(decoder)
		}
		if err != nil {
			return p, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return p, plain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		p.odd.add(fmt.Sprintf("byte %d", decoder.InputOffset()), errors.New("wanted nothing after the JSON object"))
	}
	if !images {
		return p, errors.New(`wanted COCO annotations, found no "images"`)
	}
	return p, nil
}

// elements calls add for every element of the array that comes next, or of an object
// that has them by their ids. There are none in null. An element that is odd is
// noted, and costs itself alone.
func elements[T any](decoder *json.Decoder, name string, odd *oddities, add func(int, *T) error) error {
	opening, err := decoder.Token()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, plain(err))
	case opening == nil:
		return nil
	case opening != json.Delim('[') && opening != json.Delim('{'):
		return fmt.Errorf("%s: wanted %q, found %v", name, json.Delim('['), opening)
	}
	for i := 0; decoder.More(); i++ {
		if opening == json.Delim('{') {
			if _, err := decoder.Token(); err != nil {
				return fmt.Errorf("%s: %w", place(name, i), plain(err))
			}
		}
		var element T
		err := decoder.Decode(&element)
		var wrongType *json.UnmarshalTypeError
		switch {
		case errors.As(err, &wrongType):
			err = fmt.Errorf("wanted an object, found %s", wrongType.Value)
		case err != nil:
			return fmt.Errorf("%s: %w", place(name, i), plain(err))
		default:
			err = add(i, &element)
		}
		if err != nil {
			odd.add(place(name, i), err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("%s: %w", name, plain(err))
	}
	return nil
}

// place names an element of a list.
func place(list string, at int) string { return fmt.Sprintf("%s[%d]", list, at) }

// imageRecord is an element of images.
type imageRecord struct {
	ID       ident  `json:"id"`
	FileName text   `json:"file_name"`
	Path     text   `json:"path"` // of COCO Annotator
	Name     text   `json:"filename"`
	URL      text   `json:"coco_url"`
	Width    number `json:"width"`
	Height   number `json:"height"`
}

// addImage takes one element of images. Its size may be missing or meaningless, and
// its name may stand in another field.
func (p *parsed) addImage(at int, said *imageRecord) error {
	said.FileName = cmp.Or(said.FileName, said.Name, said.Path, said.URL)
	switch {
	case !said.ID.set:
		return errors.New("wanted an id")
	case said.FileName == "":
		return fmt.Errorf("image %s: wanted a file_name", said.ID)
	}
	img := image{id: said.ID, at: at, Image: Image{ID: said.ID.n, FileName: string(said.FileName)}}
	if said.Width.value >= 1 && said.Height.value >= 1 && max(said.Width.value, said.Height.value) < 1<<31 {
		img.Width, img.Height = int(said.Width.value), int(said.Height.value)
	}
	p.images = append(p.images, img)
	return nil
}

// categoryRecord is an element of categories.
type categoryRecord struct {
	ID            ident `json:"id"`
	Name          text  `json:"name"`
	Supercategory text  `json:"supercategory"`
}

// addCategory takes one element of categories.
func (p *parsed) addCategory(at int, said *categoryRecord) error {
	switch {
	case !said.ID.set:
		return errors.New("wanted an id")
	case said.Name == "":
		return fmt.Errorf("category %s: wanted a name", said.ID)
	}
	p.categories = append(p.categories, category{
		id: said.ID, at: at,
		Category: Category{ID: said.ID.n, Name: string(said.Name), Supercategory: string(said.Supercategory)},
	})
	return nil
}

// annotation is an element of annotations: a caption or an instance. Its
// segmentation is not among the fields and therefore passed over.
type annotation struct {
	ID       ident  `json:"id"`
	Image    ident  `json:"image_id"`
	Caption  text   `json:"caption"`
	Category ident  `json:"category_id"`
	Box      box    `json:"bbox"`
	Area     number `json:"area"`
	Crowd    flag   `json:"iscrowd"`
}

// addAnnotation takes one element of annotations. An instance whose box or area is
// missing or meaningless is kept without it.
func (p *parsed) addAnnotation(at int, said *annotation) error {
	words := strings.TrimSpace(string(said.Caption))
	switch {
	case !said.Image.set:
		return errors.New("wanted an image_id")
	case words != "":
		p.captions = append(p.captions, caption{said.ID.n, said.Image, words, at})
		return nil
	case !said.Category.set:
		return errors.New("wanted a caption or a category_id")
	}
	found := instance{
		Instance: Instance{ID: said.ID.n, Crowd: bool(said.Crowd)},
		image:    said.Image, category: said.Category, at: at,
	}
	if said.Box.ok {
		found.Box = said.Box.of
	}
	if said.Area.value > 0 {
		found.Area = said.Area.value
	}
	p.instances = append(p.instances, found)
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
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errEarly
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	return err
}

// errEarly is a file that was cut short.
var errEarly = errors.New("the JSON ends early")
