package clip_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

var (
	peerPython = flag.String("python", "", "python with onnxruntime, for the benchmark of peers")
	peerNoSpin = flag.Bool("no-spin", false, "the peer's threads wait without spinning, as ours do: for a comparison of processor time")
	peerModel  = flag.String("model", "", "folder of a model of kind clip, for the benchmark of peers")
)

// peer is scripts/bench_encoder.py at work.
type peer struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

// cost is what a run took.
type cost struct{ wall, processor float64 } // seconds

func startPeer(b *testing.B, m *model.Model, graph string, arguments ...string) *peer {
	b.Helper()
	var output string
	for _, output = range m.Graphs[graph].Outputs {
	}
	arguments = append([]string{"../../scripts/bench_encoder.py", m.GraphPath(graph), output}, arguments...)
	if *peerNoSpin {
		arguments = append(arguments, "--no-spin")
	}
	command := exec.CommandContext(context.WithoutCancel(b.Context()), *peerPython, arguments...)
	in, inErr := command.StdinPipe()
	out, outErr := command.StdoutPipe()
	if err := errors.Join(inErr, outErr, command.Start()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(in.Close(), command.Wait()); err != nil {
			b.Error(err)
		}
	})
	p := &peer{in, bufio.NewScanner(out)}
	b.Log("Python: " + p.line(b))
	return p
}

func (p *peer) line(b *testing.B) string {
	b.Helper()
	if !p.out.Scan() {
		b.Fatal("the peer says nothing:", p.out.Err())
	}
	return p.out.Text()
}

// run makes the peer run once.
func (p *peer) run(b *testing.B) (c cost) {
	b.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(p.line(b))
	var err error
	if c.wall, err = strconv.ParseFloat(fields[0], 64); err == nil {
		c.processor, err = strconv.ParseFloat(fields[1], 64)
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// processorTime returns what this process has used, in seconds.
func processorTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// alternate runs the peer and work in turns and reports medians, and the median of
// the ratios of two runs that follow each other.
func alternate(b *testing.B, p *peer, items int, work func() error) {
	b.Helper()
	if err := work(); err != nil {
		b.Fatal(err)
	}
	var wall, processor, ours, theirs []float64
	for b.Loop() {
		their := p.run(b)
		began, used := time.Now(), processorTime(b)
		if err := work(); err != nil {
			b.Fatal(err)
		}
		our := cost{time.Since(began).Seconds(), processorTime(b) - used}
		wall, processor = append(wall, their.wall/our.wall), append(processor, their.processor/our.processor)
		ours, theirs = append(ours, our.wall), append(theirs, their.wall)
	}
	for _, figure := range []struct {
		unit   string
		values []float64
		scale  float64
	}{
		{"ours-ms/item", ours, 1000 / float64(items)}, {"theirs-ms/item", theirs, 1000 / float64(items)},
		{"rate-ratio", wall, 1}, {"cpu-ratio", processor, 1},
	} {
		slices.Sort(figure.values)
		b.ReportMetric(figure.values[len(figure.values)/2]*figure.scale, figure.unit)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPeerImages compares Encode of images that have the model's size already
// with ONNX Runtime from Python on tensors alone, on two threads each.
func BenchmarkPeerImages(b *testing.B) {
	m := peersModel(b)
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			p := startPeer(b, m, "image", "--batch", strconv.Itoa(batch), "--size", strconv.Itoa(m.ImageSize))
			e := open(b, orttest.Runtime(b), m, clip.Options{Batch: batch, Threads: 2})
			images := make([]*pixels.Image, batch)
			for i := range images {
				images[i] = &pixels.Image{W: m.ImageSize, H: m.ImageSize, Pix: make([]byte, 3*m.ImageSize*m.ImageSize)}
				for j := range images[i].Pix {
					images[i].Pix[j] = byte(j * (7 + i) / 5)
				}
			}
			alternate(b, p, batch, func() error { _, err := e.Encode(b.Context(), images); return err })
		})
	}
}

// BenchmarkPeerTexts compares Encode of captions with ONNX Runtime from Python on ids
// that are padded to the context, as most programs give them.
func BenchmarkPeerTexts(b *testing.B) {
	m := peersModel(b)
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			p := startPeer(b, m, "text", "--batch", strconv.Itoa(batch), "--ids", strconv.Itoa(m.Tokenizer.Context))
			e := openText(b, orttest.Runtime(b), m, clip.Options{Batch: batch, Threads: 2})
			texts := slices.Repeat(clip.CanaryTexts(), batch)[:batch]
			alternate(b, p, batch, func() error { _, err := e.Encode(b.Context(), texts); return err })
		})
	}
}

func peersModel(b *testing.B) *model.Model {
	b.Helper()
	if *peerPython == "" || *peerModel == "" {
		b.Skip("SKIPPED, there is no peer: add -args -python PYTHON -model FOLDER, a Python with onnxruntime and a model of kind clip")
	}
	m, err := model.Open(*peerModel)
	if err != nil {
		b.Fatal(err)
	}
	return m
}
