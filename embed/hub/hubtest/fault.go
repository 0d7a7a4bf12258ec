package hubtest

import (
	"compress/gzip"
	"net/http"
	"time"
)

// Fault is what goes wrong with one answer. The zero Fault changes nothing.
type Fault struct {
	// Status, if it is not 0, is answered instead, with Header and Body.
	Status int
	// Header has fields to add to the answer; a field without values is left out of
	// it.
	Header http.Header
	Body   string
	// Cut drops the connection after so many bytes of the body, where it is positive.
	Cut int
	// Stall stops after half of the body until the client goes away.
	Stall bool
	// Rate is the most bytes a second.
	Rate int
	// Corrupt changes the byte in the middle of the body.
	Corrupt bool
	// NoRange answers a range with the whole file and 200.
	NoRange bool
	// WrongRange answers a range with the bytes from the next one on.
	WrongRange bool
	// Gzip compresses the body, although that is not asked for.
	Gzip bool
	// Replace, if it is not nil, is sent in place of the file.
	Replace []byte
}

// body writes content to w as the fault has it.
func (f Fault) body(w http.ResponseWriter, r *http.Request, content []byte) {
	if f.Corrupt && len(content) > 0 {
		content = append([]byte(nil), content...)
		content[len(content)/2] ^= 1
	}
	const piece = 64 << 10
	for sent := 0; sent < len(content); {
		n := min(piece, len(content)-sent)
		if f.Cut > 0 {
			n = min(n, f.Cut-sent)
		}
		if f.Stall {
			n = min(n, len(content)/2-sent)
		}
		if f.Rate > 0 {
			n = min(n, max(f.Rate/1000, 1))
			time.Sleep(time.Duration(n) * time.Second / time.Duration(f.Rate))
		}
		if n <= 0 {
			flush(w)
			if f.Stall {
				<-r.Context().Done()
			}
			panic(http.ErrAbortHandler) // the connection is dropped
		}
		if _, err := w.Write(content[sent : sent+n]); err != nil {
			return
		}
		if f.Rate > 0 {
			flush(w)
		}
		sent += n
	}
}

// flush sends what is buffered.
func flush(w http.ResponseWriter) {
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

// compressed returns a gzip writer as the body of an answer.
func compressed(w http.ResponseWriter, content []byte) error {
	z := gzip.NewWriter(w)
	_, err := z.Write(content)
	if err == nil {
		err = z.Close()
	}
	return err
}
