// Package tokenizer turns texts into ids for text models.
//
// Open reads the files that published models come with and tells their kind by
// their content:
//
//   - tokenizer.json of Hugging Face's tokenizers, with byte-pair encoding (CLIP,
//     SigLIP 2), Unigram (SigLIP 1, XLM-R), WordPiece (BERT) or whole words;
//   - vocab.json with merges.txt, of CLIP;
//   - bpe_simple_vocab_16e6.txt.gz, OpenAI's list of merges for CLIP;
//   - a SentencePiece model, Unigram or byte-pair encoding;
//   - a list of whole words, the tokenizer of models whose captions have few words
//     (see Vocabulary).
//
// The ids are equal to the ids of Hugging Face's tokenizers and of sentencepiece,
// but for what NOTES.md lists. What a file asks for and this package does not know
// is refused, never ignored. Special tokens are never read from a text.
package tokenizer
