package scenes

import (
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"engram/data/vfs"
)

// Folder says where and how WriteFolder writes.
type Folder struct {
	Dir  string // made where it isn't there
	Name string // of the split, such as "test": names the files of Dir
	Size int    // of the pictures, in pixels
	// Progress, where it is not nil, is called after each picture, from several
	// goroutines at once.
	Progress func()
}

// WriteFolder writes scenes as if they were photos of COCO, for tools that read
// those:
//
//	DIR/NAME/000000000001.png …          the pictures, numbered from 1
//	DIR/annotations/captions_NAME.json   three captions each
//	DIR/annotations/instances_NAME.json  the kinds and boxes of their things
//
// An instance's area is what is seen of it. The description of the files says
// that the pictures are generated. Each file is written atomically, the
// annotations last: where they are, the pictures are. Pictures that are there
// already are drawn again.
func WriteFolder(ctx context.Context, f Folder, list []Scene) error {
	if f.Name == "" || filepath.Base(f.Name) != f.Name {
		return fmt.Errorf("scenes: the name of a split must be one part of a path, found %q", f.Name)
	}
	if f.Size < 1 || f.Size > MaxSize {
		return fmt.Errorf("scenes: wanted pictures of 1 to %d pixels a side, found %d", MaxSize, f.Size)
	}
	annotations := filepath.Join(f.Dir, "annotations")
	for _, dir := range []string{filepath.Join(f.Dir, f.Name), annotations} {
		if err := vfs.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("scenes: %w", err)
		}
	}
	if err := f.writePictures(ctx, list); err != nil {
		return fmt.Errorf("scenes: %w", err)
	}
	captions, instances := f.annotate(list)
	for name, content := range map[string]*cocoFile{"captions_": captions, "instances_": instances} {
		err := vfs.WriteFile(filepath.Join(annotations, name+f.Name+".json"), func(w io.Writer) error {
			return json.NewEncoder(w).Encode(content)
		})
		if err != nil {
			return fmt.Errorf("scenes: %w", err)
		}
	}
	return nil
}

// writePictures draws and writes all pictures, several at a time.
func (f Folder) writePictures(ctx context.Context, list []Scene) error {
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	work, stopped := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range list {
		if stopped.Err() != nil {
			break
		}
		work.Go(func() error {
			err := vfs.WriteFile(filepath.Join(f.Dir, f.Name, fileName(i)), func(w io.Writer) error {
				return encoder.Encode(w, list[i].Draw(f.Size))
			})
			if err == nil && f.Progress != nil {
				f.Progress()
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// fileName returns the name of picture i, as COCO names its photos.
func fileName(i int) string { return fmt.Sprintf("%012d.png", i+1) }

// cocoFile is a file of annotations, see https://cocodataset.org/#format-data.
type cocoFile struct {
	Info        cocoInfo         `json:"info"`
	Images      []cocoImage      `json:"images"`
	Annotations []cocoAnnotation `json:"annotations"`
	Categories  []cocoCategory   `json:"categories,omitempty"`
}

type cocoInfo struct {
	Description string `json:"description"`
}

type cocoImage struct {
	ID       int    `json:"id"`
	FileName string `json:"file_name"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// cocoAnnotation is a caption or an instance.
type cocoAnnotation struct {
	ID         int       `json:"id"`
	ImageID    int       `json:"image_id"`
	Caption    string    `json:"caption,omitempty"`
	CategoryID int       `json:"category_id,omitempty"`
	Box        []float64 `json:"bbox,omitempty"`
	Area       *float64  `json:"area,omitempty"`
	Crowd      *int      `json:"iscrowd,omitempty"`
}

type cocoCategory struct {
	ID            int    `json:"id"`
	Name          string `json:"name"`
	Supercategory string `json:"supercategory"`
}

// annotate returns the captions and the instances of the scenes.
func (f Folder) annotate(list []Scene) (captions, instances *cocoFile) {
	info := cocoInfo{"Generated scenes, split " + f.Name + ". Drawn by a program, not photographs."}
	captions, instances = &cocoFile{Info: info}, &cocoFile{Info: info}
	for _, k := range Kinds() {
		instances.Categories = append(instances.Categories, cocoCategory{int(k) + 1, k.String(), k.Category().String()})
	}
	noCrowd, size := 0, float64(f.Size)
	for i := range list {
		s := &list[i]
		img := cocoImage{ID: i + 1, FileName: fileName(i), Width: f.Size, Height: f.Size}
		captions.Images, instances.Images = append(captions.Images, img), append(instances.Images, img)
		for _, text := range s.Captions() {
			captions.Annotations = append(captions.Annotations, cocoAnnotation{
				ID: len(captions.Annotations) + 1, ImageID: img.ID, Caption: text,
			})
		}
		visible := s.Visible()
		for j, t := range s.Things {
			area := visible[j] * size * size
			instances.Annotations = append(instances.Annotations, cocoAnnotation{
				ID: len(instances.Annotations) + 1, ImageID: img.ID, CategoryID: int(t.Kind) + 1,
				Box:  []float64{t.Box.Left * size, t.Box.Top * size, t.Box.Width * size, t.Box.Height * size},
				Area: &area, Crowd: &noCrowd,
			})
		}
	}
	return captions, instances
}
