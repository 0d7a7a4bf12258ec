package pixels

// progressiveMCU decodes DC coefficients of all channels at one place.
func (s *jpegScan) progressiveMCU(x, y int) bool {
	for _, c := range s.comps {
		for v := range c.v {
			for h := range c.h {
				if !s.progressiveBlock(c, x*c.h+h, y*c.v+v) {
					return false
				}
			}
		}
	}
	return true
}

// progressiveBlock decodes what the scan has of one block (T.81, annex G).
func (s *jpegScan) progressiveBlock(c *jpegComponent, x, y int) bool {
	block := c.coefficients[64*(y*c.padX+x):][:64]
	r := &s.bits
	if r.n < 32 {
		r.refill()
	}
	switch {
	case s.first == 0 && s.high == 0:
		size := r.symbol(c.dc)
		if size < 0 || size > 15 {
			return false
		}
		c.last += r.number(size)
		block[0] = int16(c.last << s.low)
		return true
	case s.first == 0:
		block[0] |= int16(r.take(1) << s.low)
		return true
	case s.high == 0:
		return s.newCoefficients(c, block)
	}
	return s.refine(c, block)
}

// newCoefficients decodes the first bits of coefficients (G.1.2.2).
func (s *jpegScan) newCoefficients(c *jpegComponent, block []int16) bool {
	if s.run0 > 0 {
		s.run0--
		return true
	}
	r := &s.bits
	for k := s.first; k <= s.last; k++ {
		if r.n < 32 {
			r.refill()
		}
		symbol := r.symbol(c.ac)
		if symbol < 0 {
			return false
		}
		run, size := symbol>>4, symbol&15
		switch {
		case size > 0:
			if k += run; k > 63 {
				return false
			}
			block[k] = int16(r.number(size) << s.low)
		case run == 15:
			k += 15
		default:
			s.run0 = 1<<run + int(r.take(run)) - 1
			return true
		}
	}
	return true
}

// refine decodes one more bit of known coefficients, and new ones (G.1.2.3).
func (s *jpegScan) refine(c *jpegComponent, block []int16) bool {
	r := &s.bits
	plus, minus := int16(1)<<s.low, int16(-1)<<s.low
	k := s.first
	for ; k <= s.last && s.run0 == 0; k++ {
		if r.n < 32 {
			r.refill()
		}
		symbol := r.symbol(c.ac)
		if symbol < 0 {
			return false
		}
		run, size := symbol>>4, symbol&15
		var value int16
		switch {
		case size == 1:
			value = minus
			if r.take(1) == 1 {
				value = plus
			}
		case size > 1:
			return false
		case run < 15:
			s.run0 = 1<<run + int(r.take(run))
		}
		if s.run0 > 0 {
			break
		}
		// run counts coefficients that are still zero; the others get a bit.
		for ; k <= s.last; k++ {
			if block[k] != 0 {
				r.correct(&block[k], plus)
			} else if run--; run < 0 {
				break
			}
		}
		if value != 0 {
			if k > s.last {
				return false
			}
			block[k] = value
		}
	}
	if s.run0 > 0 {
		for ; k <= s.last; k++ {
			if block[k] != 0 {
				r.correct(&block[k], plus)
			}
		}
		s.run0--
	}
	return true
}

// correct adds a bit to a coefficient that is not zero.
func (r *bitReader) correct(v *int16, bit int16) {
	if r.n < 32 {
		r.refill()
	}
	if r.take(1) == 0 || *v&bit != 0 {
		return
	}
	if *v > 0 {
		*v += bit
	} else {
		*v -= bit
	}
}

// take reads up to 15 bits.
func (r *bitReader) take(size int) int32 {
	bits := int32(r.acc >> 1 >> (63 - size))
	r.acc <<= size
	r.n -= size
	return bits
}
