package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"engram/data/jsonobject"
	"engram/data/progress"
	"engram/index"
	"engram/index/local"
	"engram/index/open"
)

// WriteSpec says what is written to which index.
type WriteSpec struct {
	Index      string
	Durability string // see local.Durability
	Input      io.Reader
}

// DefaultDurability is what is written as where nothing else is asked for.
const DefaultDurability = string(local.Grouped)

// Written counts what was written to an index.
type Written struct {
	Index    string `json:"index"`
	Items    int    `json:"items"`    // added or replaced
	Payloads int    `json:"payloads"` // replaced alone
	Deleted  int    `json:"deleted"`
	Count    int    `json:"count"` // items in the index then
}

// line is one line of a WriteSpec's input.
type line struct {
	ID      *lineID         `json:"id"`
	Vector  lineVector      `json:"vector"`
	Payload json.RawMessage `json:"payload"`
}

// lineID is an id as a line has it: a number, or its digits as a string, as --json and
// REST write it.
type lineID index.ID

func (id *lineID) UnmarshalJSON(text []byte) error {
	digits := text
	if n := len(text); n > 2 && text[0] == '"' && text[n-1] == '"' {
		digits = text[1 : n-1]
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return fmt.Errorf("found %.40q, wanted the id of an item", text)
	}
	*id = lineID(n)
	return nil
}

// lineVector is a vector as a line has it.
type lineVector []float32

func (v *lineVector) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil // as without the key
	}
	if bytes.Contains(text, []byte("null")) { // how some writers spell NaN; package json reads zero
		return errors.New(`an element of "vector" is null, wanted numbers`)
	}
	if err := json.Unmarshal(text, (*[]float32)(v)); err != nil {
		return errors.New(`"vector" is not an array of numbers within float32`)
	}
	return nil
}

// parse reads a line. It refuses keys that it does not know: one that is misspelt would
// have the payload replaced alone.
func (l *line) parse(text []byte) error {
	if err := jsonobject.Check(text, []string{"id", "vector", "payload"}); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(l); errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("its JSON object has no end")
	} else if err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the JSON object")
	}
	if string(l.Payload) == "null" {
		l.Payload = nil // as without the key
	}
	if err := jsonobject.Check(l.Payload, nil); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

const (
	// batchLines is how many lines are written by one call at most. Fewer are where no
	// more have arrived, or where these have batchBytes.
	batchLines = 1000
	batchBytes = 64 << 20 // from which a call takes no more lines
	maxLine    = 16 << 20 // bytes
)

// Put adds items to an index, and replaces payloads, as JSON lines say.
func (a *App) Put(ctx context.Context, spec WriteSpec, watch progress.Func) (*Written, error) {
	return a.writeLines(ctx, spec, watch, (*writing).put)
}

// Delete removes items from an index, whose ids stand in lines.
func (a *App) Delete(ctx context.Context, spec WriteSpec, watch progress.Func) (*Written, error) {
	return a.writeLines(ctx, spec, watch, (*writing).delete)
}

// writing is lines that become calls of a store.
type writing struct {
	store    index.Store
	dim      int               // elements of a vector
	tokens   index.TokenFormat // that the store keeps of each item
	items    []index.Item
	payloads map[index.ID]index.Payload
	ids      []index.ID
	done     *Written
}

