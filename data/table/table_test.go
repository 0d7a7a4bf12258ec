package table_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"engram/data/table"

	"github.com/google/go-cmp/cmp"
)

func utf16Text(text string, big bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// The same table in the ways that programs write it.
func TestTablesOfExcelAndBIDS(t *testing.T) {
	want := []string{"a.png", "b c.png", "d,e.png"}
	plain := "trial,image\n1,a.png\n2,b c.png\n3,\"d,e.png\"\n"
	tabs := "trial\timage\n1\ta.png\n2\tb c.png\n3\td,e.png\n"
	semicolons := "trial;image\n1;a.png\n2;b c.png\n3;d,e.png\n"
	for name, test := range map[string][2]string{
		"plain":                      {"t.csv", plain},
		"byte order mark":            {"t.csv", "\ufeff" + plain},
		"the mark before a quote":    {"t.csv", "\ufeff\"trial\",\"image\"\n1,a.png\n2,b c.png\n3,\"d,e.png\"\n"},
		"UTF-16 of Windows":          {"t.csv", "\xff\xfe" + utf16Text(tabs, false)},
		"UTF-16, big endian":         {"t.txt", "\xfe\xff" + utf16Text(tabs, true)},
		"UTF-16 without mark":        {"t.csv", utf16Text(plain, false)},
		"UTF-16, big, without mark":  {"t.csv", utf16Text(plain, true)},
		"CRLF":                       {"t.csv", strings.ReplaceAll(plain, "\n", "\r\n")},
		"CR":                         {"t.csv", strings.ReplaceAll(plain, "\n", "\r")},
		"no last line break":         {"t.csv", strings.TrimSuffix(plain, "\n")},
		"tabs":                       {"t.tsv", tabs},
		"tabs under another name":    {"t.csv", tabs},
		"commas under another name":  {"t.tsv", plain},
		"semicolons":                 {"t.csv", semicolons},
		"Excel's separator":          {"t.csv", "sep=;\r\n" + semicolons},
		"another separator":          {"t.csv", "sep=|\n" + strings.ReplaceAll(semicolons, ";", "|")},
		"spaces":                     {"t.csv", "trial , image\n1, a.png \n2 ,  b c.png\n 3,\u00a0\"d,e.png\" \n"},
		"a comma at the end":         {"t.csv", "trial,image,\n1,a.png,\n2,b c.png,\n3,\"d,e.png\",\n"},
		"a comma after the lines":    {"t.csv", "trial,image\n1,a.png,\n2,b c.png,,\n3,\"d,e.png\"\n"},
		"a comma after the header":   {"t.csv", "trial,image,\n1,a.png\n2,b c.png\n3,\"d,e.png\"\n"},
		"empty lines":                {"t.csv", "\n" + plain + "\n\n,\n , \n"},
		"a column of another case":   {"t.csv", strings.Replace(plain, "image", "Image", 1)},
		"quotes with breaks in them": {"t.csv", "note,image\n\"two\nlines\",a.png\n\"say \"\"so\"\"\",b c.png\n5\" wide,\"d,e.png\"\n"},
	} {
		got, err := table.Parse(test[0], []byte(test[1]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		column, err := got.Column("image")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, column.Values); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestOtherEncodings(t *testing.T) {
	for content, want := range map[string]string{
		"image\nB\xe4r.png\n": "Bär.png", // Windows-1252
		"image\nBär.png\n":    "Bär.png",
		"\xff\xfe" + utf16Text("image\n🐻.png\n", false): "🐻.png",
	} {
		got, err := table.Parse("t.csv", []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if column, err := got.Column("image"); err != nil || !slices.Equal(column.Values, []string{want}) {
			t.Errorf("%q: %q, %v", content, column.Values, err)
		}
	}
}

func TestLinesAreThoseOfTheFile(t *testing.T) {
	got, err := table.Parse("t.csv", []byte("sep=,\n\nnote,image\n\"two\nlines\",a\n\nx,b\n"))
	if err != nil {
		t.Fatal(err)
	}
	column, err := got.Column("image")
	if err != nil || !slices.Equal(column.Lines, []int{4, 7}) {
		t.Errorf("lines %v, %v; want 4 and 7", column.Lines, err)
	}
}

func TestRefusals(t *testing.T) {
	for want, content := range map[string]string{
		"wanted a header":                            "",
		"wanted a header, found no text":             "\r\n , \n",
		"line 3: wrong number of fields: 1, the hea": "image,x\na,1\nb\n",
		"line 2: wrong number of fields: 3":          "image,x\na,1,2\n",
		"line 2: a quote is not closed":              "image,x\n\"a,1\nb,2\n",
		"found a workbook":                           "PK\x03\x04rest",
		"found a zero at byte 7":                     "image\na\x00\n",
		"two bytes each, found 3 bytes":              "\xff\xfeabc",
		`no column "image", it has a, b`:             "a,b\n1,2\n",
		`several columns "image": image, image`:      "image,image\n1,2\n",
		`several columns "image": IMAGE, Image`:      "IMAGE,Image\n1,2\n",
	} {
		got, err := table.Parse("t.csv", []byte(content))
		if err == nil {
			_, err = got.Column("image")
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "t.csv") {
			t.Errorf("error is %v, want the file and %q in it", err, want)
		}
	}
}

func TestGzippedTables(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("onset\timage\n0.5\tn/a\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "events.tsv.gz")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := table.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	column, err := got.Column("image")
	if err != nil || len(column.Values) != 1 || !table.Missing(column.Values[0]) || table.Missing("na.png") {
		t.Errorf("values %q, %v; want one that is missing", column.Values, err)
	}
}

// Rows have as many cells as there are columns, and what encoding/csv reads without
// padding and in one way only is read alike.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\ufeffa;b\r\n1;\"2\n\"\r\n", "sep=|\na|b\n1|2", "a\tb\n1\tn/a\n", "\xff\xfea\x00\n\x00", "a, \"b\" ,c\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := table.Parse("t.csv", content)
		if err != nil {
			return
		}
		for _, name := range got.Columns {
			if column, err := got.Column(name); err == nil && len(column.Values) != len(column.Lines) {
				t.Errorf("%d values on %d lines", len(column.Values), len(column.Lines))
			}
		}
		if bytes.ContainsAny(content, "\";\t\r\x00 \v\f\ufeff|=\u0085\u00a0") || !utf8.Valid(content) || !bytes.HasSuffix(content, []byte("\n")) {
			return
		}
		records, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
		if err != nil || len(records) == 0 || slices.Contains(records[0], "") {
			return
		}
		if !slices.Equal(records[0], got.Columns) {
			t.Errorf("%q: columns %q, encoding/csv reads %q", content, got.Columns, records[0])
		}
		column, err := got.Column(got.Columns[0])
		if err == nil && len(column.Values) > len(records)-1 {
			t.Errorf("%q: %d rows, encoding/csv reads %d", content, len(column.Values), len(records)-1)
		}
	})
}
