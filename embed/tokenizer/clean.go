package tokenizer

// cleaner is what a model does to a text before its tokenizer's own normalizers.
type cleaner struct {
	lower bool
}

// apply cleans the text of s, which is one span.
func (c cleaner) apply(s *scratch) {
	if c.lower {
		s.rewrite(lowercase{})
	}
}
