// Package tokenizer turns texts into ids for text models.
//
// Open reads the files that published models come with and tells their kind by
// their content: tokenizer.json of Hugging Face's tokenizers, and vocab.json with
// merges.txt. It also reads a list of whole words, the tokenizer of models whose
// captions have few words (see Vocabulary). What a file asks for and this package
// does not know is refused, never ignored.
//
// For CLIP, tokenizer.json is the contract: the ids are equal to the ids of
// Hugging Face's tokenizers. Special tokens are never read from a text.
package tokenizer
