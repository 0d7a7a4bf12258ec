package pixels

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"slices"
)

// Tags of TIFF 6.0 that describe the pixels.
const (
	tagWidth       = 256
	tagHeight      = 257
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagFillOrder   = 266
	tagOffsets     = 273
	tagSamples     = 277
	tagRowsInStrip = 278
	tagCounts      = 279
	tagPlanar      = 284
	tagFaxOptions  = 292
	tagPredictor   = 317
	tagColorMap    = 320
	tagTileWidth   = 322
	tagTileHeight  = 323
	tagTileOffsets = 324
	tagTileCounts  = 325
	tagExtra       = 338
	tagFormat      = 339
	tagJPEGTables  = 347
)

// Compressions of TIFF.
const (
	tiffPlain      = 1
	tiffGroup3     = 3
	tiffGroup4     = 4
	tiffLZW        = 5
	tiffJPEG       = 7
	tiffDeflate    = 8
	tiffOldDeflate = 32946
	tiffPackBits   = 32773
)

// How the samples of a pixel become a colour (PhotometricInterpretation).
const (
	whiteIsZero = 0
	blackIsZero = 1
	tiffRGB     = 2
	tiffIndexed = 3
	tiffCMYK    = 5
	tiffYCbCr   = 6
)

// tiffPage is the first page of a TIFF file. Files need not be in the order that
// the specification asks for; the samples of a pixel may lie side by side or in
// planes.
type tiffPage struct {
	tiffFile
	tags          map[uint16]tiffEntry
	w, h          int
	bits, samples int
	compression   int
	photometric   int
	planar        bool
	tile          image.Point // a strip is a tile as wide as the page
	tiled         bool
	offsets       []int64
	counts        []int64
	alpha         int // sample that has the opacity, or -1
	associated    bool
	colours       []int64       // of an indexed page: all reds, greens, blues, of 16 bits
	rgb           *Image        // the result
	inflater      io.ReadCloser // one for all parts, as it is large
	have          int           // pixels that were there
}

// readTIFF reads the directory of the first page.
func readTIFF(data []byte) (*picture, error) {
	if len(data) > 3 && (data[2] == '+' || data[3] == '+') {
		return nil, fmt.Errorf("BigTIFF: %w", ErrFormat)
	}
	t, ok := openTIFF(data)
	if !ok {
		return nil, fmt.Errorf("file ends within the header: %w", ErrCorrupt)
	}
	p := &tiffPage{tiffFile: t, tags: t.directory(t.first)}
	if p.cut() {
		return nil, fmt.Errorf("file ends within the directory: %w", ErrCorrupt)
	}
	w, h := p.number(p.tags[tagWidth]), p.number(p.tags[tagHeight])
	if w < 1 || h < 1 || w > 1<<31-1 || h > 1<<31-1 {
		return nil, fmt.Errorf("header says %d×%d pixels: %w", w, h, ErrCorrupt)
	}
	p.w, p.h = int(w), int(h)
	if err := p.layout(); err != nil {
		return nil, err
	}
	pic := &picture{w: p.w, h: p.h}
	pic.meta.addTIFF(data)
	// A byte of deflate becomes at most 1032 of eight pixels each; fax codes a row in
	// at least one bit.
	pic.least = min(w*h/(8*1032), h/8)
	pic.memory = func(int) int64 {
		tile := min(w, int64(p.tile.X)) * min(h, int64(p.tile.Y)) * int64(p.samples*p.bits) / 8
		return imageBytes(p.w, p.h, 1) + 2*tile
	}
	pic.decode = p.decode
	return pic, nil
}

// cut reports whether the file ends before its directory, or before a value that
// says how the pixels lie.
func (p *tiffPage) cut() bool {
	const size = 12
	if p.first < 0 || p.first+2 > len(p.data) || p.first+2+size*int(p.order.Uint16(p.data[p.first:])) > len(p.data) {
		return true
	}
	for _, tag := range []uint16{tagBits, tagOffsets, tagCounts, tagTileOffsets, tagTileCounts, tagColorMap, tagJPEGTables} {
		if e := p.tags[tag]; e.count > 0 && p.bytes(e) == nil {
			return true
		}
	}
	return false
}

// orDefault returns the first value of a tag, or what the specification says where
// there is none.
func (p *tiffPage) orDefault(tag uint16, missing int64) int {
	if v := p.numbers(p.tags[tag]); len(v) > 0 {
		return int(v[0])
	}
	return int(missing)
}

