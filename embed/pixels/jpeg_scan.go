package pixels

import "fmt"

// jpegScan is one scan of a JPEG: of one channel, or of several that are
// interleaved.
type jpegScan struct {
	*jpegDecoder
	comps []*jpegComponent
	// Of a progressive file (T.81, G.1.1.1): the first and last coefficient in zig-zag
	// order, and the numbers of low bits that were left out before and are now.
	first, last, high, low int
	run0                   int // blocks that have no coefficients any more (EOBRUN)
}

// newScan reads the header of a scan (B.2.3).
func (d *jpegDecoder) newScan() (*jpegScan, error) {
	b := d.scanBody
	if len(b) < 4 || int(b[0]) < 1 || int(b[0]) > 4 || len(b) < 4+2*int(b[0]) {
		return nil, fmt.Errorf("header of a scan of %d bytes: %w", len(b), ErrCorrupt)
	}
	n := int(b[0])
	s := &jpegScan{jpegDecoder: d, last: 63}
	if tail := b[1+2*n:]; d.progressive {
		s.first, s.last, s.high, s.low = int(tail[0]), int(tail[1]), int(tail[2]>>4), int(tail[2]&15)
		if s.first > s.last || s.last > 63 || s.low > 13 || s.first == 0 && s.last != 0 || s.first > 0 && n != 1 {
			return nil, fmt.Errorf("scan of coefficients %d to %d of %d channels: %w", s.first, s.last, n, ErrCorrupt)
		}
	}
	for i := range n {
		var c *jpegComponent
		for k := range d.comps {
			if d.comps[k].id == int(b[1+2*i]) {
				c = &d.comps[k]
			}
		}
		tables := b[2+2*i]
		if c == nil || tables>>4 > 3 || tables&15 > 3 || !d.hasQuant[c.table] {
			return nil, fmt.Errorf("scan of a channel without a header or without tables: %w", ErrCorrupt)
		}
		c.dc, c.ac = d.table(0, int(tables>>4)), d.table(1, int(tables&15))
		if s.first == 0 && s.high == 0 && c.dc == nil || s.last > 0 && c.ac == nil {
			return nil, fmt.Errorf("scan without Huffman tables: %w", ErrCorrupt)
		}
		if c.latched == nil {
			latched := *c.quant
			c.latched = &latched
		}
		c.last = 0
		s.comps = append(s.comps, c)
	}
	return s, nil
}

// table returns a Huffman table, the standard one where the file has none.
func (d *jpegDecoder) table(class, number int) *huffman {
	t := &d.huff[class][number]
	if !t.valid && number < 2 {
		standard := standardTables()[class][number]
		t.build([]byte(standard.counts), []byte(standard.symbols))
	}
	if !t.valid {
		return nil
	}
	return t
}

// units returns how many MCUs the scan has. Of a channel alone it is a block.
func (s *jpegScan) units() int {
	if len(s.comps) == 1 {
		return s.comps[0].blocksX * s.comps[0].blocksY
	}
	return s.mcuX * s.mcuY
}

// run decodes the scan. Behind damage it goes on at the next restart marker.
func (s *jpegScan) run() {
	s.bits = bitReader{data: s.data, pos: s.pos}
	units, next := s.units(), byte(0)
	for from := 0; from < units; {
		to := units
		if s.restart > 0 {
			to = min(units, from+s.restart)
		}
		done := s.interval(from, to)
		s.blank(from+done, to)
		if from = to; from == units {
			break
		}
		skipped, ok := s.bits.resync(next)
		if s.restart == 0 || !ok {
			s.blank(from, units)
			break
		}
		skip := min(units, from+skipped*s.restart)
		s.blank(from, skip)
		from, next = skip, (next+byte(skipped)+1)%8
		for _, c := range s.comps {
			c.last = 0
		}
		s.run0 = 0
	}
	s.pos = s.bits.pos
}

// interval decodes MCUs, and returns how many were there.
func (s *jpegScan) interval(from, to int) int {
	sequential := !s.progressive
	for i := from; i < to; i++ {
		var ok bool
		switch {
		case len(s.comps) > 1 && sequential:
			ok = s.mcu(i%s.mcuX, i/s.mcuX)
		case len(s.comps) > 1:
			ok = s.progressiveMCU(i%s.mcuX, i/s.mcuX)
		case sequential:
			c := s.comps[0]
			ok = s.block(c, i%c.blocksX, i/c.blocksX)
		default:
			c := s.comps[0]
			ok = s.progressiveBlock(c, i%c.blocksX, i/c.blocksX)
		}
		if !ok || s.bits.n < s.bits.pad {
			s.count(i - from)
			return i - from
		}
	}
	s.count(to - from)
	return to - from
}

// count notes that blocks were there, in the first scan that has them.
func (s *jpegScan) count(units int) {
	if s.first > 0 || s.high > 0 {
		return
	}
	for _, c := range s.comps {
		if len(s.comps) == 1 {
			c.decoded += units
		} else {
			c.decoded += units * c.h * c.v
		}
	}
}

// mcu decodes the blocks of all channels at one place.
func (s *jpegScan) mcu(x, y int) bool {
	for _, c := range s.comps {
		for v := range c.v {
			for h := range c.h {
				if !s.block(c, x*c.h+h, y*c.v+v) {
					return false
				}
			}
		}
	}
	return true
}

// block decodes and draws one block of a sequential file.
func (s *jpegScan) block(c *jpegComponent, x, y int) bool {
	block := &s.scratch
	*block = [64]int16{}
	last, ok := s.bits.block(block, c)
	if !ok {
		return false
	}
	c.draw(block, last, x, y)
	return true
}

// blank makes MCUs of a sequential file grey.
func (s *jpegScan) blank(from, to int) {
	if s.progressive {
		return // no coefficients are grey
	}
	s.scratch = [64]int16{}
	grey := func(c *jpegComponent, x, y int) { c.draw(&s.scratch, 0, x, y) }
	for i := from; i < to; i++ {
		if c := s.comps[0]; len(s.comps) == 1 {
			grey(c, i%c.blocksX, i/c.blocksX)
			continue
		}
		for _, c := range s.comps {
			for k := range c.h * c.v {
				grey(c, i%s.mcuX*c.h+k%c.h, i/s.mcuX*c.v+k/c.h)
			}
		}
	}
}

// resync goes behind the restart marker that begins the next interval, over
// whatever stands before it. Where the one that was expected is lost, it returns
// how many intervals are. Without a marker that fits it returns false and stops at
// the marker that is there.
func (r *bitReader) resync(next byte) (skipped int, ok bool) {
	r.acc, r.n, r.pad = 0, 0, 0
	for ; r.pos+1 < len(r.data); r.pos++ {
		if r.data[r.pos] != 0xff {
			continue
		}
		m := r.data[r.pos+1]
		switch {
		case m == 0 || m == 0xff:
		case m < markerRST0 || m > markerRST7:
			return 0, false
		default:
			// Two intervals may be lost; a marker from before is passed over.
			if skipped = int(m-markerRST0-next) & 7; skipped <= 2 {
				r.pos += 2
				return skipped, true
			}
		}
	}
	return 0, false
}
