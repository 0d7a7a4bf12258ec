package source

import (
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// masks finds pictures that annotate photos and are none: masks of segments,
// panoptic maps, depths. Data sets keep them in folders beside the photos'.
type masks struct {
	folders map[string]*folder
	stems   map[string]int // of photos in folders that are not called as masks' are
}

func newMasks(folders map[string]*folder) *masks {
	m := &masks{folders: folders, stems: map[string]int{}}
	for name, d := range folders {
		if !isMaskName(name) {
			for _, file := range d.files {
				m.stems[stemOf(file)]++
			}
		}
	}
	return m
}

func stemOf(file string) string { return strings.TrimSuffix(file, path.Ext(file)) }

// isMaskName reports whether a folder, or one above it, is called as data sets call
// folders of masks: COCO, COCO-Stuff, Pascal VOC, ADE20K, Cityscapes, Oxford pets.
func isMaskName(name string) bool {
	for element := range strings.SplitSeq(strings.ToLower(name), "/") {
		if slices.Contains([]string{
			"instances", "stuffthingmaps", "masks", "mask", "segmentationclass", "segmentationobject", "segmentationclassraw",
			"segmentationclassaug", "segmentation", "segmentations", "seg", "gt", "gtfine", "gtcoarse", "groundtruth", "ground_truth",
			"trimaps", "annotations", "labels", "label", "semantic", "panoptic", "depth", "visualization",
		}, element) {
			return true
		}
		for _, part := range []string{"panoptic_", "stuff_", "seg_", "mask_", "masks_", "semantic_"} {
			if strings.HasPrefix(element, part) {
				return true
			}
		}
		for _, part := range []string{"_mask", "_masks", "_seg", "_segm", "_pixelmaps", "_gt", "_labels"} {
			if strings.HasSuffix(element, part) {
				return true
			}
		}
	}
	return false
}

// maskSuffixes stand behind the name of the photo.
func maskSuffixes() []string {
	return []string{"_mask", "_masks", "_seg", "_segmentation", "_labelids", "_label", "_labels", "_gt", "_trimap", "-mask", "_mask1"}
}

// photoOf returns the name of the photo that a mask would be of, without ending.
func photoOf(file string) string {
	stem := stemOf(file)
	for _, suffix := range maskSuffixes() {
		if len(stem) > len(suffix) && strings.EqualFold(stem[len(stem)-len(suffix):], suffix) {
			return stem[:len(stem)-len(suffix)]
		}
	}
	return stem
}

// isFolder reports whether a folder has masks alone. In one that is called so, half
// of the names are photos' in other folders, or half of the pictures have one
// channel and there are photos elsewhere. In another one, nearly all names are, and all pictures have a palette or
// 16 bits.
func (m *masks) isFolder(d *folder) bool {
	known, matched, png := isMaskName(d.name), 0, 0
	if d.name == "." {
		return false
	}
	for _, file := range d.files {
		need := 1
		if !known {
			need = 2 // it counts itself
		}
		if photo := photoOf(file); m.stems[photo] >= need || !known && photo != stemOf(file) && m.stems[photo] > 0 {
			matched++
		}
		if strings.EqualFold(path.Ext(file), ".png") {
			png++
		}
	}
	if !known {
		return png == len(d.files) && matched*10 >= 9*len(d.files) && d.share(func(depth, colour byte) bool {
			return colour == 3 || colour == 0 && depth == 16
		}) == 1
	}
	single := func(_, colour byte) bool { return colour == 3 || colour == 0 }
	return matched*2 >= len(d.files) || len(m.stems) > 0 && png*2 >= len(d.files) && d.share(single) >= .5
}

// inFolder returns the files of a folder that are masks of others in it, such as
// a_mask.png beside a.jpg.
func (m *masks) inFolder(d *folder) []string {
	var found []string
	stems := map[string]bool{}
	for _, file := range d.files {
		stems[stemOf(file)] = true
	}
	for _, file := range d.files {
		if photo := photoOf(file); photo == stemOf(file) || !stems[photo] {
			continue
		}
		if depth, colour, ok := pngHeader(d.path(file)); ok && (colour == 3 || colour == 0 || depth == 1) {
			found = append(found, file)
		}
	}
	return found
}

// maskSample is how many pictures of a folder are looked into.
const maskSample = 16

// share returns which part of some pictures of the folder suit, 0 to 1.
func (d *folder) share(suits func(depth, colour byte) bool) float64 {
	looked, found := 0, 0
	for i := 0; i < len(d.files); i += 1 + len(d.files)/maskSample {
		looked++
		if depth, colour, ok := pngHeader(d.path(d.files[i])); ok && suits(depth, colour) {
			found++
		}
	}
	return float64(found) / float64(max(1, looked))
}

// pngHeader returns bits per channel and the type of colour of a PNG (ISO/IEC 15948,
// section 11.2.2): 0 is grey, 3 a palette.
func pngHeader(file string) (depth, colour byte, ok bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	var head [26]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:8]) != "\x89PNG\r\n\x1a\n" {
		return 0, 0, false
	}
	return head[24], head[25], true
}
