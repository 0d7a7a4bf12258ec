package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"engram/httpapi"
	"engram/index"
	"engram/index/source"
)

// imagesRoot returns the folder that a payload's paths and tars are relative to:
// the one that the user names, else the one that the index remembers, "" where
// nobody knows. The rows of tars and of tables have it in Source.
func (x *Index) imagesRoot(named string) string {
	if named != "" || x.Origin.Kind == source.Scenes {
		return named
	}
	return cmp.Or(x.Origin.Root, x.Origin.Source)
}

// sampledImages is how many items openImages looks for the images of.
const sampledImages = 20

// openImages opens the folder with the images of an index, and notes how many of
// a sample of items have theirs there. Only a folder that the user names has to be
// there: an index whose images are gone can be searched.
func (s *Service) openImages(ctx context.Context, x *Index, named string) (*httpapi.Folder, error) {
	root := x.imagesRoot(named)
	if root == "" {
		return nil, nil
	}
	folder, err := httpapi.OpenFolder(root)
	switch {
	case err != nil && named != "":
		return nil, err
	case err != nil:
		s.note(slog.LevelWarn, "the images cannot be shown, --images-root says where they are now: %v", err)
		return nil, nil
	}
	sample, err := lookForImages(ctx, x.Store, folder)
	switch {
	case err != nil:
		return nil, errors.Join(err, folder.Close())
	case sample.looked == 0: // it has none
		return nil, folder.Close()
	case sample.found < sample.looked:
		s.note(slog.LevelWarn, "images: %d of the first %d are at %s, --images-root says where they are now; %v", sample.found, sample.looked, root, sample.missing)
	default:
		s.note(slog.LevelInfo, "images: the first %d are at %s", sample.looked, root)
	}
	return folder, nil
}

// imageSample says how many items had their image where it was looked for.
type imageSample struct {
	looked, found int
	missing       error // of the first one that had not
}

// lookForImages looks for the images of the first items that name one.
func lookForImages(ctx context.Context, store index.Store, folder *httpapi.Folder) (s imageSample, err error) {
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
	folder, err := openFolder(f.Root)
	if err != nil {
		return nil, 0, err
	}
	if folder != nil {
		defer folder.Close()
	}
	var missing error
	for _, h := range f.Hits {
		place, err := locate(folder, h.Payload)
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

// openFolder opens a folder of images, nil where root is none any more.
func openFolder(root string) (*httpapi.Folder, error) {
	if root == "" {
		return nil, nil
	}
	folder, err := httpapi.OpenFolder(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return folder, err
}

// locate returns the path of an image that exists, or else its address.
func locate(folder *httpapi.Folder, p index.Payload) (string, error) {
	err := fs.ErrNotExist
	if folder != nil {
		var path string
		if path, err = folder.Locate(p); err == nil {
			return path, nil
		}
	}
	place, named := ImageOf("", p)
	if !named {
		return "", fmt.Errorf("it has no path, image_path or url: %w", fs.ErrNotExist)
	}
	if filepath.IsAbs(place) {
		if _, gone := os.Stat(place); gone == nil {
			return place, nil
		}
	}
	if url, found := webAddress(p); found {
		return url, nil
	}
	return "", fmt.Errorf("%s: %w", place, err)
}
