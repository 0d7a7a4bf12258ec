package httpapi

import "context"

// Bundle names the model bundle that a vector comes from.
type Bundle struct {
	Name        string `json:"name"`        // name and version, for people
	Fingerprint string `json:"fingerprint"` // identity, compared with the index's
}

// Encoder embeds images. It must be safe for concurrent use and bounds its own
// concurrency.
type Encoder interface {
	// Encode returns the embedding of one encoded image (JPEG, PNG, …) as a
	// unit vector. Where the bytes are at fault it returns an error of
	// embed/pixels (ErrFormat, ErrCorrupt, ErrTooLarge), wrapped, whose text
	// the visitor reads; other errors are the server's. The callee does not
	// keep image.
	Encode(ctx context.Context, image []byte) ([]float32, error)
	// Bundle names the model.
	Bundle() Bundle
}

// DecoderInfo describes a Decoder.
type DecoderInfo struct {
	Name   string // what it is, such as "linear, subject 1"
	Data   string // the data that it was trained on, for people
	Voxels int    // elements of one scan
	Bundle Bundle // the bundle into whose space it decodes
}

// Decoder maps brain scans into the space of the index. It must be safe for
// concurrent use and bounds its own concurrency.
type Decoder interface {
	// Decode returns the unit vector predicted from the repeats of one scan:
	// one or more rows of Info().Voxels finite betas, all recorded while the
	// same image was seen. How rows are normalised and averaged is the
	// decoder's business. The callee neither changes nor keeps the rows.
	Decode(ctx context.Context, repeats [][]float32) ([]float32, error)
	// Info describes the decoder.
	Info() DecoderInfo
}
