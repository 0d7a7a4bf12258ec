package app

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/space"
	"engram/embed"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/index"
	"engram/index/open"
)

// BenchmarkScanBatch asks a server for the 16 items that fit a scan best: n scans in one
// call of /v1/search/batch, in n calls of /v1/search one after the other, and in n calls at
// once. The ways take turns. Of each it reports the processor time of a scan, the client's
// included, and its share of the time of all n. The sizes are the demo's: 6,000 voxels,
// a decoder of 512 components by the preset gaussian, 5,360 items of 65 tokens of 128.
// ENGRAM_TEST_DECODER and ENGRAM_TEST_INDEX name another decoder and another index.
func BenchmarkScanBatch(b *testing.B) {
	url := scanServer(b)
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("scans=%d", n), func(b *testing.B) {
			queries := scanQueries(n)
			together := `{"queries":[` + strings.Join(queries, ",") + `]}`
			ways := []struct {
				name string
				ask  func()
			}{
				{"batch", func() { searched(b, url+"/v1/search/batch", together, n) }},
				{"single", func() {
					for _, q := range queries {
						searched(b, url+"/v1/search", q, 1)
					}
				}},
				{"at-once", func() {
					var group sync.WaitGroup
					for _, q := range queries {
						group.Go(func() { searched(b, url+"/v1/search", q, 1) })
					}
					group.Wait()
				}},
			}
			for _, way := range ways {
				way.ask() // to be warm
			}
			times, working := make([][]float64, len(ways)), make([]time.Duration, len(ways))
			for b.Loop() {
				for i, way := range ways {
					began := time.Now()
					working[i] += processorTime(b, func() error { way.ask(); return nil })
					times[i] = append(times[i], time.Since(began).Seconds())
				}
			}
			for i, way := range ways {
				b.ReportMetric(1e3*working[i].Seconds()/float64(n*len(times[i])), way.name+"-cpu-ms/scan")
				b.ReportMetric(1e3*median(times[i])/float64(n), way.name+"-ms/scan")
			}
		})
	}
}

// searched posts a search or a batch and wants 16 hits of each query.
func searched(b *testing.B, url, body string, queries int) {
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if hits := bytes.Count(text, []byte(`"score"`)); err != nil || hits != 16*queries {
		b.Errorf("%s with %d hits, %v: %.300s", answer.Status, hits, err, text)
	}
}

// scanQueries returns queries by n scans, as JSON.
func scanQueries(n int) []string {
	scans := noise(n, 6000)
	queries := make([]string, n)
	for i := range queries {
		var raw []byte
		for _, x := range scans.Data[i*scans.Cols:][:scans.Cols] {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		queries[i] = fmt.Sprintf(`{"voxels":%q,"k":16}`, base64.StdEncoding.EncodeToString(raw))
	}
	return queries
}

// scanServer returns the address of a server that searches by scan.
func scanServer(b *testing.B) (url string) {
	b.Helper()
	a := New(Options{Library: ort.LibraryOptions{Path: orttest.Runtime(b).Path(), CacheDir: b.TempDir()}, Logger: slog.New(slog.DiscardHandler)})
	decoder, name := os.Getenv("ENGRAM_TEST_DECODER"), os.Getenv("ENGRAM_TEST_INDEX")
	if decoder == "" || name == "" {
		decoder, name = filepath.Join(b.TempDir(), "decoder"), filepath.Join(b.TempDir(), "index")
		scanWorld(b, a, decoder, name)
	}
	service, err := a.OpenService(b.Context(), ServeSpec{Index: name, SubjectSpec: SubjectSpec{Decoder: decoder}, Batch: BatchSpec{Uses: DefaultBatchUses()}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(service.Handler())
	b.Cleanup(func() {
		server.Close()
		if err := service.Close(); err != nil {
			b.Error(err)
		}
	})
	return server.URL
}

// scanWorld makes a decoder that is trained on noise, and an index of noise.
func scanWorld(b *testing.B, a *App, decoder, name string) {
	b.Helper()
	m, err := a.OpenModel(b.Context(), ScenesCLIP, nil)
	if err != nil {
		b.Fatal(err)
	}
	rt, err := a.Runtime(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	const trials = 700
	data := scan.Data{T: m.T, D: m.D, Voxels: noise(trials, 6000), Targets: noise(trials, m.T*m.D)}
	for i := range trials {
		data.Images = append(data.Images, i)
	}
	trained, err := scan.Train(b.Context(), rt, data, scan.Options{Preset: scan.PresetGaussian, Target: SpaceOf(m)})
	if err != nil {
		b.Fatal(err)
	}
	if err := SaveDecoder(b.Context(), trained, decoder); err != nil {
		b.Fatal(err)
	}
	tokenIndex(b, a, name, SpaceOf(m), index.TokenFormat{Kind: index.TokensFloat16, Count: m.T, Dim: m.D})
}

// tokenIndex makes an index of 5,360 random items with tokens.
func tokenIndex(b *testing.B, a *App, dir string, of space.Space, format index.TokenFormat) {
	b.Helper()
	x, err := a.createIndex(b.Context(), dir, open.Empty{Dim: format.Dim, Space: of, Tokens: format})
	if err != nil {
		b.Fatal(err)
	}
	var ids []index.ID
	for i := range index.ID(5360) {
		ids = append(ids, i)
	}
	for part := range slices.Chunk(ids, 670) {
		tokens := noise(len(part), format.Elements())
		var items []index.Item
		for i, id := range part {
			row := tokens.Data[i*tokens.Cols:][:tokens.Cols]
			row[0] += float32(id) // no two items are alike
			item := index.Item{ID: id, Vector: slices.Clone(row[:format.Dim]), Payload: index.Payload{index.KeyPath: fmt.Sprintf("%06d.jpg", id)}}
			if item.Tokens, err = format.Encode(nil, row); err != nil {
				b.Fatal(err)
			}
			if err := embed.Normalize(item.Vector); err != nil {
				b.Fatal(err)
			}
			items = append(items, item)
		}
		if err := x.Upsert(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
}
