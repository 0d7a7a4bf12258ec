// Package table reads tables as laboratories and offices write them: comma, semicolon
// or tab between the cells, UTF-8 with or without a byte order mark, UTF-16 or
// Windows-1252, lines that end in any way, padded and quoted cells, empty cells and
// lines at the end. The first line names the columns.
//
// A table with a .tsv ending is one of BIDS, where n/a stands for what is not
// there (https://bids-specification.readthedocs.io, "Tabular files"); see Missing.
//
// encoding/csv reads the plain form only. NOTES.md says why it is not used.
package table