// layout reads how the pixels lie, and refuses what this package does not know.
func (p *tiffPage) layout() error {
	p.samples, p.compression = p.orDefault(tagSamples, 1), p.orDefault(tagCompression, tiffPlain)
	p.planar = p.orDefault(tagPlanar, 1) == 2 && p.samples > 1
	p.bits = p.orDefault(tagBits, 1)
	p.photometric = p.orDefault(tagPhotometric, -1)
	bits := p.numbers(p.tags[tagBits])
	differ := slices.ContainsFunc(bits, func(b int64) bool { return b != int64(p.bits) })
	want, known := map[int]int{whiteIsZero: 1, blackIsZero: 1, tiffRGB: 3, tiffIndexed: 1, tiffCMYK: 4, tiffYCbCr: 3}[p.photometric]
	isFax := p.compression == tiffGroup3 || p.compression == tiffGroup4
	switch {
	case p.orDefault(tagFormat, 1) != 1:
		return fmt.Errorf("samples that are not whole numbers: %w", ErrFormat)
	case differ || !slices.Contains([]int{1, 2, 4, 8, 16}, p.bits):
		return fmt.Errorf("samples of %d bits: %w", bits, ErrFormat)
	case !known || p.samples < want || p.samples > 16:
		return fmt.Errorf("%d samples in photometric interpretation %d: %w", p.samples, p.photometric, ErrFormat)
	case p.photometric == tiffYCbCr && p.compression != tiffJPEG, p.compression == tiffJPEG && (p.bits != 8 || p.photometric == tiffCMYK):
		return fmt.Errorf("photometric interpretation %d in compression %d: %w", p.photometric, p.compression, ErrFormat)
	case isFax && (p.bits != 1 || p.samples != 1 || p.orDefault(tagFaxOptions, 0)&1 != 0 && p.compression == tiffGroup3):
		return fmt.Errorf("fax of two dimensions or of more than one bit: %w", ErrFormat)
	case p.orDefault(tagPredictor, 1) > 2:
		return fmt.Errorf("predictor %d: %w", p.orDefault(tagPredictor, 1), ErrFormat)
	case !isFax && !slices.Contains([]int{tiffPlain, tiffLZW, tiffJPEG, tiffDeflate, tiffOldDeflate, tiffPackBits}, p.compression):
		return fmt.Errorf("compression %d: %w", p.compression, ErrFormat)
	}
	p.alpha = -1
	if extra := p.orDefault(tagExtra, 0); p.samples > want && (extra == 1 || extra == 2) {
		p.alpha, p.associated = want, extra == 1
	}
	if p.photometric == tiffIndexed {
		if p.colours = p.numbers(p.tags[tagColorMap]); len(p.colours) < 3<<p.bits || p.bits > 8 {
			return fmt.Errorf("palette of %d numbers, wanted %d: %w", len(p.colours), 3<<p.bits, ErrCorrupt)
		}
	}
	return p.places()
}

// places reads where strips or tiles lie in the file.
func (p *tiffPage) places() error {
	p.tile = image.Pt(p.w, min(p.orDefault(tagRowsInStrip, int64(p.h)), p.h))
	offsets, counts := uint16(tagOffsets), uint16(tagCounts)
	if _, p.tiled = p.tags[tagTileWidth]; p.tiled {
		p.tile = image.Pt(p.orDefault(tagTileWidth, 0), p.orDefault(tagTileHeight, 0))
		offsets, counts = tagTileOffsets, tagTileCounts
		if p.tags[tagTileOffsets].value == nil {
			offsets, counts = tagOffsets, tagCounts
		}
	}
	if p.tile.Y == 0 && !p.tiled {
		p.tile.Y = p.h
	}
	const least, most = 8, 1 << 16 // the specification asks for multiples of 16
	if p.tiled && (p.tile.X < least || p.tile.Y < least) || p.tile.X < 1 || p.tile.Y < 1 || p.tile.X > max(most, p.w) || p.tile.Y > max(most, p.h) || int64(p.tile.X)*int64(p.tile.Y) > max(1<<24, 4*int64(p.w)*int64(p.h)) {
		return fmt.Errorf("tiles of %d×%d pixels: %w", p.tile.X, p.tile.Y, ErrCorrupt)
	}
	p.offsets, p.counts = p.numbers(p.tags[offsets]), p.numbers(p.tags[counts])
	if len(p.offsets) == 0 {
		return fmt.Errorf("no strips: %w", ErrCorrupt)
	}
	return nil
}

// part returns the bytes of a strip or tile, as far as they are in the file. Some
// writers say no size, or 0, for a single strip.
func (p *tiffPage) part(i int) []byte {
	if i >= len(p.offsets) || p.offsets[i] < 0 || p.offsets[i] >= int64(len(p.data)) {
		return nil
	}
	rest := p.data[p.offsets[i]:]
	if i < len(p.counts) && p.counts[i] > 0 {
		rest = rest[:min(p.counts[i], int64(len(rest)))]
	}
	return rest
}

