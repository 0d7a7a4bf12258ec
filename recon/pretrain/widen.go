package pretrain

import (
	"errors"
	"io/fs"
	"path/filepath"

	"engram/embed/model"
)

// begin has a denoiser begin with the one in out, where that was trained for latents of fewer
// channels, the first ones of these: it knows nothing of the others yet (see detailNetwork).
func (t *training) begin(out string, channels, width int) error {
	m, err := model.Open(filepath.Join(out, string(Denoiser)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if m.Kind != model.Denoiser || m.Latent.Channels >= channels {
		return nil
	}
	values, err := weightsOf(m.GraphPath("denoiser"))
	if err != nil {
		return err
	}
	more := channels - m.Latent.Channels
	values["latent.weight"] = append(values["latent.weight"], make([]float32, more*width)...)
	values["out.weight"] = widened(values["out.weight"], m.Latent.Channels, channels)
	values["out.bias"] = append(values["out.bias"], make([]float32, more)...)
	t.from, t.begun = values, m.Fingerprint()
	return nil
}

// widened returns a matrix with zeros in more columns.
func widened(matrix []float32, columns, wanted int) []float32 {
	out := make([]float32, len(matrix)/columns*wanted)
	for row := range len(matrix) / columns {
		copy(out[row*wanted:], matrix[row*columns:][:columns])
	}
	return out
}
