package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"engram/httpapi/internal/problem"

	"github.com/gin-gonic/gin"
)

// serveContent answers with content, or the range of it that was asked for. The
// errors of http.ServeContent, which it would write as plain text, it returns.
func serveContent(c *gin.Context, modified time.Time, content io.ReadSeeker) error {
	w := &contentWriter{ResponseWriter: c.Writer}
	http.ServeContent(w, c.Request, "", modified, content)
	if w.refused != 0 {
		for _, header := range []string{"ETag", "Last-Modified", "Cache-Control"} { // of the file
			c.Writer.Header().Del(header)
		}
	}
	switch w.refused {
	case 0:
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("the range %.60q is not in the file (%s): %w", c.GetHeader("Range"), c.Writer.Header().Get("Content-Range"), problem.ErrRange)
	case http.StatusPreconditionFailed:
		return fmt.Errorf("the file is another one than the request's conditions say: %w", problem.ErrPrecondition)
	}
	return fmt.Errorf("sending a file: status %d", w.refused)
}

// contentWriter keeps the status of an error, and its text from being written.
type contentWriter struct {
	http.ResponseWriter
	refused int
}

func (w *contentWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *contentWriter) Write(p []byte) (int, error) {
	if w.refused != 0 {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
