package avif

import "encoding/binary"

// properties are what the container says of its image.
type properties struct {
	rotation int // quarter turns to the left
	mirror   int // 0: top to bottom, 1: left to right, -1: not
}

// box is a part of a file (ISO/IEC 14496-12, section 4.2).
type box struct {
	kind string
	body []byte
}

// boxes takes a sequence of boxes apart, as far as it goes.
func boxes(b []byte) []box {
	var out []box
	for len(b) >= 8 {
		size, header := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch {
		case size == 0:
			size = uint64(len(b))
		case size == 1 && len(b) >= 16:
			size, header = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < header || size > uint64(len(b)) {
			break
		}
		out = append(out, box{string(b[4:8]), b[header:size]})
		b = b[size:]
	}
	return out
}

// find returns the content of the first box of a kind, or nil.
func find(b []byte, kind string) []byte {
	for _, x := range boxes(b) {
		if x.kind == kind {
			return x.body
		}
	}
	return nil
}

// after returns b without its first n bytes, or nil.
func after(b []byte, n int) []byte {
	if len(b) < n {
		return nil
	}
	return b[n:]
}

// readProperties reads the properties of the primary image (ISO/IEC 23008-12,
// sections 6.5 and 9.3).
func readProperties(data []byte) properties {
	p := properties{mirror: -1}
	meta := after(find(data, "meta"), 4)
	primary := uint32(0)
	if b := find(meta, "pitm"); len(b) >= 8 && b[0] > 0 {
		primary = binary.BigEndian.Uint32(b[4:])
	} else if len(b) >= 6 {
		primary = uint32(binary.BigEndian.Uint16(b[4:]))
	}
	iprp := find(meta, "iprp")
	all := boxes(find(iprp, "ipco"))
	own := associated(find(iprp, "ipma"), primary)
	for n, property := range all {
		if b := property.body; own[n+1] && len(b) > 0 {
			switch property.kind {
			case "irot":
				p.rotation = int(b[0] & 3)
			case "imir":
				p.mirror = int(b[0] & 1)
			}
		}
	}
	return p
}

// associated returns the numbers of the properties of an item, from 1.
func associated(ipma []byte, item uint32) map[int]bool {
	out := map[int]bool{}
	if len(ipma) < 8 {
		return out
	}
	version, wide := ipma[0], ipma[3]&1 != 0
	count, b := binary.BigEndian.Uint32(ipma[4:]), ipma[8:]
	for ; count > 0; count-- {
		var id uint32
		if version < 1 {
			if len(b) < 3 {
				return out
			}
			id, b = uint32(binary.BigEndian.Uint16(b)), b[2:]
		} else {
			if len(b) < 5 {
				return out
			}
			id, b = binary.BigEndian.Uint32(b), b[4:]
		}
		n := int(b[0])
		b = b[1:]
		for ; n > 0; n-- {
			number, size := 0, 1
			if wide {
				size = 2
			}
			if len(b) < size {
				return out
			}
			if number = int(b[0] & 0x7f); wide {
				number = number<<8 | int(b[1])
			}
			b = b[size:]
			if id == item {
				out[number] = true
			}
		}
	}
	return out
}

// orientation returns the rotation, then the mirroring, as an EXIF orientation.
func (p properties) orientation() int {
	// By rotation: without mirroring, top to bottom, left to right.
	return [4][3]int{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[p.rotation][p.mirror+1]
}
