package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/racetest"
	"engram/embed/pixels"
	"engram/httpapi/keys"
)

// hostileKeys names the file of keys of the server that TestHostileConnections attacks.
const hostileKeys = "ENGRAM_TEST_HOSTILE_KEYS"

// TestHostileServer is the server that TestHostileConnections attacks, in a process of its
// own.
func TestHostileServer(t *testing.T) {
	path := os.Getenv(hostileKeys)
	if path == "" {
		t.Skip("no test of its own: TestHostileConnections starts it as the server that is attacked")
	}
	opts := fakeOptions(t)
	opts.MaxBodyBytes = 1 << 20
	limits := pixels.Limits{Budget: pixels.NewBudget(256 << 20)}
	opts.Encoder.Encode = func(ctx context.Context, file []byte) ([]float32, error) {
		err := pixels.Use(ctx, bytes.NewReader(file), limits, func(*pixels.Image) error { return nil })
		return []float32{1, 0, 0}, err
	}
	var err error
	if opts.Keys, err = keys.Open(path); err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("address %s\n", l.Addr())
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	if err := newServer(t, opts).Serve(ctx, l); err != nil {
		t.Fatal(err)
	}
}

// patience is how long connections that are to be ended may last, on a machine that does
// much else; they have readHeaderTimeout.
const patience = 30 * time.Second

// victim is a server in a process of its own, and a client of it that does no harm.
type victim struct {
	*testing.T
	address, key string
	pid          int
	client       http.Client
}

// newVictim starts the server.
func newVictim(t *testing.T) *victim {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the memory of a process is read from /proc, which is Linux's")
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	key, err := keys.Create(path, "friend", keys.Read)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostileServer$")
	cmd.Env = append(os.Environ(), hostileKeys+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // requests that were cut off make it fail
	})
	v := &victim{T: t, key: key, pid: cmd.Process.Pid}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "address "); ok {
			v.address = address
			break
		}
	}
	v.client = http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if status, _ := v.search(`{"text":"red"}`, key); status != 200 {
		t.Fatalf("the server at %q answers %d", v.address, status)
	}
	return v
}

// search sends a query by a connection of its own, and returns the status and the time
// until it came; 0 where none comes.
func (v *victim) search(body, key string) (status int, took time.Duration) {
	begun := time.Now()
	r, err := http.NewRequestWithContext(v.Context(), http.MethodPost, "http://"+v.address+"/v1/search", strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if body != "" && body[0] != '{' {
		r.Header.Set("Content-Type", "image/png")
	}
	r.Header.Set("Authorization", "Bearer "+key)
	response, err := v.client.Do(r)
	if err != nil {
		return 0, time.Since(begun)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, time.Since(begun)
	}
	return response.StatusCode, time.Since(begun)
}

// memory returns a line of the server's /proc/PID/status, in MiB.
func (v *victim) memory(name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.pid))
	if err != nil {
		v.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			if err != nil {
				v.Fatal(err)
			}
			return kib / 1024
		}
	}
	v.Fatalf("no %s in %s", name, text)
	return 0
}

// files returns how many files and connections the server has open.
func (v *victim) files() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", v.pid))
	if err != nil {
		v.Fatal(err)
	}
	return len(list)
}

// attack does something bad. While it lasts, which it says by calling held, a friend
// searches; the row of the table has how long that took, and the memory it cost at most.
func (v *victim) attack(name string, most float64, do func(held func()) (answer string)) {
	v.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", v.pid), []byte("5"), 0o600); err != nil { // VmHWM begins anew
		v.Fatal(err)
	}
	before := v.memory("VmRSS")
	status, took, files := 0, time.Duration(0), 0
	answer := do(func() {
		status, took = v.search(`{"text":"red"}`, v.key)
		files = v.files()
	})
	cost := v.memory("VmHWM") - before
	v.Logf("| %s | %s | %d in %d ms | %d | %.0f MiB |", name, answer, status, took.Milliseconds(), files, max(0, cost))
	if status != 200 || took > 10*time.Second {
		v.Errorf("%s: meanwhile a friend is answered %d after %v", name, status, took)
	}
	if cost > most {
		v.Errorf("%s: it cost %.0f MiB, wanted %.0f at most", name, cost, most)
	}
}

