package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"engram/data/parquet"
	"engram/data/text"
	"engram/data/webdataset"
	"engram/index"
)

// isTable reports whether a file is called as a table of metadata is in a folder of
// images of Hugging Face's datasets ("ImageFolder" in their documentation).
func isTable(name string) bool {
	return slices.Contains([]string{"metadata.csv", "metadata.jsonl", "metadata.parquet"}, name)
}

// fileColumns are the columns that may name the photo, the first one there counts.
func fileColumns() []string {
	return []string{"file_name", "image_file_name", "filename", "file", "image", "path"}
}

// maxTable bounds a table of text, in bytes.
const maxTable = 1 << 30

// readTable returns the rows of a table of metadata.
func readTable(file string, joined *Joined) ([]record, error) {
	t := table{name: filepath.Base(file), joined: joined}
	var err error
	if filepath.Ext(file) == ".parquet" {
		err = t.readParquet(file)
	} else {
		err = t.readText(file)
	}
	if err == nil && len(t.records) == 0 && joined.odds > 0 {
		err = fmt.Errorf("%s: %s", joined.odd[0].Place, joined.odd[0].Reason)
	}
	return t.records, err
}

// table is a table that is being read.
type table struct {
	name    string
	joined  *Joined
	records []record
}

func (t *table) oddly(place string, err error) {
	if t.joined.odds++; len(t.joined.odd) < maxListed {
		t.joined.odd = append(t.joined.odd, Odd{File: t.joined.File, Place: place, Reason: err.Error()})
	}
}

// add takes a row. place says where it stands.
func (t *table) add(place string, row map[string]any) {
	for _, column := range fileColumns() {
		name, _ := row[column].(string)
		if name == "" {
			continue
		}
		delete(row, column)
		maps.DeleteFunc(row, func(_ string, value any) bool { return value == nil || value == "" })
		if row[index.KeyCaption] == nil && row["text"] != nil {
			row[index.KeyCaption] = row["text"] // as the ecosystem calls it
		}
		t.records = append(t.records, record{name, row})
		return
	}
	t.oddly(place, errors.New("wanted the name of a photo in column file_name"))
}

func (t *table) readText(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err != nil {
		return err
	}
	if len(content) > maxTable {
		return fmt.Errorf("it has more than %d bytes", maxTable)
	}
	plain, err := text.Decode(content)
	if err != nil {
		return err
	}
	if filepath.Ext(file) == ".csv" {
		return t.readCSV([]byte(plain))
	}
	t.readLines([]byte(plain))
	return nil
}

// readLines reads a JSON object a line.
func (t *table) readLines(text []byte) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		place := fmt.Sprintf("line %d", n)
		if row, err := webdataset.ParseMetadata(line); err != nil {
			t.oddly(place, err)
		} else {
			t.add(place, row)
		}
	}
}

// readCSV reads a table of comma, semicolon or tab, whichever the header has most.
func (t *table) readCSV(text []byte) error {
	head, _, _ := bytes.Cut(text, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	for _, comma := range []byte{';', '\t'} {
		if bytes.Count(head, []byte{comma}) > bytes.Count(head, []byte{byte(r.Comma)}) {
			r.Comma = rune(comma)
		}
	}
	header, err := r.Read()
	if err != nil {
		return fmt.Errorf("wanted a header: %w", err)
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line, _ := r.FieldPos(0)
		place := fmt.Sprintf("line %d", line)
		if err != nil {
			t.oddly(place, err)
			continue
		}
		row := map[string]any{}
		for i, cell := range cells[:min(len(cells), len(header))] {
			row[strings.TrimSpace(header[i])] = cellValue(cell)
		}
		for _, column := range fileColumns() { // a name may look like a number
			if i := slices.Index(header, column); i >= 0 && i < len(cells) {
				row[column] = strings.TrimSpace(cells[i])
			}
		}
		t.add(place, row)
	}
}

// cellValue returns a cell as a number where it is one, written as numbers are.
func cellValue(cell string) any {
	text := strings.TrimSpace(cell)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	if strings.Trim(text, "0123456789.-eE+") == "" {
		if x, err := strconv.ParseFloat(text, 64); err == nil && !strings.HasPrefix(text, "0") || err == nil && strings.HasPrefix(text, "0.") {
			return x
		}
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

func (t *table) readParquet(file string) error {
	f, err := parquet.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := f.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	block := make([]map[string]any, 1024)
	for first := 0; ; {
		n, err := rows.Read(block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, row := range block[:n] {
			t.add(fmt.Sprintf("row %d", first+i), row)
		}
		first += n
	}
}
