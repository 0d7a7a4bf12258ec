package scanner

import (
	"engram/data/coco"
	"engram/data/scenes"
)

// OfScene returns a scene drawn at size×size pixels, with what its scene graph
// says. Colours, patterns, poses and details are left to the pixels. It panics
// where size is not from 1 to scenes.MaxSize.
func OfScene(scene *scenes.Scene, size int) *Stimulus {
	s := &Stimulus{W: size, H: size, Pix: make([]byte, 3*size*size)}
	scene.DrawRGB(s.Pix, size)
	inOrOut := "outdoors"
	if scene.Background.Indoors() {
		inOrOut = "indoors"
	}
	s.Content.Setting = []string{scene.Background.String(), inOrOut, scene.Light.String(), scene.Weather.String()}
	for _, t := range scene.Things {
		x, y := t.Box.Centre()
		s.Content.Things = append(s.Content.Things, Thing{
			Kind: t.Kind.String(), Category: t.Kind.Category().String(), Animate: t.Kind.Animate(),
			X: x, Y: y, Width: t.Box.Width, Height: t.Box.Height,
		})
	}
	return s
}

// OfPhoto returns what COCO's annotators found in a photograph: its instances
// with their boxes, a crowd being one thing. Nobody noted where it was taken, so
// that there is no setting.
func OfPhoto(photo *coco.Image) Content {
	var c Content
	if photo.Width < 1 || photo.Height < 1 {
		return c
	}
	w, h := float64(photo.Width), float64(photo.Height)
	for _, instance := range photo.Instances {
		box, category := instance.Box, instance.Category
		c.Things = append(c.Things, Thing{
			Kind: category.Name, Category: category.Supercategory,
			Animate: category.Supercategory == "animal" || category.Supercategory == "person",
			X:       (box[0] + box[2]/2) / w, Y: (box[1] + box[3]/2) / h, Width: box[2] / w, Height: box[3] / h,
		})
	}
	return c
}
