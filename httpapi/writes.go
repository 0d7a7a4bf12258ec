package httpapi

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"slices"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// writtenView says what a write has done. It is durable when the answer comes.
type writtenView struct {
	Written int `json:"written"` // items that were added or replaced
	Deleted int `json:"deleted"`
}

// readWrite reads the JSON of a write, where the server writes at all.
func (s *Server) readWrite(c *gin.Context) ([]byte, error) {
	if !s.opts.Writable {
		return nil, fmt.Errorf("this server only reads its index; engram serve --writable writes too: %w", index.ErrReadOnly)
	}
	return readJSON(c)
}

// readJSON reads a body that is JSON alone.
func readJSON(c *gin.Context) ([]byte, error) {
	r := c.Request
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, fmt.Errorf("the body is JSON, not %q: %w", r.Header.Get("Content-Type"), problem.ErrMediaType)
	}
	return query.ReadAll(query.BodyOf(r))
}

// putItem answers PUT /v1/items/{id}.
func (s *Server) putItem(c *gin.Context) error {
	raw, err := s.readWrite(c)
	if err != nil {
		return err
	}
	put, err := query.ReadPut(raw)
	if err != nil {
		return err
	}
	if put.ID, err = query.ParseID(c.Param("id")); err != nil {
		return err
	}
	return s.write(c, []query.Put{put})
}

// putItems answers POST /v1/items.
func (s *Server) putItems(c *gin.Context) error {
	raw, err := s.readWrite(c)
	if err != nil {
		return err
	}
	puts, err := query.ReadPuts(raw)
	if err != nil {
		return err
	}
	return s.write(c, puts)
}

// write writes items, all or none of them.
func (s *Server) write(c *gin.Context, puts []query.Put) error {
	if slices.ContainsFunc(puts, func(p query.Put) bool { return p.Image != nil }) {
		if err := s.await(c, query.Part{Kind: query.KindImage}); err != nil {
			return err
		}
	}
	ctx, leave, err := s.begin(c, s.opts.WriteTimeout)
	if err != nil {
		return err
	}
	defer leave()
	if puts[0].PayloadAlone() {
		return s.writePayloads(ctx, c, puts)
	}
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	if info.Tokens.Kept() {
		return fmt.Errorf("the index keeps %s of each item, which a write has not: engram index build adds images, and a payload alone replaces a payload: %w",
			info.Tokens, index.ErrTokens)
	}
	items := make([]index.Item, len(puts))
	for i, put := range puts {
		vector, err := s.vectorOfPut(ctx, put, info)
		if err != nil && len(puts) > 1 {
			err = fmt.Errorf("item %d: %w", i+1, err)
		}
		if err != nil {
			return err
		}
		items[i] = index.Item{ID: put.ID, Vector: vector, Payload: put.Payload}
	}
	_, end := s.stage(ctx, "write")
	err = s.opts.Store.Upsert(ctx, items)
	end()
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", writtenView{Written: len(items)})
	return nil
}

// vectorOfPut returns the vector of an item that is written.
func (s *Server) vectorOfPut(ctx context.Context, put query.Put, info index.Info) ([]float32, error) {
	if put.Image != nil {
		return s.encode(ctx, put.Image, info)
	}
	return put.Vector, checkVector(put.Vector, info.Dim)
}

// writePayloads replaces payloads.
func (s *Server) writePayloads(ctx context.Context, c *gin.Context, puts []query.Put) error {
	store, ok := s.opts.Store.(index.PayloadSetter)
	if !ok {
		return fmt.Errorf("this index replaces no payload alone, wanted a vector: %w", problem.ErrQuery)
	}
	payloads := make(map[index.ID]index.Payload, len(puts))
	for _, put := range puts {
		payloads[put.ID] = put.Payload
	}
	_, end := s.stage(ctx, "write")
	n, err := store.SetPayloads(ctx, payloads)
	end()
	if err == nil && n == 0 {
		err = fmt.Errorf("the index has none of the items: %w", problem.ErrNoItem)
	}
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", writtenView{Written: n})
	return nil
}

// deleteItem answers DELETE /v1/items/{id}.
func (s *Server) deleteItem(c *gin.Context) error {
	if !s.opts.Writable {
		_, err := s.readWrite(c)
		return err
	}
	id, err := query.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	n, err := s.delete(c, []index.ID{id})
	if err == nil && n == 0 {
		err = fmt.Errorf("the index has no item %d: %w", id, problem.ErrNoItem)
	}
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", writtenView{Deleted: n})
	return nil
}

// deleteItems answers POST /v1/items/delete.
func (s *Server) deleteItems(c *gin.Context) error {
	raw, err := s.readWrite(c)
	if err != nil {
		return err
	}
	ids, err := query.ReadIDs(raw)
	if err != nil {
		return err
	}
	n, err := s.delete(c, ids)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", writtenView{Deleted: n})
	return nil
}

// delete deletes items, and returns how many were there.
func (s *Server) delete(c *gin.Context, ids []index.ID) (int, error) {
	ctx, leave, err := s.begin(c, s.opts.WriteTimeout)
	if err != nil {
		return 0, err
	}
	defer leave()
	_, end := s.stage(ctx, "write")
	defer end()
	return s.opts.Store.Delete(ctx, ids)
}