// writeLines has take read each line of the input, and writes what it took. The lines before
// one that is refused are written.
func (a *App) writeLines(ctx context.Context, spec WriteSpec, watch progress.Func, take func(*writing, context.Context, []byte) error) (_ *Written, err error) {
	opts := a.storeOptions()
	if opts.Durability, err = local.ParseDurability(spec.Durability); err != nil {
		return nil, err
	}
	store, err := open.Store(ctx, spec.Index, opts)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, store)
	before, err := store.Info(ctx)
	if err != nil {
		return nil, err
	}
	w := &writing{store: store, dim: before.Dim, tokens: before.Tokens, done: &Written{Index: spec.Index}, payloads: map[index.ID]index.Payload{}}
	report := watch.Stage("writing", "lines", 0)
	input := bufio.NewReaderSize(spec.Input, 1<<20)
	for number, first, size := 1, 1, 0; ; number++ {
		text, last, err := readLine(input)
		size += len(text)
		if text = bytes.TrimSpace(text); err == nil && len(text) > 0 {
			err = take(w, ctx, text)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("line %d: %w", number, err), w.write(ctx)) // what stands before it
		}
		if last || input.Buffered() == 0 || w.lines() >= batchLines || size >= batchBytes {
			if err := w.write(ctx); err != nil {
				return nil, fmt.Errorf("lines %d to %d: %w", first, number, err)
			}
			first, size = number+1, 0
			report(int64(number), 0)
		}
		if last {
			break
		}
	}
	info, err := store.Info(ctx)
	w.done.Count = info.Count
	return w.done, err
}

// readLine returns a line, and whether it is the last one, which may be empty.
func readLine(r *bufio.Reader) (text []byte, last bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case len(text) > maxLine:
			return nil, false, fmt.Errorf("it has more than %d bytes", maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return text, true, nil
		default:
			return text, false, err
		}
	}
}

func (w *writing) lines() int { return len(w.items) + len(w.payloads) + len(w.ids) }

// put takes an item, or a payload for an item that is there.
func (w *writing) put(ctx context.Context, text []byte) error {
	var l line
	if err := l.parse(text); err != nil {
		return err
	}
	if l.ID == nil {
		return errors.New(`it has no "id"`)
	}
	var payload index.Payload
	if l.Payload != nil {
		var err error
		if payload, err = index.ParsePayload(l.Payload); err != nil {
			return err
		}
	}
	if l.Vector == nil && l.Payload == nil {
		return errors.New(`it has neither "vector" nor "payload"`)
	}
	if l.Vector != nil && w.tokens.Kept() {
		return fmt.Errorf("it has a vector, and the index keeps %s beside it, which a line has not: engram index build adds images, and a line without \"vector\" replaces a payload: %w",
			w.tokens, index.ErrTokens)
	}
	var vector []float32
	if l.Vector != nil {
		var err error // now, as the store would refuse the lines before it too
		if vector, err = index.Unit(l.Vector, w.dim); err != nil {
			return err
		}
	}
	id := index.ID(*l.ID)
	// The order of the lines is the order of the calls.
	if l.Vector != nil && len(w.payloads) > 0 || l.Vector == nil && len(w.items) > 0 {
		if err := w.write(ctx); err != nil {
			return err
		}
	}
	if l.Vector == nil {
		w.payloads[id] = payload
	} else {
		w.items = append(w.items, index.Item{ID: id, Vector: vector, Payload: payload})
	}
	return nil
}

// delete takes the id of an item.
func (w *writing) delete(_ context.Context, text []byte) error {
	var id lineID
	if err := id.UnmarshalJSON(text); err != nil {
		return err
	}
	w.ids = append(w.ids, index.ID(id))
	return nil
}

// write writes what was taken.
func (w *writing) write(ctx context.Context) error {
	if len(w.items) > 0 {
		if err := w.store.Upsert(ctx, w.items); err != nil {
			return err
		}
		w.done.Items += len(w.items)
		w.items = nil
	}
	if len(w.payloads) > 0 {
		store, ok := w.store.(index.PayloadSetter)
		if !ok {
			return fmt.Errorf("%s replaces no payloads alone, wanted a vector in each line", w.done.Index)
		}
		n, err := store.SetPayloads(ctx, w.payloads)
		if err != nil {
			return err
		}
		w.done.Payloads += n
		clear(w.payloads)
	}
	if len(w.ids) > 0 {
		n, err := w.store.Delete(ctx, w.ids)
		if err != nil {
			return err
		}
		w.done.Deleted += n
		w.ids = nil
	}
	return nil
}
