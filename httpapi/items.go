package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// itemView is an item as visitors see it.
type itemView struct {
	ID       string        `json:"id"`
	Payload  index.Payload `json:"payload"`
	ImageURL string        `json:"image_url,omitempty"`
	// ThumbnailURL is a small JPEG of the image, where this server has the image.
	ThumbnailURL string `json:"thumbnail_url,omitempty"`
	Unsafe       bool   `json:"unsafe,omitempty"` // index.Safe does not choose it
}

func (s *Server) viewItem(id index.ID, payload index.Payload) itemView {
	view := itemView{ID: strconv.FormatUint(uint64(id), 10), Payload: payload, Unsafe: !index.Safe().Match(payload)}
	if view.Payload == nil {
		view.Payload = index.Payload{}
	}
	view.ImageURL = s.imageURL(view.ID, payload)
	if s.opts.Images != nil && s.opts.Images.Names(payload) {
		view.ThumbnailURL = s.route("items/" + view.ID + "/thumbnail")
	}
	return view
}

// imageURL returns the address of an item's image, "" where there is none: a route
// of this server, relative to the address of its page, because a proxy may have the
// page below a path of its own; or the address in the payload.
func (s *Server) imageURL(id string, payload index.Payload) string {
	if s.opts.Images != nil && s.opts.Images.Names(payload) {
		return s.imageRoute(id)
	}
	if s.opts.ImageURLs {
		return webAddress(payload)
	}
	return ""
}

// imageRoute returns the address of getImage for an item.
func (s *Server) imageRoute(id string) string { return s.route("items/" + id + "/image") }

// route returns the address of a route of this server's index.
func (s *Server) route(name string) string { return s.base + name }

// webAddress returns where on the web an item's image was, "" where its payload
// does not say. Only addresses that show a picture at most are taken.
func webAddress(payload index.Payload) string {
	for _, key := range []string{index.KeyURL, "URL"} { // LAION-5B writes it in capitals
		text, _ := payload[key].(string)
		if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			return text
		}
	}
	return ""
}

func (s *Server) findItem(ctx context.Context, id index.ID) (index.Item, error) {
	items, err := s.opts.Store.Get(ctx, []index.ID{id})
	if err != nil {
		return index.Item{}, err
	}
	if len(items) == 0 {
		return index.Item{}, fmt.Errorf("the index has no item %d: %w", id, problem.ErrNoItem)
	}
	return items[0], nil
}

// itemOf finds the item that the address names.
func (s *Server) itemOf(c *gin.Context) (index.Item, error) {
	id, err := query.ParseID(c.Param("id"))
	if err != nil {
		return index.Item{}, err
	}
	return s.findItem(c.Request.Context(), id)
}

// itemList is a page of items.
type itemList struct {
	Total int        `json:"total"`
	Items []itemView `json:"items"`
	Next  string     `json:"next,omitempty"` // the after of the next page, "" at the end
}

// listing is what of the items a request asks for.
type listing struct {
	first  index.ID // and larger ones
	limit  int
	filter index.And
}

// readListing reads the options of a list of items.
func readListing(c *gin.Context) (l listing, err error) {
	if l.limit, err = intParam(c, "limit", 12, 100); err != nil {
		return l, err
	}
	if text := c.Query("safe"); text != "" {
		safe, err := query.ParseBool("safe", text)
		if err != nil {
			return l, err
		}
		if safe {
			l.filter = append(l.filter, index.Safe())
		}
	}
	if text := c.Query("filter"); text != "" {
		filter, err := index.ParseFilter(text)
		if err != nil {
			return l, err
		}
		l.filter = append(l.filter, filter)
	}
	if text := c.Query("after"); text != "" {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return l, fmt.Errorf("after is %.40q, wanted the id of an item: %w", text, problem.ErrQuery)
		}
		if l.first = index.ID(id) + 1; l.first == 0 {
			l.limit = 0 // it is the largest id there can be
		}
	}
	return l, nil
}

// listItems answers GET /v1/items: items in the order of their ids, for a visitor
// who has nothing to search with yet.
func (s *Server) listItems(c *gin.Context) error {
	wanted, err := readListing(c)
	if err != nil {
		return err
	}
	ctx, leave, err := s.begin(c, s.opts.ReadTimeout) // a filter may look at all items
	if err != nil {
		return err
	}
	defer leave()
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	answer := itemList{Total: info.Count, Items: []itemView{}}
	for item, err := range index.AllFrom(ctx, s.opts.Store, wanted.first) {
		if err != nil {
			return err
		}
		if !wanted.filter.Match(item.Payload) {
			continue
		}
		if len(answer.Items) == wanted.limit {
			if wanted.limit > 0 {
				answer.Next = answer.Items[wanted.limit-1].ID
			}
			break
		}
		answer.Items = append(answer.Items, s.viewItem(item.ID, item.Payload))
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// getItem answers GET /v1/items/{id}.
func (s *Server) getItem(c *gin.Context) error {
	item, err := s.itemOf(c)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", s.viewItem(item.ID, item.Payload))
	return nil
}

// getImage answers GET /v1/items/{id}/image with the original file.
func (s *Server) getImage(c *gin.Context) error {
	item, err := s.itemOf(c)
	if err != nil {
		return err
	}
	image, err := s.openImage(c, item)
	if err != nil {
		return err
	}
	defer image.Content.Close()
	c.Header("Content-Type", image.ContentType)
	c.Header("Cache-Control", "private, max-age=600")
	if image.ETag != "" {
		c.Header("ETag", image.ETag)
	}
	return serveContent(c, image.ModTime, image.Content)
}
