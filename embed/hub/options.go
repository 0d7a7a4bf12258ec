package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"engram/data/vfs"
)

// DefaultEndpoint is the address of the Hugging Face hub.
const DefaultEndpoint = "https://huggingface.co"

// Options configure a Client. The zero value reads public repositories of the
// Hugging Face hub and no cache.
type Options struct {
	// Endpoint is the address of the hub, which may have a path; "" means
	// DefaultEndpoint.
	Endpoint string
	// Token is sent to the endpoint, and to no other host.
	Token string
	// Offline forbids the network.
	Offline bool
	// CacheDir is the folder of huggingface_hub's cache, such as
	// ~/.cache/huggingface/hub; "" means none. It is only read.
	CacheDir string
	// Client does the requests; its CheckRedirect is not used. nil means one with
	// time-outs that uses the proxy of the environment.
	Client *http.Client
	// Patience bounds waiting.
	Patience Patience
	// Parallel is how many files are downloaded at once; 0 means 4.
	Parallel int
	// Logger takes a line where a Client waits for another process or for the
	// server; nil means none.
	Logger *slog.Logger
}

// Patience says how long a Client waits for a server. A zero field means its
// default.
type Patience struct {
	// Attempts is how often a request is tried in all (5). An attempt that brought
	// at least a megabyte does not count.
	Attempts int
	// FirstWait is the pause after the first attempt (500 ms). Every later one is
	// twice as long, up to LongestWait (60 s), less a random part of up to a half.
	// Where the server says how long to wait, that is done, if it is no longer than
	// LongestWait.
	FirstWait, LongestWait time.Duration
	// Stall is how long a body may bring no byte (30 s).
	Stall time.Duration
}

// FromEnvironment returns the Options that the variables of huggingface_hub ask
// for (its constants.py): HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE,
// TRANSFORMERS_OFFLINE, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME and
// XDG_CACHE_HOME. getenv returns a variable's value, and home is the user's home
// folder, "" for none. A token file that is missing or cannot be read means no token.
func FromEnvironment(getenv func(string) string, home string) Options {
	o := Options{Endpoint: getenv("HF_ENDPOINT"), Token: strings.TrimSpace(getenv("HF_TOKEN"))}
	switch strings.ToUpper(cmp.Or(getenv("HF_HUB_OFFLINE"), getenv("TRANSFORMERS_OFFLINE"))) {
	case "1", "ON", "YES", "TRUE":
		o.Offline = true
	}
	expand := func(path string) string {
		if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
			return filepath.Join(home, rest)
		}
		return path
	}
	root := expand(getenv("HF_HOME"))
	if root == "" {
		cache := expand(getenv("XDG_CACHE_HOME"))
		if cache == "" && home != "" {
			cache = filepath.Join(home, ".cache")
		}
		if cache != "" {
			root = filepath.Join(cache, "huggingface")
		}
	}
	o.CacheDir = expand(cmp.Or(getenv("HF_HUB_CACHE"), getenv("HUGGINGFACE_HUB_CACHE")))
	tokenFile := expand(getenv("HF_TOKEN_PATH"))
	if root != "" {
		if o.CacheDir == "" {
			o.CacheDir = filepath.Join(root, "hub")
		}
		if tokenFile == "" {
			tokenFile = filepath.Join(root, "token")
		}
	}
	if o.Token == "" && tokenFile != "" {
		if text, err := os.ReadFile(tokenFile); err == nil {
			o.Token = strings.TrimSpace(string(text))
		}
	}
	return o
}

// Client reads repositories of a hub. It is safe for concurrent use.
type Client struct {
	endpoint string // without a slash at the end
	host     string // of the endpoint, with its port
	token    string
	offline  bool
	cache    string
	patience Patience
	parallel int
	log      *slog.Logger
	fsys     vfs.FS
	free     func(dir string) (int64, bool)
	files    *http.Client // follows redirects, without the token on other hosts
	heads    *http.Client // follows relative redirects only
}

// New returns a Client. The error says what is wrong with the options.
func New(opts Options) (*Client, error) {
	c := &Client{
		endpoint: strings.TrimRight(opts.Endpoint, "/"), token: opts.Token, offline: opts.Offline,
		cache: opts.CacheDir, patience: opts.Patience.withDefaults(), parallel: opts.Parallel, log: opts.Logger, fsys: vfs.OS{}, free: freeBytes,
	}
	if c.endpoint == "" {
		c.endpoint = DefaultEndpoint
	}
	var faults []error
	u, err := url.Parse(c.endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		faults = append(faults, fmt.Errorf("hub: the endpoint is %q (HF_ENDPOINT), wanted an address such as %s", opts.Endpoint, DefaultEndpoint))
	} else {
		c.host = u.Host
	}
	if strings.ContainsFunc(c.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		faults = append(faults, errors.New("hub: the token (HF_TOKEN) has characters that no token has"))
	}
	if c.parallel == 0 {
		c.parallel = 4
	}
	if c.parallel < 0 {
		faults = append(faults, fmt.Errorf("hub: %d files at once, wanted 1 or more", c.parallel))
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	base := opts.Client
	if base == nil {
		base = &http.Client{Transport: newTransport()}
	}
	files, heads := *base, *base
	files.CheckRedirect, heads.CheckRedirect = follow, followRelative
	c.files, c.heads = &files, &heads
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, nil
}

func (p Patience) withDefaults() Patience {
	if p.Attempts == 0 {
		p.Attempts = 5
	}
	if p.FirstWait == 0 {
		p.FirstWait = 500 * time.Millisecond
	}
	if p.LongestWait == 0 {
		p.LongestWait = time.Minute
	}
	if p.Stall == 0 {
		p.Stall = 30 * time.Second
	}
	return p
}

// newTransport returns http.DefaultTransport's settings with time-outs for the
// connection and for the first byte of an answer.
func newTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 30 * time.Second
	t.IdleConnTimeout = 90 * time.Second
	t.MaxIdleConns = 16
	return t
}

// validPath reports whether a path of a repository can be a file of a folder here.
func validPath(path string) bool {
	return fs.ValidPath(path) && path != "." && filepath.IsLocal(filepath.FromSlash(path)) &&
		!strings.ContainsRune(path, '\\') && path != stateDir && !strings.HasPrefix(path, stateDir+"/")
}
