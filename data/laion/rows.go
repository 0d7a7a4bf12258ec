package laion

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"engram/data/npy"
	"engram/data/parquet"
)

// Options say what to read of a shard.
type Options struct {
	// Columns of the metadata to put into the payloads; all of them without
	// names. A name that the file does not have is an error (parquet.ErrColumn).
	Columns []string
	// NoPayload reads the vectors alone; the metadata file is not opened and
	// need not be there.
	NoPayload bool
}

// Row is one row of a shard.
type Row struct {
	Vector  []float32      // Dim elements
	Norm    float64        // Euclidean length of Vector: 1 for one of clip-retrieval's, up to rounding
	Payload map[string]any // nil with NoPayload
	// Err says why Vector cannot be used (ErrVector); its elements are then
	// undefined. The payload is there all the same.
	Err error
}

// Rows reads a shard from its first row to its last.
type Rows struct {
	shard    Shard
	vectors  vectors
	table    *parquet.File // nil without payloads
	payloads *parquet.Rows
	next     int
	maps     []map[string]any
}

// vectors is where vectors come from, in order.
type vectors interface {
	// Read fills dst with len(bad) vectors; bad says which of them are unusable.
	Read(dst []float32, bad []error) error
	Close()
}

// Open opens the files of a shard and checks them again, as List did: they may
// have changed. A shard whose Err is set is refused with it, except that
// embeddings without metadata are good for NoPayload.
func Open(s Shard, o Options) (*Rows, error) {
	usable := s.Err == nil || o.NoPayload && (errors.Is(s.Err, ErrNoMetadata) || errors.Is(s.Err, ErrRows))
	if !usable {
		return nil, fmt.Errorf("laion: %w", s.Err)
	}
	r := &Rows{shard: s}
	if err := r.open(o); err != nil {
		r.Close()
		return nil, fmt.Errorf("laion: %w", err)
	}
	return r, nil
}

func (r *Rows) open(o Options) error {
	if r.shard.Column == "" {
		if err := r.openArray(); err != nil || o.NoPayload {
			return err
		}
	}
	var err error
	if r.table, err = parquet.Open(r.shard.Metadata.Path); err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if err := r.shard.sameRows(r.table); err != nil {
		return err
	}
	if r.shard.Column != "" {
		if err := r.openColumn(); err != nil || o.NoPayload {
			return err
		}
	}
	if names := r.columns(o.Columns); len(names) > 0 {
		r.payloads, err = r.table.Rows(names...)
	}
	return err
}

// columns returns the names of the columns to read: the wanted ones, or all but
// the vectors.
func (r *Rows) columns(wanted []string) []string {
	if len(wanted) > 0 {
		return wanted
	}
	var names []string
	for _, c := range r.table.Columns() {
		if c.Name != r.shard.Column {
			names = append(names, c.Name)
		}
	}
	return names
}

// Dropped returns the columns of the metadata that payloads leave out, the vectors
// themselves not among them.
func (r *Rows) Dropped() []parquet.Dropped {
	if r.table == nil {
		return nil
	}
	return slices.DeleteFunc(r.table.Dropped(), func(d parquet.Dropped) bool {
		return r.shard.Column != "" && strings.SplitN(d.Name, ".", 2)[0] == strings.SplitN(r.shard.Column, ".", 2)[0]
	})
}

// openArray opens the npy file of the vectors.
func (r *Rows) openArray() error {
	rows, err := openVectors(r.shard.Vectors.Path)
	if err != nil {
		return err
	}
	r.vectors = &array{rows: rows}
	shape := rows.Shape()
	return r.same(shape[0], shape[1])
}

// openColumn starts the vectors of a table.
func (r *Rows) openColumn() error {
	v, err := r.table.Vectors(parquet.VectorOptions{Column: r.shard.Column, Half: r.shard.Type == "float16", Dim: r.shard.Dim})
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	r.vectors = v
	return r.same(r.table.Len(), v.Dim())
}

// same compares the number of rows and the dimension with what List found.
func (r *Rows) same(rows, dim int) error {
	if rows != r.shard.Rows || dim != r.shard.Dim {
		return fmt.Errorf("%s: wanted %d rows of %d as it was listed, found %d of %d: %w",
			r.shard.Vectors.Path, r.shard.Rows, r.shard.Dim, rows, dim, ErrFormat)
	}
	return nil
}

