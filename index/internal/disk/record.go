package disk

import (
	"encoding/binary"
	"fmt"
	"math"

	"engram/index"
)

// The kinds of records in a log, as FORMAT.md lists them.
const (
	recordUpsert = 1 + iota
	recordDelete
	recordPayloads
)

// Record is a change of an index as it is logged. One of its members is set.
type Record struct {
	Upserted []index.Item // as Upsert takes them
	Deleted  []index.ID
	Payloads map[index.ID]index.Payload // new ones of items that are there
}

// Append appends the encoding of a record that an index accepts: vectors of one
// dimension, tokens of one size, payloads that pass Check.
func (r Record) Append(b []byte) []byte {
	switch {
	case r.Upserted != nil:
		b = append(b, recordUpsert)
		for _, item := range r.Upserted {
			b = binary.LittleEndian.AppendUint64(b, uint64(item.ID))
			b = append(b, bytesOf(item.Vector)...)
			b = append(appendPayload(b, item.Payload), item.Tokens...)
		}
	case r.Payloads != nil:
		b = append(b, recordPayloads)
		for id, payload := range r.Payloads {
			b = appendPayload(binary.LittleEndian.AppendUint64(b, uint64(id)), payload)
		}
	default:
		b = append(b, recordDelete)
		for _, id := range r.Deleted {
			b = binary.LittleEndian.AppendUint64(b, uint64(id))
		}
	}
	return b
}

// appendPayload appends a payload behind its size.
func appendPayload(b []byte, p index.Payload) []byte {
	return appendString(b, string(AppendPayload(nil, p)))
}

// DecodeRecord is the inverse of Record.Append in an index of dimension dim that keeps
// tokens of tokenSize bytes. ErrCorrupt marks bytes that are no record of it.
func DecodeRecord(b []byte, dim, tokenSize int) (Record, error) {
	if len(b) == 0 {
		return Record{}, corruptRecord(b)
	}
	d := decoder{rest: b[1:]}
	var r Record
	switch b[0] {
	case recordUpsert:
		for len(d.rest) > 0 {
			r.Upserted = append(r.Upserted, d.item(dim, tokenSize))
		}
	case recordDelete:
		for len(d.rest) > 0 {
			r.Deleted = append(r.Deleted, index.ID(d.uint64()))
		}
	case recordPayloads:
		r.Payloads = map[index.ID]index.Payload{}
		for len(d.rest) > 0 {
			id := index.ID(d.uint64())
			r.Payloads[id] = d.payload()
		}
	default:
		d.fail()
	}
	if d.bad {
		return Record{}, corruptRecord(b)
	}
	return r, nil
}

func corruptRecord(b []byte) error {
	return fmt.Errorf("a record of %d bytes in the log does not decode: %w", len(b), index.ErrCorrupt)
}

func (d *decoder) item(dim, tokenSize int) index.Item {
	item := index.Item{ID: index.ID(d.uint64())}
	vector := d.bytes(4 * dim)
	item.Payload = d.payload()
	item.Tokens = d.bytes(tokenSize)
	if d.bad {
		return index.Item{}
	}
	item.Vector = make([]float32, dim)
	for i := range item.Vector {
		item.Vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(vector[4*i:]))
	}
	return item
}

func (d *decoder) uint64() uint64 {
	b := d.bytes(8)
	if d.bad {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// payload reads what appendPayload has written.
func (d *decoder) payload() index.Payload {
	p, err := DecodePayload(d.bytes(d.count(1)))
	if err != nil {
		d.fail()
	}
	return p
}
