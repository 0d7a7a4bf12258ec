package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/thumbnail"
	"engram/httpapi/pictures"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// thumbnailSides are the sizes of thumbnails, in pixels of the longer side. They are few,
// so that the cache has each picture a few times at most.
func thumbnailSides() []int { return []int{128, 256, 512} }

// thumbnailTime bounds the making of a thumbnail, which goes on when the client that asked
// for it has left: others may wait for it.
const thumbnailTime = 30 * time.Second

// getThumbnail answers GET /v1/items/{id}/thumbnail with a JPEG.
func (s *Server) getThumbnail(c *gin.Context) error {
	side, err := thumbnailSide(c)
	if err != nil {
		return err
	}
	item, err := s.itemOf(c)
	if err != nil {
		return err
	}
	original, err := s.openImage(c, item)
	if err != nil {
		return err
	}
	defer original.Content.Close()
	create := func() ([]byte, error) { return s.makeThumbnail(c, original, side) }
	var file []byte
	if original.ETag == "" { // nothing tells whether it has changed
		file, err = create()
	} else {
		key := fmt.Sprintf("%s %d %d %s", s.opts.IndexName, item.ID, side, original.ETag)
		file, err = s.thumbnails.Get(key, create)
		c.Header("ETag", fmt.Sprintf(`"%d-%s`, side, original.ETag[1:]))
	}
	if err != nil {
		c.Writer.Header().Del("ETag")
		return err
	}
	c.Header("Content-Type", "image/jpeg")
	c.Header("Cache-Control", "private, max-age=3600")
	return serveContent(c, time.Time{}, bytes.NewReader(file))
}

// thumbnailSide reads the size that a request asks for.
func thumbnailSide(c *gin.Context) (int, error) {
	text := c.Query("size")
	if text == "" {
		return 256, nil
	}
	for _, side := range thumbnailSides() {
		if text == strconv.Itoa(side) {
			return side, nil
		}
	}
	return 0, fmt.Errorf("size is %.20q, wanted one of %v: %w", text, thumbnailSides(), problem.ErrQuery)
}

// makeThumbnail makes a thumbnail when it is its turn.
func (s *Server) makeThumbnail(c *gin.Context, original pictures.Image, side int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), thumbnailTime)
	defer cancel()
	if err := s.drawing.Enter(ctx); err != nil {
		return nil, err
	}
	defer s.drawing.Leave()
	_, end := s.stage(ctx, "thumbnail")
	defer end()
	return thumbnail.Make(ctx, original.Content, s.opts.Pixels, side)
}

// openImage opens the original image of an item.
func (s *Server) openImage(c *gin.Context, item index.Item) (pictures.Image, error) {
	if s.opts.Images == nil {
		return pictures.Image{}, fmt.Errorf("this server has no images: %w", problem.ErrNoImage)
	}
	image, err := s.opts.Images.Open(c.Request.Context(), item)
	if errors.Is(err, fs.ErrNotExist) {
		// The cause has a path of the disk, which belongs into the log only.
		s.opts.Logger.LogAttrs(c.Request.Context(), slog.LevelWarn, "image missing",
			slog.String("request_id", requestID(c)), slog.String("error", err.Error()))
		err = fmt.Errorf("the image of item %d is not there: %w", item.ID, problem.ErrNoImage)
	}
	return image, err
}
