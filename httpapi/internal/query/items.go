package query

import (
	"encoding/json"
	"fmt"
	"strings"

	"engram/httpapi/internal/problem"
	"engram/index"
)

// maxItems bounds the items of one write.
const maxItems = 10_000

// Put is an item as a client sends it: a vector, or an image that becomes one, with a
// payload; or a payload alone, which replaces the item's.
type Put struct {
	ID      index.ID
	Vector  []float32
	Image   []byte
	Payload index.Payload // nil: none is given
}

// PayloadAlone reports whether the item's vector stays as it is.
func (p Put) PayloadAlone() bool { return p.Vector == nil && p.Image == nil }

// putObject is a Put in JSON.
type putObject struct {
	partObject
	ID      json.RawMessage `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

// ReadPut reads the JSON of an item whose id the address has.
func ReadPut(raw []byte) (Put, error) {
	return readPut(raw, []string{"vector", "image", "payload"})
}

// ReadPuts reads {"items": [{"id": …, "vector": …, "payload": …}, …]}. All items have
// vectors or images, or all have payloads alone, so that one call of a store writes all.
func ReadPuts(raw []byte) ([]Put, error) {
	var object struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := decodeObject(raw, &object, new(partObject), []string{"items"}); err != nil {
		return nil, err
	}
	if n := len(object.Items); n < 1 || n > maxItems {
		return nil, fmt.Errorf("there are %d items, wanted 1 to %d: %w", n, maxItems, problem.ErrQuery)
	}
	puts := make([]Put, len(object.Items))
	for i, raw := range object.Items {
		var err error
		if puts[i], err = readPut(raw, []string{"id", "vector", "image", "payload"}); err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		if puts[i].PayloadAlone() != puts[0].PayloadAlone() {
			return nil, fmt.Errorf("item %d: one has a vector and another a payload alone, wanted items of one kind: %w", i+1, problem.ErrQuery)
		}
	}
	return puts, nil
}

// readPut reads an item with members of the known names, which has an id where that is
// one of them.
func readPut(raw []byte, known []string) (p Put, err error) {
	var object putObject
	if err := decodeObject(raw, &object, &object.partObject, known); err != nil {
		return p, err
	}
	if known[0] == "id" {
		if p.ID, err = readID(object.ID); err != nil {
			return p, err
		}
	}
	if present(object.Vector) {
		if p.Vector, err = object.vector(); err != nil {
			return p, err
		}
	}
	if object.Image != nil {
		image, err := imagePart(*object.Image)
		if err != nil {
			return p, err
		}
		p.Image = image.Image
	}
	if present(object.Payload) {
		if p.Payload, err = index.ParsePayload(object.Payload); err != nil {
			return p, err
		}
	}
	switch {
	case p.Vector != nil && p.Image != nil:
		return p, fmt.Errorf("an item has a vector or an image, this one has both: %w", problem.ErrQuery)
	case p.PayloadAlone() && !present(object.Payload):
		return p, fmt.Errorf("an item has a vector, an image or a payload, this one has none: %w", problem.ErrQuery)
	}
	return p, nil
}

// readID reads an id as JSON has it: a number, or its digits as a string.
func readID(raw json.RawMessage) (index.ID, error) {
	if !present(raw) {
		return 0, fmt.Errorf("it has no id: %w", problem.ErrQuery)
	}
	id, err := ParseID(strings.Trim(string(raw), `"`))
	if err != nil {
		return 0, fmt.Errorf("the id is %.40s, wanted a whole number from 0 to 2^64-1: %w", raw, problem.ErrQuery)
	}
	return id, nil
}

// ReadIDs reads {"ids": [id, …]}.
func ReadIDs(raw []byte) ([]index.ID, error) {
	var object struct {
		IDs []json.RawMessage `json:"ids"`
	}
	if err := decodeObject(raw, &object, new(partObject), []string{"ids"}); err != nil {
		return nil, err
	}
	if n := len(object.IDs); n < 1 || n > maxItems {
		return nil, fmt.Errorf("there are %d ids, wanted 1 to %d: %w", n, maxItems, problem.ErrQuery)
	}
	ids := make([]index.ID, len(object.IDs))
	for i, raw := range object.IDs {
		var err error
		if ids[i], err = readID(raw); err != nil {
			return nil, fmt.Errorf("id %d: %w", i+1, err)
		}
	}
	return ids, nil
}