// Block holds rows that Read fills. It is made once and used again.
type Block struct {
	Rows []Row // as many as were read
	all  []Row
	flat []float32 // the vectors of all rows, one after another
	bad  []error
}

// NewBlock makes room for up to rows rows of dim elements. Some thousand rows
// make good use of the disk and of the processor's cache.
func NewBlock(rows, dim int) *Block {
	b := &Block{all: make([]Row, rows), flat: make([]float32, rows*dim), bad: make([]error, rows)}
	for i := range b.all {
		b.all[i].Vector = b.flat[i*dim : (i+1)*dim : (i+1)*dim]
	}
	return b
}

// Read fills the block with the rows that come next and returns how many there
// are: b.Rows. It returns io.EOF where there are none. The vectors belong to
// the block and are good until its next use; payloads are the caller's.
func (r *Rows) Read(b *Block) (int, error) {
	n := min(len(b.all), r.shard.Rows-r.next)
	b.Rows = b.all[:n]
	if n == 0 {
		return 0, io.EOF
	}
	if err := r.fill(b); err != nil {
		b.Rows = nil
		return 0, fmt.Errorf("laion: rows %d to %d: %w", r.next, r.next+n-1, err)
	}
	r.next += n
	return n, nil
}

func (r *Rows) fill(b *Block) error {
	n := len(b.Rows)
	if dim := len(b.all[0].Vector); dim != r.shard.Dim {
		return fmt.Errorf("the block has room for vectors of %d elements, they have %d", dim, r.shard.Dim)
	}
	bad := b.bad[:n]
	clear(bad)
	if err := r.vectors.Read(b.flat[:n*r.shard.Dim], bad); err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	for i := range b.Rows {
		row := &b.Rows[i]
		row.Payload, row.Err, row.Norm = nil, bad[i], 0
		if row.Err == nil {
			row.Norm, row.Err = norm(row.Vector)
		}
		if row.Err != nil {
			row.Err = fmt.Errorf("%s: row %d: %w", r.shard.Vectors.Path, r.next+i, row.Err)
		}
	}
	if r.payloads == nil {
		return nil
	}
	if len(r.maps) < n {
		r.maps = make([]map[string]any, n)
	}
	if got, err := r.payloads.Read(r.maps[:n]); err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	} else if got < n {
		return fmt.Errorf("%s ends %d rows early: %w", r.shard.Metadata.Path, n-got, ErrRows)
	}
	for i := range b.Rows {
		b.Rows[i].Payload, r.maps[i] = r.maps[i], nil
	}
	return nil
}

// norm returns the Euclidean length of v to float32's precision, or ErrVector
// where an element is not finite: such an element shows in the sum of squares.
func norm(v []float32) (float64, error) {
	var a, b, c, d float32 // of every fourth element, so that they do not wait for each other
	rest := v
	for ; len(rest) >= 8; rest = rest[8:] {
		x := (*[8]float32)(rest)
		a += x[0]*x[0] + x[4]*x[4]
		b += x[1]*x[1] + x[5]*x[5]
		c += x[2]*x[2] + x[6]*x[6]
		d += x[3]*x[3] + x[7]*x[7]
	}
	for _, x := range rest {
		a += x * x
	}
	if sum := float64(a + b + c + d); sum-sum == 0 && sum >= 0x1p-80 {
		return math.Sqrt(sum), nil
	}
	return wideNorm(v)
}

// wideNorm is norm for vectors whose squares do not fit into a float32.
func wideNorm(v []float32) (float64, error) {
	sum := 0.0
	for i, x := range v {
		if x-x != 0 {
			return 0, fmt.Errorf("element %d is %v: %w", i, x, ErrVector)
		}
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum), nil
}

// Close closes the files.
func (r *Rows) Close() {
	if r.payloads != nil {
		r.payloads.Close()
	}
	if r.vectors != nil {
		r.vectors.Close()
	}
	if r.table != nil {
		r.table.Close()
	}
}

// array reads vectors from an npy file.
type array struct {
	rows *npy.Rows
	next int
}

func (a *array) Read(dst []float32, bad []error) error {
	from := a.next
	a.next += len(bad)
	return a.rows.Read(dst, from, len(bad))
}

func (a *array) Close() { a.rows.Close() }
