package query

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"engram/data/npy"
)

// TestNumbersAreCutOut: arrays of numbers are read as package json reads them.
func TestNumbersAreCutOut(t *testing.T) {
	for _, c := range []struct {
		body, rest string
		rows       [][]float32
	}{
		{`{"vector":[1,-0,2.5e-3,1E+2,0.1e0]}`, `{"vector":[]}`, [][]float32{{1, 0, 2.5e-3, 100, .1}}},
		{" { \"k\" : 3 , \"vector\" \t:\n[ 1 ,\r2 ] , \"exact\":true}", " { \"k\" : 3 , \"vector\":[] , \"exact\":true}", [][]float32{{1, 2}}},
		{`{"voxels":[[1,2],[3,4]]}`, `{"voxels":[]}`, [][]float32{{1, 2}, {3, 4}}},
		{`{"voxels": [ [1] , [2] ] }`, `{"voxels":[] }`, [][]float32{{1}, {2}}},
		{`{"voxels":[1,2]}`, `{"voxels":[]}`, [][]float32{{1, 2}}},
		{`{"voxels":[1,2],"k":[}`, `{"voxels":[],"k":[}`, [][]float32{{1, 2}}}, // refused when it is decoded
	} {
		rest, cut, ok := cutNumbers([]byte(c.body))
		if !ok || string(rest) != c.rest || !reflect.DeepEqual(cut.rows, c.rows) {
			t.Errorf("%s: %v, %q, %v, wanted %q, %v", c.body, ok, rest, cut.rows, c.rest, c.rows)
		}
	}
	for _, body := range []string{
		`{"vector":[]}`, `{"vector":[[1]]}`, `{"vector":[1,]}`, `{"vector":[,1]}`, `{"vector":[01]}`, `{"vector":[+1]}`, `{"vector":[.5]}`, `{"vector":[5.]}`,
		`{"vector":[1e]}`, `{"vector":[0x1p-2]}`, `{"vector":[inf]}`, `{"vector":[NaN]}`, `{"vector":[null]}`, `{"vector":[1e39]}`, `{"vector":["1"]}`,
		`{"vector":[1 2]}`, `{"vector":[1`, `{"vector":`, `{"vector" [1]}`, `{"Vector":[1]}`, `{"voxels":[[1],2]}`, `{"voxels":[1,[2]]}`, `["vector",1]`,
		`{"text":"vector"}`, `{"parts":[{"vector":[1]}]}`, "{\"vector\":[1,\u00a02]}",
	} {
		if _, _, ok := cutNumbers([]byte(body)); ok {
			t.Errorf("%s is cut", body)
		}
	}
}

// Numbers are the float32s that strconv reads, also halfway between two of them, and where
// those end.
func TestNumbersAreTheNearest(t *testing.T) {
	check := func(text string) {
		t.Helper()
		want, err := strconv.ParseFloat(text, 32)
		d := parseDecimal([]byte(text))
		got, easy := d.float32()
		if d.length != len(text) || easy && (err != nil || math.Float32bits(got) != math.Float32bits(float32(want))) {
			t.Errorf("%s is read as %v in %d bytes, wanted %v, error %v", text, got, d.length, float32(want), err)
		}
	}
	for _, text := range []string{
		"0", "-0", "0.0", "1e-45", "7e-46", "1.17549435e-38", "3.4028235e38", "3.4028236e38", "1e39", "9007199254740993", "9999999999999999999",
		"99999999999999999999", "16777217", "16777219", "1e22", "1e23", "1e-22", "1e-23", "1e99999999999999999999", "0.000000000000000001",
	} {
		check(text)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	easy := 0
	for range 50_000 {
		x := math.Float32frombits(rng.Uint32())
		if x-x != 0 {
			continue
		}
		near := strconv.FormatFloat(float64(x), 'g', -1, 32)
		between := strconv.FormatFloat((float64(x)+float64(math.Nextafter32(x, 9)))/2, 'g', 1+rng.IntN(17), 64)
		for _, text := range []string{near, between, strconv.FormatFloat(rng.NormFloat64(), 'f', 1+rng.IntN(14), 64)} {
			check(text)
		}
		if _, ok := parseDecimal([]byte(strconv.FormatFloat(rng.NormFloat64(), 'g', 9, 32))).float32(); ok {
			easy++
		}
	}
	if easy < 40_000 {
		t.Errorf("of 50,000 numbers of a vector %d are told easily, wanted nearly all", easy)
	}
}

// FuzzNumbers: an array of numbers that is cut out is what package json reads.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"[1,2.5e-3,-0]", "[[1],[2,3]]", "[1e400]", "[01]", "[ 1 , 2 ]", "[[1],[2],3]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, array string) {
		rest, cut, ok := cutNumbers([]byte(`{"voxels":` + array + `}`))
		if !ok {
			return
		}
		var object struct {
			Voxels json.RawMessage `json:"voxels"`
		}
		if json.Unmarshal(rest, &object) != nil {
			return // what follows the array is wrong, and is refused
		}
		if err := json.Unmarshal([]byte(`{"voxels":`+array+`}`), &object); err != nil {
			t.Fatalf("%q is read, package json refuses it: %v", array, err)
		}
		want, err := parseRepeats(object.Voxels)
		if err != nil || !reflect.DeepEqual(cut.rows, want) {
			t.Fatalf("%q is read as %v, wanted %v (%v)", array, cut.rows, want, err)
		}
	})
}

// BenchmarkQuery reads a query by a vector of 768 elements.
func BenchmarkQuery(b *testing.B) {
	vector := make([]float32, 768)
	for i := range vector {
		vector[i] = rand.Float32() - .5
	}
	body, err := json.Marshal(map[string]any{"vector": vector, "k": 10})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, contentType, address, body string }{
		{"JSON", "application/json", "", string(body)},
		{"npy", "application/x-npy", "kind=vector", string(npyFile(b, []int{768}, vector...))},
		{"raw", "application/octet-stream", "kind=vector", floats(vector...)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			values, err := url.ParseQuery(c.address)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := Read(c.contentType, values, sized{strings.NewReader(c.body), int64(len(c.body))}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// npyFile returns an npy file of float32.
func npyFile(t testing.TB, shape []int, values ...float32) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := npy.Write(&file, shape, values); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// floats returns the bytes of numbers, float32 in little-endian order.
func floats(values ...float32) string {
	var b []byte
	for _, x := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return string(b)
}
