package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"engram/data/progress"
	"engram/embed/hub"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// Options say what an App works with.
type Options struct {
	// Library says where ONNX Runtime comes from. Its CacheDir is the App's own
	// cache too; "" means engram in the user's cache. The App sets GPU and
	// Progress.
	Library ort.LibraryOptions
	Device  string // where models run: "cpu" (also for ""), or "cuda:N"
	// QdrantKey is the API key of Qdrant servers, "" where they want none.
	QdrantKey string
	Logger    *slog.Logger // nil: no log
	// Hub says where published models come from. Its Offline forbids to fetch anything.
	Hub hub.Options
	// Notify takes lines for the user about what takes long, such as what is fetched
	// under which licence. nil: nobody wants them.
	Notify func(line string)
	// MaxPixels is the most pixels of an image that is decoded, width times height;
	// 0 means pixels.DefaultPixels.
	MaxPixels int64
}

// App is the application. It is safe for concurrent use.
type App struct {
	opts   Options
	limits pixels.Limits // of every image that is decoded, with one budget for all
}

// New returns an App.
func New(opts Options) *App {
	if opts.Device == "" {
		opts.Device = "cpu"
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Library.GPU = strings.HasPrefix(opts.Device, "cuda")
	limits := pixels.Limits{Pixels: opts.MaxPixels, Budget: pixels.NewBudget(0)}
	return &App{opts: opts, limits: limits}
}

// Device returns where models run.
func (a *App) Device() string { return a.opts.Device }

// Session returns how models run that are not opened by OpenImageEncoder.
func (a *App) Session() ort.SessionOptions { return ort.SessionOptions{Device: a.opts.Device} }

// Logger returns where the App logs.
func (a *App) Logger() *slog.Logger { return a.opts.Logger }

// CacheDir returns the absolute path of the folder for fetched and derived
// files.
func (a *App) CacheDir() (string, error) {
	dir := a.opts.Library.CacheDir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder, set --cache: %w", err)
		}
		dir = filepath.Join(user, "engram")
	}
	return filepath.Abs(dir)
}

// Runtime finds or fetches ONNX Runtime. The caller closes it after the models
// that it runs.
func (a *App) Runtime(ctx context.Context, watch progress.Func) (*ort.Runtime, error) {
	opts := a.opts.Library
	opts.Progress = watch
	rt, err := ort.Load(ctx, opts)
	if err == nil {
		a.opts.Logger.Debug("onnxruntime", "version", rt.Version(), "file", rt.Path())
	}
	return rt, err
}

// closeInto closes c at the end of a function that returns *err, and returns
// the error of Close where there is no earlier one, which would be its cause.
func closeInto(err *error, c io.Closer) {
	if e := c.Close(); *err == nil {
		*err = e
	}
}
