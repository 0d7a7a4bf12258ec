package tokenizer_test

import (
	"testing"

	"engram/embed/tokenizer"
)

// BenchmarkEncode measures captions of the real photos on one core. Engram's goal
// for CLIP is 100,000 captions a second.
func BenchmarkEncode(b *testing.B) {
	captions := readCaptions(b)
	specs := map[string]tokenizer.Spec{"clip": clipSpecs(b)["tokenizer.json of Xenova"]}
	for _, file := range []string{"siglip.model", "siglip.json", "xlmr.json", "gemma.model", "gemma.json", "bert_uncased.json"} {
		specs[file] = small(b, file)
		spec := specs[file]
		spec.Context = 64
		specs[file] = spec
	}
	for name, spec := range specs {
		tok := open(b, spec)
		b.Run("tokenizer="+name, func(b *testing.B) {
			ids := make([]int64, tok.Context())
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				tok.Encode(ids, captions[n%len(captions)])
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "captions/s")
		})
	}
}

// BenchmarkOpen measures reading the published file of CLIP.
func BenchmarkOpen(b *testing.B) {
	spec := clipSpecs(b)["tokenizer.json of Xenova"]
	for b.Loop() {
		open(b, spec)
	}
}
