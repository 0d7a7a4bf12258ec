package bitmap

import (
	"encoding/binary"

	"engram/index"
)

// CountValues adds to counts how many rows have each string and bool of the index. The
// rows that dead reports are left out; nil: all rows count.
func (x *Index) CountValues(counts index.ValueCounts, dead func(row int) bool) error {
	if err := x.strings.count(dead, func(key []byte, rows int) { counts[string(key)] += rows }); err != nil {
		return err
	}
	return x.bools.count(dead, func(key []byte, rows int) { counts[string(key) == boolKey(true)] += rows })
}

// count calls add with each key that has rows and the number of them.
func (t table) count(dead func(row int) bool, add func(key []byte, rows int)) error {
	for i := range t.n {
		rows := int(binary.LittleEndian.Uint32(t.counts[4*i:]))
		if dead != nil {
			var u union
			if err := u.add(t, i); err != nil {
				return err
			}
			for each := u.set().Iterator(); each.HasNext(); {
				if dead(int(each.Next())) {
					rows--
				}
			}
		}
		if rows > 0 {
			add(t.key(i), rows)
		}
	}
	return nil
}
