package pixels

import (
	"bytes"
	"image"
	"io"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// unpack undoes the compression of a strip or tile, or of one plane of it. Of
// damaged data it returns what comes before the damage.
func (p *tiffPage) unpack(data []byte, size image.Point) []byte {
	per := p.samples
	if p.planar {
		per = 1
	}
	stride := (size.X*per*p.bits + 7) / 8
	want := stride * size.Y
	if len(data) == 0 {
		return nil
	}
	if p.compression != tiffPlain && p.compression != tiffJPEG && p.orDefault(tagFillOrder, 1) == 2 && p.compression != tiffGroup3 && p.compression != tiffGroup4 {
		data = reverseBits(data)
	}
	var r io.Reader = bytes.NewReader(data)
	switch p.compression {
	case tiffLZW:
		z := lzw.NewReader(r, lzw.MSB, 8)
		defer z.Close()
		r = z
	case tiffDeflate, tiffOldDeflate:
		if !p.resetInflater(r) {
			return nil
		}
		r = p.inflater
	case tiffGroup3, tiffGroup4:
		order, form := ccitt.MSB, ccitt.Group3
		if p.orDefault(tagFillOrder, 1) == 2 {
			order = ccitt.LSB
		}
		if p.compression == tiffGroup4 {
			form = ccitt.Group4
		}
		// Black is 1 in fax; PhotometricInterpretation then says what that means.
		r = ccitt.NewReader(r, order, form, size.X, size.Y, &ccitt.Options{Invert: true})
	case tiffPackBits:
		r = bytes.NewReader(unpackBits(data, want))
	}
	out := make([]byte, want)
	n, _ := io.ReadFull(r, out)
	out = out[:n]
	if p.orDefault(tagPredictor, 1) == 2 && (p.compression == tiffLZW || p.compression == tiffDeflate || p.compression == tiffOldDeflate) {
		p.addUp(out, stride, per)
	}
	return out
}

// resetInflater lets the inflater read r, and reports whether r begins as it must.
func (p *tiffPage) resetInflater(r io.Reader) bool {
	var err error
	if z, ok := p.inflater.(zlib.Resetter); ok {
		err = z.Reset(r, nil)
	} else {
		p.inflater, err = zlib.NewReader(r)
	}
	return err == nil
}

// reverseBits turns each byte around (FillOrder 2).
func reverseBits(data []byte) []byte {
	out := make([]byte, len(data))
	for i, b := range data {
		for k := range 8 {
			out[i] |= b >> k & 1 << (7 - k)
		}
	}
	return out
}

// unpackBits undoes Apple's run-length coding (TIFF 6.0, section 9).
func unpackBits(data []byte, most int) []byte {
	out := make([]byte, 0, min(most, 128*len(data)))
	for len(data) > 1 && len(out) < most {
		n := int(int8(data[0]))
		switch data = data[1:]; {
		case n >= 0:
			k := min(n+1, len(data))
			out, data = append(out, data[:k]...), data[k:]
		case n > -128:
			for range 1 - n {
				out = append(out, data[0])
			}
			data = data[1:]
		}
	}
	return out
}

// addUp undoes horizontal differencing (section 14).
func (p *tiffPage) addUp(b []byte, stride, per int) {
	for ; len(b) > 0; b = b[min(stride, len(b)):] {
		row := b[:min(stride, len(b))]
		switch p.bits {
		case 8:
			for i := per; i < len(row); i++ {
				row[i] += row[i-per]
			}
		case 16:
			for i := 2 * per; i+1 < len(row); i += 2 {
				p.order.PutUint16(row[i:], p.order.Uint16(row[i:])+p.order.Uint16(row[i-2*per:]))
			}
		}
	}
}
