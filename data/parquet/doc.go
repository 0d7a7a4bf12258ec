// Package parquet reads tables of metadata and embeddings from Parquet files,
// and writes tables of metadata, in the few types that a payload has: string,
// bool, int64, float64, []string and nil.
//
// Open reads a file's footer. Rows streams the columns that are wanted, and
// only those are read; Vectors streams a column of embeddings as float32.
// Writer takes rows with any keys and makes the columns as they come.
//
// What a column's values become:
//
//	strings, enumerations, JSON        string (broken UTF-8 is replaced)
//	booleans                           bool
//	integers                           int64; unsigned ones beyond it the decimal digits as string
//	floating-point numbers, float16    float64; nil where not finite: pandas writes missing numbers as NaN
//	decimals                           int64 without fraction, else the nearest float64
//	timestamps                         string, RFC 3339 in UTC; without a zone they are taken for UTC
//	dates, times of day                string, 2006-01-02 and 15:04:05.999999999
//	UUIDs, other bytes of fixed size   string, hexadecimal
//	lists of strings                   []string, without elements that are null
//	fields of groups                   columns of their own, named "group.field"
//
// Binary columns, lists of other things, maps and lists of groups have no
// counterpart and are left out; File.Dropped names them.
//
// The format is described in https://parquet.apache.org/docs/file-format. The
// footer and the encodings of values are read by github.com/parquet-go/parquet-go.
// The pages are taken apart here, one column at a time: entries of a dictionary
// become values once, text is copied once per block of rows, sizes and lengths
// are checked before anything is made in their size, checksums are compared
// where there are some, and a panic of the decoder is an error (ErrCorrupt).
// Encrypted files and levels in the BIT_PACKED encoding of old are refused.
package parquet