// dial opens n connections and sends on each what text returns.
func (v *victim) dial(n int, text string) []net.Conn {
	v.Helper()
	list := make([]net.Conn, n)
	for i := range list {
		conn, err := new(net.Dialer).DialContext(v.Context(), "tcp", v.address)
		if err != nil {
			v.Fatalf("connection %d: %v", i, err)
		}
		list[i] = conn
		_, _ = io.WriteString(conn, text) // the server may have ended it: see ends
	}
	return list
}

// ends counts how many of the connections the server has ended within a time.
func ends(list []net.Conn, within time.Duration) (n int) {
	until := time.Now().Add(within)
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, conn := range list {
		group.Go(func() {
			_ = conn.SetReadDeadline(until)
			_, err := io.Copy(io.Discard, conn)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				mu.Lock()
				n++
				mu.Unlock()
			}
			conn.Close()
		})
	}
	group.Wait()
	return n
}

// bomb returns a picture of side × side pixels in few bytes.
func bomb(t *testing.T, side int) string {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.Black, color.White})); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// What clients do to the connections and the memory of a server: others are answered
// meanwhile, and it costs no more than its bounds say. With -v the test prints the table.
func TestHostileConnections(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector, which takes several times the memory that is bounded here")
	}
	v := newVictim(t)
	t.Logf("| what | its answer | a search meanwhile | open files | memory |, over %.0f MiB before", v.memory("VmRSS"))
	const many = 10_000
	v.attack("10,000 connections that say nothing", 150, func(held func()) string {
		list := v.dial(many, "")
		held()
		return fmt.Sprintf("%d closed", ends(list, patience))
	})
	v.attack("10,000 connections kept after a request", 250, func(held func()) string {
		list := v.dial(many, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		held()
		return fmt.Sprintf("%d closed for newer ones", ends(list, time.Second))
	})
	v.attack("3,000 headers that do not end", 150, func(held func()) string {
		list := v.dial(3000, "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nX-A: ")
		held()
		n := ends(list, patience)
		if n != len(list) {
			t.Errorf("%d of %d headers without an end were ended", n, len(list))
		}
		return fmt.Sprintf("%d closed", n)
	})
	v.attack("1,000 bodies that stop after 200 kB", 250, func(held func()) string {
		list := v.dial(1000, "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+v.key+
			"\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 200_000))
		held()
		n := ends(list, 3*time.Second)
		if n < len(list)/2 {
			t.Errorf("%d of %d bodies were refused, wanted all for which there is no memory", n, len(list))
		}
		return fmt.Sprintf("%d refused and closed", n)
	})
	v.attack("10 headers of 10 MB", 100, func(held func()) string {
		list := v.dial(10, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "+strings.Repeat("x", 10<<20))
		held()
		return fmt.Sprintf("%d closed", ends(list, time.Second))
	})
	v.attack("three pictures of 12,000 × 12,000 at once", 450, v.bombs(bomb(t, 12_000))) // whose budget is 256 MiB, beside garbage
	v.attack("1,000 guessed keys", 50, func(held func()) string {
		answers, begun := map[int]int{}, time.Now()
		for range 1000 {
			status, _ := v.search(`{"text":"red"}`, "engram_GUESS")
			answers[status]++
		}
		held() // by a key that was right before
		most := guessesAtOnce + 1 + int(guessesPerSecond*time.Since(begun).Seconds())
		if answers[401] < guessesAtOnce || answers[401] > most || answers[401]+answers[429] != 1000 {
			t.Errorf("the guesses are answered %v", answers)
		}
		return fmt.Sprintf("%d × 401, %d × 429", answers[401], answers[429])
	})
}

// bombs sends a picture three times at once.
func (v *victim) bombs(file string) func(func()) string {
	return func(held func()) string {
		answers := make(chan int, 3)
		for range cap(answers) {
			go func() {
				status, _ := v.search(file, v.key)
				answers <- status
			}()
		}
		held()
		list := []int{<-answers, <-answers, <-answers}
		slices.Sort(list)
		for _, status := range list {
			if status != 200 && status != 422 && status != 503 {
				v.Errorf("a picture of %d kB is answered %d", len(file)>>10, status)
			}
		}
		return fmt.Sprint(list)
	}
}
