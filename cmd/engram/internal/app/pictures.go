package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/httpapi/pictures"
	"engram/index"
	"engram/index/source"
)

// roots are the folders that a payload's paths and tars are relative to, by the
// labels of the sources of an index.
type roots map[string]string

// imagesRoots returns where the images of an index are: where it remembers, or where
// the user says. Of several sources the user means the ones that are gone. The rows
// of tars and of tables have their folder in Source.
func (x *Index) imagesRoots(named string) roots {
	if named != "" && len(x.Origins) == 0 {
		return roots{"": named}
	}
	gone := slices.ContainsFunc(x.Origins, source.Origin.Gone)
	found := roots{}
	for _, o := range x.Origins {
		root := cmp.Or(o.Root, o.Source)
		switch {
		case named != "" && (len(x.Origins) == 1 || !gone || o.Gone()):
			root = named
		case o.Kind == source.Scenes:
			root = ""
		}
		if root != "" {
			found[o.Label] = root
		}
	}
	return found
}

// of returns the folder of an item's image, "" where nobody knows.
func (r roots) of(p index.Payload) string {
	label, _ := p[index.KeySource].(string)
	return r[label]
}

// String names the folders.
func (r roots) String() string {
	return strings.Join(slices.Sorted(maps.Values(r)), ", ")
}

// folders is the ImageSource of an index of several sources: each has a folder of
// its own.
type folders map[string]*pictures.Folder

// openFolders opens the folders that are there. The error tells of the others.
func openFolders(r roots) (folders, error) {
	opened, faults := folders{}, error(nil)
	for _, label := range slices.Sorted(maps.Keys(r)) {
		folder, err := pictures.Open(r[label])
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		opened[label] = folder
	}
	return opened, faults
}

// of returns the folder of an item's image, nil where it is not there.
func (f folders) of(p index.Payload) *pictures.Folder {
	label, _ := p[index.KeySource].(string)
	return f[label]
}

// Names implements pictures.Source.
func (f folders) Names(p index.Payload) bool {
	folder := f.of(p)
	return folder != nil && folder.Names(p)
}

// Open implements pictures.Source.
func (f folders) Open(ctx context.Context, item index.Item) (pictures.Image, error) {
	if folder := f.of(item.Payload); folder != nil {
		return folder.Open(ctx, item)
	}
	return pictures.Image{}, fmt.Errorf("item %d: the folder of its image is not there: %w", item.ID, fs.ErrNotExist)
}

// Close closes the folders.
func (f folders) Close() error {
	var faults error
	for _, folder := range f {
		faults = errors.Join(faults, folder.Close())
	}
	return faults
}

// sampledImages is how many items openImages looks for the images of.
const sampledImages = 20

// openImages opens the folders with the images of an index, and notes how many of
// a sample of items have theirs there. Only a folder that the user names has to be
// there: an index whose images are gone can be searched.
func (s *Service) openImages(ctx context.Context, x *Index, named string) (folders, error) {
	at := x.imagesRoots(named)
	if len(at) == 0 {
		return nil, nil
	}
	opened, err := openFolders(at)
	switch {
	case err != nil && named != "":
		return nil, errors.Join(err, opened.Close())
	case err != nil:
		s.note(slog.LevelWarn, "the images cannot be shown, --images-root says where they are now: %v", err)
	}
	if len(opened) == 0 {
		return nil, nil
	}
	sample, err := lookForImages(ctx, x.Store, opened)
	switch {
	case err != nil:
		return nil, errors.Join(err, opened.Close())
	case sample.looked == 0: // it has none
		return nil, opened.Close()
	case sample.found == 0 && named == "": // what the payloads name was elsewhere
		s.note(slog.LevelWarn, "no images are shown, --images-root says where they are: none of the first %d is at %s; %v", sample.looked, at, sample.missing)
		return nil, opened.Close()
	case sample.found < sample.looked:
		s.note(slog.LevelWarn, "images: %d of the first %d are at %s, --images-root says where they are now; %v", sample.found, sample.looked, at, sample.missing)
	default:
		s.note(slog.LevelInfo, "images: the first %d are at %s", sample.looked, at)
	}
	return opened, nil
}

// imageSample says how many items had their image where it was looked for.
type imageSample struct {
	looked, found int
	missing       error // of the first one that had not
}

// lookForImages looks for the images of the first items that name one.
func lookForImages(ctx context.Context, store index.Store, folder pictures.Source) (s imageSample, err error) {
	seen := 0
	for item, err := range store.All(ctx) {
		if err != nil {
			return s, err
		}
		if seen++; s.looked == sampledImages || seen > 50*sampledImages {
			break
		}
		if !folder.Names(item.Payload) {
			continue
		}
		s.looked++
		image, err := folder.Open(ctx, item)
		if err != nil {
			s.missing = cmp.Or(s.missing, err)
			continue
		}
		s.found++
		_ = image.Content.Close() // it was only looked for
	}
	return s, nil
}

// ImageOf returns what shows the image of an item to a person: the path of its
// file, absolute where root is known; or else where on the web it was. ok is false
// where the payload tells neither.
func ImageOf(root string, p index.Payload) (place string, ok bool) {
	for _, key := range []string{index.KeyPath, index.KeyImagePath} {
		if path, _ := p[key].(string); path != "" {
			path = filepath.FromSlash(path)
			if filepath.IsAbs(path) || strings.Contains(path, "://") {
				return path, true
			}
			return filepath.Join(root, path), true
		}
	}
	return webAddress(p)
}

// webAddress returns where on the web an image was.
func webAddress(p index.Payload) (url string, ok bool) {
	for _, key := range []string{index.KeyURL, "URL"} { // LAION-5B writes it in capitals
		if url, _ := p[key].(string); url != "" {
			return url, true
		}
	}
	return "", false
}

// Paths returns where the images of the hits are: the paths of files that exist, or
// else the addresses in payloads. gone is how many hits have neither. Where no hit
// has one, that is an error.
func (f *Found) Paths() (paths []string, gone int, err error) {
	opened, err := openFolders(f.roots)
	defer closeInto(&err, opened)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	var missing error
	for _, h := range f.Hits {
		place, err := locate(opened.of(h.Payload), f.roots.of(h.Payload), h.Payload)
		if err != nil {
			gone++
			missing = cmp.Or(missing, err)
			continue
		}
		paths = append(paths, place)
	}
	if len(paths) == 0 && gone > 0 {
		return nil, gone, fmt.Errorf("none of the %d images is there (--images-root says where they are now); the first: %w", gone, missing)
	}
	return paths, gone, nil
}

// ImageOf is the function ImageOf of a hit.
func (f *Found) ImageOf(p index.Payload) (place string, ok bool) { return ImageOf(f.roots.of(p), p) }

// locate returns the path of an image that exists, or else its address. root is
// the path of the folder, which may be gone.
func locate(folder *pictures.Folder, root string, p index.Payload) (string, error) {
	if folder != nil {
		if path, err := folder.Locate(p); err == nil {
			return path, nil
		}
	}
	place, named := ImageOf(root, p)
	if !named {
		return "", fmt.Errorf("it has no path, image_path or url: %w", fs.ErrNotExist)
	}
	if _, err := os.Stat(place); filepath.IsAbs(place) && err == nil {
		return place, nil
	}
	if url, found := webAddress(p); found {
		return url, nil
	}
	return "", fmt.Errorf("%s: %w", place, fs.ErrNotExist)
}