// decode decodes all strips or tiles.
func (p *tiffPage) decode(int) (*Image, error) {
	p.rgb, p.have = newImage(p.w, p.h), 0
	fill(p.rgb.Pix, missing)
	across, down := divideUp(p.w, p.tile.X), divideUp(p.h, p.tile.Y)
	planes := 1
	if p.planar {
		planes = p.samples
	}
	for i := range across * down {
		at := image.Pt(i%across*p.tile.X, i/across*p.tile.Y)
		size := p.tile
		if !p.tiled {
			size.Y = min(size.Y, p.h-at.Y)
		}
		if p.compression == tiffJPEG {
			if err := p.tileJPEG(at, p.part(i)); err != nil {
				return nil, err
			}
			continue
		}
		samples := make([][]byte, planes)
		for s := range samples {
			samples[s] = p.unpack(p.part(s*across*down+i), size)
		}
		p.convert(at, size, samples)
	}
	if err := enough(p.have, p.w*p.h, "pixels"); err != nil {
		return nil, err
	}
	p.rgb.Incomplete = p.have < p.w*p.h
	return p.rgb, nil
}

// convert puts a strip or tile into the result. A row that is not there in all
// planes is left out.
func (p *tiffPage) convert(at, size image.Point, planes [][]byte) {
	per := p.samples
	if len(planes) > 1 {
		per = 1
	}
	stride := (size.X*per*p.bits + 7) / 8
	pixel := make([]uint16, p.samples)
	for y := range min(size.Y, p.h-at.Y) {
		for _, plane := range planes {
			if len(plane) < (y+1)*stride {
				return
			}
		}
		row, n := p.rgb.row(at.Y+y), min(size.X, p.w-at.X)
		for x := range n {
			for s := range pixel {
				if len(planes) > 1 {
					pixel[s] = p.sample(planes[s][y*stride:], x)
				} else {
					pixel[s] = p.sample(planes[0][y*stride:], x*per+s)
				}
			}
			p.colour(row[3*(at.X+x):][:3], pixel)
		}
		p.have += n
	}
}

// sample returns sample i of a row.
func (p *tiffPage) sample(row []byte, i int) uint16 {
	switch p.bits {
	case 8:
		return uint16(row[i])
	case 16:
		return p.order.Uint16(row[2*i:])
	}
	at := i * p.bits
	return uint16(row[at/8] >> (8 - p.bits - at%8) & byte(1<<p.bits-1))
}

// colour converts a pixel to RGB on white. Of 16 bits the upper 8 are kept.
func (p *tiffPage) colour(out []byte, pixel []uint16) {
	to8 := func(v uint16) byte {
		switch p.bits {
		case 8:
			return byte(v)
		case 16:
			return byte(v >> 8)
		}
		return byte(int(v) * 255 / (1<<p.bits - 1))
	}
	switch p.photometric {
	case whiteIsZero:
		fill(out, 255-to8(pixel[0]))
	case blackIsZero:
		fill(out, to8(pixel[0]))
	case tiffIndexed:
		for c := range out {
			out[c] = byte(p.colours[c<<p.bits+int(pixel[0])] >> 8)
		}
	case tiffCMYK:
		fromCMYK(out, 255-to8(pixel[0]), 255-to8(pixel[1]), 255-to8(pixel[2]), 255-to8(pixel[3]))
	default:
		for c := range out {
			out[c] = to8(pixel[c])
		}
	}
	if p.alpha < 0 {
		return
	}
	opacity := to8(pixel[p.alpha])
	for c := range out {
		if p.associated {
			out[c] = byte(min(255, int(out[c])+255-int(opacity)))
		} else {
			out[c] = overWhite(out[c], opacity)
		}
	}
}

// tileJPEG decodes a strip or tile that is a JPEG, whose tables may stand in a tag
// for all (TIFF technical note 2).
func (p *tiffPage) tileJPEG(at image.Point, data []byte) error {
	if p.planar {
		return fmt.Errorf("JPEG in planes: %w", ErrFormat)
	}
	if len(data) < 2 {
		return nil
	}
	file := data
	if tables := p.bytes(p.tags[tagJPEGTables]); len(tables) > 4 {
		file = slices.Concat(bytes.TrimSuffix(tables, []byte{0xff, markerEOI}), data[2:])
	}
	d := &jpegDecoder{data: file, isRGB: p.photometric == tiffRGB}
	if err := d.header(); err != nil {
		return err
	}
	if d.w > max(p.tile.X, p.w) || d.h > max(p.tile.Y, p.h) {
		return fmt.Errorf("a tile has %d×%d pixels, wanted %d×%d: %w", d.w, d.h, p.tile.X, p.tile.Y, ErrCorrupt)
	}
	img, err := d.decode(1)
	if err != nil {
		return err
	}
	n, rows := min(img.W, p.w-at.X), min(img.H, p.h-at.Y)
	for y := range rows {
		copy(p.rgb.row(at.Y + y)[3*at.X:], img.row(y)[:3*n])
	}
	p.have += n * rows
	return nil
}
