package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"
	"engram/index/results"

	"github.com/gin-gonic/gin"
)

// knnRequest is the body of POST /knn-service, as the ClipClient of rom1504/clip-retrieval
// sends it: all members each time, null or false where they do not apply. Toggles of
// models that are not here (mclip, aesthetics, violence) are passed over, whatever they are.
type knnRequest struct {
	Text       *string   `json:"text"`
	Image      *string   `json:"image"` // base64
	ImageURL   *string   `json:"image_url"`
	Embedding  []float32 `json:"embedding_input"`
	IndexName  *string   `json:"indice_name"`
	Images     *int      `json:"num_images"`     // hits with metadata
	ResultIDs  *int      `json:"num_result_ids"` // hits
	Fold       bool      `json:"deduplicate"`
	SafetyOnly bool      `json:"use_safety_model"`
}

// knnService answers POST /knn-service with an array of hits, the best first.
func (s *Server) knnService(c *gin.Context) error {
	var request knnRequest
	if err := readLenient(c, &request); err != nil {
		return err
	}
	in, err := s.indexNamed(c.Request.Context(), request.IndexName)
	if err != nil {
		return err
	}
	return in.knn(c, request)
}

// knn answers a request with the hits of this server's index.
func (s *Server) knn(c *gin.Context, request knnRequest) error {
	shown := min(max(0, valueOr(request.Images, 40)), s.opts.MaxK)
	k := min(valueOr(request.ResultIDs, shown), s.opts.MaxK)
	if k < 1 {
		writeJSON(c, http.StatusOK, "application/json", []any{})
		return nil
	}
	if err := s.await(c, query.Part{Kind: request.kind()}); err != nil {
		return err
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
	vector, err := s.knnVector(ctx, request)
	if err != nil {
		return err
	}
	ranking := results.Ranking{Store: s.opts.Store, Index: s.opts.IndexName, Query: index.Query{Vector: vector}}
	wanted := results.Options{K: k}
	if request.Fold {
		wanted.Fold = results.DefaultFold
	}
	if request.SafetyOnly {
		ranking.Query.Filter = index.Safe()
	}
	found, err := results.Search(ctx, ranking, wanted)
	if err != nil {
		return err
	}
	hits := make([]map[string]any, len(found.Hits))
	for i, hit := range found.Hits {
		hits[i] = map[string]any{}
		if i < shown {
			hits[i] = s.metadataOf(c, hit.ID, hit.Payload)
		}
		hits[i]["id"], hits[i]["similarity"] = uint64(hit.ID), hit.Score
	}
	writeJSON(c, http.StatusOK, "application/json", hits)
	return nil
}

// valueOr returns a number, or another one where it is null.
func valueOr(n *int, other int) int {
	if n == nil {
		return other
	}
	return *n
}

// kind returns the kind of query of what counts.
func (r *knnRequest) kind() string {
	switch {
	case given(r.Text):
		return query.KindText
	case given(r.Image), given(r.ImageURL):
		return query.KindImage
	}
	return query.KindVector
}

func given(text *string) bool { return text != nil && *text != "" }

// knnVector returns the vector of a request. Of several inputs the first counts, in
// clip-retrieval's order.
func (s *Server) knnVector(ctx context.Context, request knnRequest) ([]float32, error) {
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case given(request.Text):
		return s.encodeText(ctx, *request.Text, info, new(queryView))
	case given(request.Image):
		file, err := base64.StdEncoding.DecodeString(*request.Image)
		if err != nil {
			return nil, fmt.Errorf("the image is not the base64 of a file: %w", problem.ErrBody)
		}
		return s.encode(ctx, file, info)
	case given(request.ImageURL):
		if s.fetcher == nil {
			return nil, fmt.Errorf("this server fetches no images from the web, unless engram serve --fetch-images lets it: %w", problem.ErrQuery)
		}
		file, err := s.fetcher.Get(ctx, *request.ImageURL)
		if err != nil {
			return nil, err
		}
		return s.encode(ctx, file, info)
	case len(request.Embedding) > 0:
		return request.Embedding, checkVector(request.Embedding, info.Dim)
	}
	return nil, fmt.Errorf("wanted text, image, image_url or embedding_input: %w", problem.ErrQuery)
}

// metadataOf returns the payload of an item with a url and a caption, which the clients of
// clip-retrieval show. The url is the payload's, or where this server has the image.
func (s *Server) metadataOf(c *gin.Context, id index.ID, payload index.Payload) map[string]any {
	all := map[string]any{}
	maps.Copy(all, payload)
	if _, has := all["caption"]; !has {
		if captions, _ := payload[index.KeyCaptions].([]string); len(captions) > 0 {
			all["caption"] = captions[0]
		}
	}
	if _, has := all["caption"]; !has {
		all["caption"] = "" // clients read it from each hit
	}
	if address := webAddress(payload); address != "" {
		all["url"] = address
	} else if s.opts.Images != nil && s.opts.Images.Names(payload) {
		all["url"] = s.scheme(c.Request) + "://" + c.Request.Host + "/" + s.imageRoute(strconv.FormatUint(uint64(id), 10))
	}
	return all
}

// metadataRequest is the body of POST /metadata.
type metadataRequest struct {
	IndexName *string    `json:"indice_name"`
	IDs       []index.ID `json:"ids"`
}

// getMetadata answers POST /metadata with the payloads of items, in the order of their ids.
func (s *Server) getMetadata(c *gin.Context) error {
	var request metadataRequest
	if err := readLenient(c, &request); err != nil {
		return err
	}
	in, err := s.indexNamed(c.Request.Context(), request.IndexName)
	if err != nil {
		return err
	}
	if len(request.IDs) > s.opts.MaxK {
		return fmt.Errorf("there are %d ids, wanted %d at most: %w", len(request.IDs), s.opts.MaxK, problem.ErrQuery)
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
	items, err := in.opts.Store.Get(ctx, request.IDs)
	if err != nil {
		return err
	}
	type view struct {
		ID       uint64         `json:"id"`
		Metadata map[string]any `json:"metadata"`
	}
	views := make([]view, len(items))
	for i, item := range items {
		views[i] = view{uint64(item.ID), in.metadataOf(c, item.ID, item.Payload)}
	}
	writeJSON(c, http.StatusOK, "application/json", views)
	return nil
}

// listIndices answers GET /indices-list. The first is the default one.
func (s *Server) listIndices(c *gin.Context) error {
	list, err := s.collectionNames(c.Request.Context())
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", list)
	return nil
}

// indexNamed returns the server of an index. Null and "" are the default one.
func (s *Server) indexNamed(ctx context.Context, name *string) (*Server, error) {
	if name == nil || *name == "" {
		return s, nil
	}
	return s.collection(ctx, *name)
}

// readLenient reads a body as clip-retrieval does: as JSON whatever its media type, and
// members that are not known are passed over.
func readLenient(c *gin.Context, into any) error {
	raw, err := query.ReadAll(query.BodyOf(c.Request))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("the body is no JSON as clip-retrieval has it: %w: %w", err, problem.ErrBody)
	}
	return nil
}
