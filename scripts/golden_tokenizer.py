#!/usr/bin/env python3
"""Makes the test data of embed/tokenizer with Hugging Face's tokenizers and
sentencepiece.

Writes into embed/tokenizer/testdata:

  texts.json     tricky texts
  *.json.gz, *.model.gz  small tokenizers (see golden_tokenizer_families.py)
  golden.json    for each of them, and for the published files of CLIP in
                 ../shared/real/clip, digests of the ids that the libraries give:
                 of each tricky text, of the captions in ../shared/real/photos,
                 and of random texts, 1,000 to a digest; and of texts that a
                 cleaning changed

A digest is the beginning of the SHA-256 of the ids of the texts: for each text
its ids in decimal, with a space between them, and a line feed. The ids have the
special ones around them, and no padding. The tolerance is 0.

Special tokens in a text must be plain text. For a tokenizer.json, the special
tokens of the reference get names that no text has; SentencePiece never reads its
own from a text. The random texts are made by Random below, which the test has
too, from the seed 1. Needs tokenizers, sentencepiece, ftfy. Made with tokenizers
0.23.3, sentencepiece 0.2.3, ftfy 6.3.1. Run from the repository's root.
"""

import gzip
import hashlib
import html
import json
import pathlib
import string

import ftfy
import sentencepiece as spm
from tokenizers import Tokenizer, normalizers

from golden_tokenizer_families import train

REAL = pathlib.Path("../shared/real")
OUT = pathlib.Path("embed/tokenizer/testdata")
RANDOM_FAMILY, RANDOM_CLIP, CHUNK, SEED = 20_000, 100_000, 1000, 1

MORE_TEXTS = [
    "▁a▁cat ▁▁ x", "a" + "\u0301\u0323" * 40 + "b", "1\ufe0f\u20e3 #\u20e3 a\u200db", "\r\n\r\nx\r\ny\n\n\nz",
    "ﬁ\u0301 ㍿ ½\u0308 ﷺ", "\u0600123 क्षि 각\u11a8 \u1100\u1161", "<s>a</s> <pad> [CLS]cat[SEP] <eos> <table>x</table>",
    "<0x41> <unk> [UNK] [MASK]", "haha hahaha aaa aaaa aaaaa", "cat concatenate cat, a cat; acat", "   cat  ü  dog ü",
    "x" * 130, "\ufffd \ue000 \U000f0000 \u2061 \u180e", "&eacute &notit; &#128512; &#x41;B &amp;lt; &copy2 &#0; &bogus;",
    "‘a’ ‚b‛ “c” „d‟ ʼe", "_under_score_ __init__", "Ⅷ ⅷ ǅ ẞ ﬀ Ω Å K", "日本語テキスト 한국어 中文字", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🄰🅱 ①②",
    "ΑΣ ΑΣ. ΣΑΣ' Σ", "0123456789 1,234.5", "a\u0085b\u001cc\u001dd", "\u0e01\u0e33\u0e01\u0e33 \u0e33",
]


class Random:
    """SplitMix64, and texts made of pieces of other texts."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return (z ^ (z >> 31)) % n

    def text(self, texts):
        out = ""
        for _ in range(1 + self.below(5)):
            t = texts[self.below(len(texts))]
            start, length = self.below(len(t) + 1), 1 + self.below(12)
            out += t[start:start + length]
            if self.below(4) == 0:
                out += " "
        return out


def digest(lists, length=16):
    h = hashlib.sha256()
    for ids in lists:
        h.update((" ".join(map(str, ids)) + "\n").encode())
    return h.hexdigest()[:length]


def without_specials(definition):
    """Gives the special tokens of a tokenizer.json names that no text has."""
    names = {}
    for i, token in enumerate(definition["added_tokens"]):
        if token["special"]:
            names[token["content"]] = chr(0xE100 + i) * 3
            token["normalized"] = False

    def rename(value):
        if isinstance(value, dict):
            return {names.get(k, k): rename(v) for k, v in value.items()}
        if isinstance(value, list):
            return [rename(v) for v in value]
        return names.get(value, value) if isinstance(value, str) else value

    model = definition["model"]
    for member in ("vocab", "unk_token"):
        if member in model:
            model[member] = rename(model[member])
    for member in ("added_tokens", "post_processor"):
        definition[member] = rename(definition[member])
    return definition


def reference(name, content, end):
    """Returns the function from a text to its ids."""
    if name.endswith(".model"):
        processor = spm.SentencePieceProcessor(model_proto=content)
        return lambda text: processor.encode(text) + [end]
    tokenizer = Tokenizer.from_str(json.dumps(without_specials(json.loads(content))))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: tokenizer.encode(text).ids


CLEANINGS = {
    "web": lambda s: html.unescape(html.unescape(ftfy.fixes.uncurl_quotes(s))),
    "canonicalize": lambda s: " ".join(
        s.replace("_", " ").translate(str.maketrans("", "", string.punctuation)).lower().split()),
    "whitespace": lambda s: " ".join(s.split()),
}


def golden(encode, texts, captions, count):
    random = Random(SEED)
    return {
        "texts": [digest([encode(t)], 8) for t in texts],
        "captions": digest(encode(c) for c in captions),
        "random": [digest(encode(random.text(texts)) for _ in range(CHUNK)) for _ in range(count // CHUNK)],
    }


def main():
    tricky = json.loads((REAL / "clip/tokens.json").read_text())
    texts = [row["text"] for row in tricky["rows"]] + MORE_TEXTS
    captions = []
    for split in ("train", "val"):
        file = REAL / f"photos/coco/annotations/captions_{split}2017.json"
        captions += [a["caption"] for a in json.loads(file.read_text())["annotations"]]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "texts.json").write_text(json.dumps(texts, indent=0) + "\n")
    corpus = [c for c in captions if c.strip()] + [line for t in texts for line in t.splitlines() if line.strip()] * 2
    results = {}
    for family in train(corpus):
        packed = gzip.compress(family.content, 9, mtime=0)
        (OUT / (family.file + ".gz")).write_bytes(packed)
        encode = reference(family.file, family.content, family.end)
        results[family.file] = golden(encode, texts, captions, RANDOM_FAMILY)
        print(f"{family.file}: {len(family.content)} bytes, {len(packed)} packed")
        if family.file == "gemma.json":
            # As transformers' Siglip2Tokenizer does.
            lower = normalizers.Lowercase().normalize_str
            results["lower"] = golden(lambda t: encode(lower(t)), texts, captions, RANDOM_FAMILY)
        if family.file == "bert_cased.json":
            cleaned = {name: golden(lambda t, clean=clean: encode(clean(t)), texts, captions, RANDOM_FAMILY)
                       for name, clean in CLEANINGS.items()}
    for file in ("tokenizer_xenova_b32.json", "tokenizer_immich.json"):
        encode = reference(file, (REAL / "clip" / file).read_text(), -1)
        results[file] = golden(encode, texts, captions, RANDOM_CLIP)
        print(file)
    (OUT / "golden.json").write_text(json.dumps({"lower": results.pop("lower"), "files": results, "clean": cleaned}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
