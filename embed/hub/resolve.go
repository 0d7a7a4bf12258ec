package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxListBytes is the longest list of a repository's files that is read.
const maxListBytes = 64 << 20

// Resolve returns the commit of a revision and its files. The revision is a branch, a
// tag, a reference such as refs/pr/1 or a commit; "" means "main". Offline, or where
// the hub cannot be reached, it returns the files that the cache has, and no licence.
func (c *Client) Resolve(ctx context.Context, repo, revision string) (*Snapshot, error) {
	if err := checkRepo(repo); err != nil {
		return nil, err
	}
	revision = cmp.Or(revision, "main")
	if strings.ContainsFunc(revision, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.Contains(revision, "..") || len(revision) > 256 {
		return nil, say(ErrRevision, "hub: %s: %q is no branch, tag or commit", repo, revision)
	}
	if c.offline {
		return c.cachedSnapshot(repo, revision)
	}
	snap, err := c.resolve(ctx, repo, revision)
	if errors.Is(err, ErrUnreachable) {
		if cached, cacheErr := c.cachedSnapshot(repo, revision); cacheErr == nil {
			c.log.Warn("the hub cannot be reached, the cache is used", "repository", repo, "commit", cached.Commit, "error", err)
			return cached, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("hub: %s: %w", repo, err)
	}
	return snap, nil
}

func (c *Client) resolve(ctx context.Context, repo, revision string) (*Snapshot, error) {
	r := request{method: http.MethodGet, about: subject{repo: repo, revision: revision},
		url: c.endpoint + "/api/models/" + repo + "/revision/" + url.PathEscape(revision) + "?blobs=true"}
	var text []byte
	err := c.retry(ctx, func() error {
		resp, err := c.once(ctx, c.files, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if err := refuseWebPage(resp, "the list of files"); err != nil {
			return err
		}
		text, err = readBody(resp, maxListBytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	snap, err := parseModel(text)
	if err != nil {
		return nil, say(ErrAnswer, "%s %w: check HF_ENDPOINT", c.host, err)
	}
	snap.Repo = repo
	if snap.Commit == "" && commitHex.MatchString(revision) {
		snap.Commit = revision
	}
	if snap.Commit == "" {
		head, err := c.head(ctx, subject{repo, revision, snap.Files[0].Path})
		if err != nil {
			return nil, err
		}
		if snap.Commit = head.commit; snap.Commit == "" {
			return nil, say(ErrAnswer, "%s does not say which commit %s is: check HF_ENDPOINT", c.host, revision)
		}
	}
	return snap, nil
}

// retry calls try until it succeeds or there is no further attempt.
func (c *Client) retry(ctx context.Context, try func() error) error {
	r := retries{c: c}
	for {
		err := try()
		if err == nil {
			return nil
		}
		if err := r.wait(ctx, err); err != nil {
			return err
		}
	}
}

// readBody returns the content of an answer.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	content, err := decoded(resp)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(content, limit+1))
	if err != nil {
		return nil, &transient{err: say(ErrUnreachable, "the connection to %s broke (%w): try again", resp.Request.URL.Host, err)}
	}
	if int64(len(text)) > limit {
		return nil, say(ErrAnswer, "the answer has more than %d bytes: check HF_ENDPOINT", limit)
	}
	return text, nil
}

// model is what is read of the answer of /api/models/{repo}/revision/{revision}
// (huggingface_hub, hf_api.py, ModelInfo).
type model struct {
	SHA      string          `json:"sha"`
	Private  bool            `json:"private"`
	Gated    json.RawMessage `json:"gated"` // false, "auto" or "manual"
	CardData json.RawMessage `json:"cardData"`
	Tags     []string        `json:"tags"`
	Siblings []struct {
		Path   string `json:"rfilename"`
		Size   *int64 `json:"size"`
		BlobID string `json:"blobId"`
		LFS    *struct {
			SHA256 string `json:"sha256"`
			Size   *int64 `json:"size"`
		} `json:"lfs"`
	} `json:"siblings"`
}

// parseModel reads the answer. The snapshot has no name yet, and no commit where the
// answer has none.
func parseModel(text []byte) (*Snapshot, error) {
	var m model
	err := json.Unmarshal(text, &m)
	if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// Its own text has the whole Go type in it.
		return nil, fmt.Errorf("answers another list of files: %s is a %s", cmp.Or(other.Field, "it"), other.Value)
	}
	if err != nil {
		return nil, fmt.Errorf("answers no list of files in JSON (%w)", err)
	}
	if len(m.Siblings) == 0 {
		return nil, errors.New("lists no files")
	}
	gated := string(m.Gated)
	snap := &Snapshot{Private: m.Private, Gated: gated != "" && gated != "false" && gated != "null", Licence: m.licence()}
	if commitHex.MatchString(m.SHA) {
		snap.Commit = m.SHA
	}
	for _, s := range m.Siblings {
		if s.Path == "" {
			continue
		}
		f := File{Path: s.Path, Size: -1}
		if s.Size != nil && *s.Size >= 0 {
			f.Size = *s.Size
		}
		if s.LFS != nil && sha256Hex.MatchString(s.LFS.SHA256) {
			f.SHA256 = s.LFS.SHA256
			if s.LFS.Size != nil && *s.LFS.Size >= 0 {
				f.Size = *s.LFS.Size
			}
		} else if s.LFS == nil && commitHex.MatchString(s.BlobID) {
			f.BlobSHA1 = s.BlobID
		}
		snap.Files = append(snap.Files, f)
	}
	if len(snap.Files) == 0 {
		return nil, errors.New("lists no files")
	}
	return snap, nil
}

// licence returns the licence of the model card, or of a tag such as license:mit.
func (m model) licence() string {
	var card struct {
		License     json.RawMessage `json:"license"`
		LicenseName string          `json:"license_name"`
	}
	// The card is written by hand. One that is not as usual states no licence.
	_ = json.Unmarshal(m.CardData, &card)
	var one string
	var several []string
	if json.Unmarshal(card.License, &one) != nil && json.Unmarshal(card.License, &several) == nil {
		one = strings.Join(several, ", ")
	}
	if one == "other" && card.LicenseName != "" {
		return card.LicenseName
	}
	if one != "" {
		return one
	}
	for _, tag := range m.Tags {
		if name, ok := strings.CutPrefix(tag, "license:"); ok {
			return name
		}
	}
	return ""
}

// fileHeaders is what the headers of a file say; commit is "" and the file has no size
// and no hash where they do not say it.
type fileHeaders struct {
	commit string
	file   File
}

// head asks for the headers of a file. They are in the first answer: the host that a
// redirect leads to has an ETag of its own, which is no hash of the file.
func (c *Client) head(ctx context.Context, about subject) (fileHeaders, error) {
	var found fileHeaders
	err := c.retry(ctx, func() error {
		resp, err := c.once(ctx, c.heads, request{method: http.MethodHead, url: c.fileURL(about), plain: true, about: about})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		found = parseHeaders(resp.StatusCode, resp.Header)
		found.file.Path = about.path
		return nil
	})
	return found, err
}

// parseHeaders reads the headers of a file (huggingface_hub, get_hf_file_metadata).
func parseHeaders(status int, h http.Header) fileHeaders {
	found := fileHeaders{file: File{Size: -1}}
	if commit := h.Get("X-Repo-Commit"); commitHex.MatchString(commit) {
		found.commit = commit
	}
	size := h.Get("X-Linked-Size")
	if size == "" && status == http.StatusOK && h.Get("Content-Encoding") == "" {
		size = h.Get("Content-Length")
	}
	if n, err := strconv.ParseInt(size, 10, 64); err == nil && n >= 0 {
		found.file.Size = n
	}
	etag := strings.Trim(strings.TrimPrefix(cmp.Or(h.Get("X-Linked-Etag"), h.Get("ETag")), "W/"), `"`)
	switch {
	case sha256Hex.MatchString(etag):
		found.file.SHA256 = etag
	case commitHex.MatchString(etag):
		found.file.BlobSHA1 = etag
	}
	return found
}

// file returns the file of a snapshot at a path with its size and hash, which are
// asked for where the list had none.
func (c *Client) file(ctx context.Context, snap *Snapshot, path string) (File, error) {
	f, ok := snap.File(path)
	if !ok {
		return File{}, say(ErrFile, "it has no file %q at commit %s", path, snap.Commit)
	}
	if !validPath(path) {
		return File{}, say(ErrFile, "%q is no path inside a folder", path)
	}
	if f.hashed() || c.offline {
		return f, nil
	}
	head, err := c.head(ctx, subject{snap.Repo, snap.Commit, path})
	if err != nil {
		return File{}, err
	}
	if f.SHA256 == "" && f.BlobSHA1 == "" {
		f.SHA256, f.BlobSHA1 = head.file.SHA256, head.file.BlobSHA1
	}
	if f.Size < 0 {
		f.Size = head.file.Size
	}
	if !f.hashed() {
		return File{}, say(ErrAnswer, "%s states no size and hash of %s, so that it could not be checked: use another HF_ENDPOINT", c.host, path)
	}
	return f, nil
}
