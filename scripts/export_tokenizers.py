"""tokenizer.json files for tokenizers that come in another form.

Not run by itself: export_clip.py and the golden_layout scripts use it. A
tokenizer.json holds the whole of a tokenizer, its cleaning of texts included.
"""

import base64
import gzip
import json
import pathlib

CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CLIP_START, CLIP_END = "<|startoftext|>", "<|endoftext|>"
PUNCTUATION = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"  # string.punctuation


def write_json(path, content):
    pathlib.Path(path).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def added(content, i, normalized=False):
    """Returns an entry of added_tokens: a special token."""
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": normalized, "special": True}


def replace(pattern, content, kind="Regex"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def template(single, ids):
    """Returns the post-processor that puts special tokens around "$A"."""
    def piece(p):
        return {"Sequence": {"id": "A", "type_id": 0}} if p == "$A" else {"SpecialToken": {"id": p, "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [piece(p) for p in single], "pair": [piece(p) for p in single],
            "special_tokens": {p: {"id": p, "ids": [ids[p]], "tokens": [p]} for p in single if p != "$A"}}


def metaspace():
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def precompiled(proto):
    """Returns the character map of a SentencePiece model as a list of normalizers."""
    charsmap = proto.normalizer_spec.precompiled_charsmap
    return [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()}] if charsmap else []


def byte_symbols():
    """Returns CLIP's symbol of each byte, in the order of the vocabulary."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(256 - len(plain))]


def open_clip_merges():
    """Returns the 48,894 merges of OpenAI's CLIP, from the file in open_clip."""
    import open_clip
    packed = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    return gzip.decompress(packed.read_bytes()).decode("utf-8").split("\n")[1:49152 - 256 - 2 + 1]


def clip(merges, *, specials_in_pattern=True, pairs=False, ignore_merges=None):
    """Returns the tokenizer.json of CLIP's BPE. With all merges and the options as they
    are it has the content of the published file."""
    symbols = byte_symbols()
    vocab = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges] + [CLIP_START, CLIP_END]
    vocab = {piece: i for i, piece in enumerate(vocab)}
    pattern = (r"<\|startoftext\|>|<\|endoftext\|>|" if specials_in_pattern else "") + CLIP_PATTERN
    model = {"type": "BPE", "dropout": None, "unk_token": CLIP_END, "continuing_subword_prefix": "",
             "end_of_word_suffix": "</w>", "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
             "merges": [m.split(" ") for m in merges] if pairs else merges}
    if ignore_merges is not None:
        model["ignore_merges"] = ignore_merges
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(CLIP_START, vocab[CLIP_START], True), added(CLIP_END, vocab[CLIP_END])],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, replace(r"\s+", " "), {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
        "post_processor": {"type": "RobertaProcessing", "sep": [CLIP_END, vocab[CLIP_END]],
                           "cls": [CLIP_START, vocab[CLIP_START]], "trim_offsets": False, "add_prefix_space": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": model}


def siglip(proto, punctuation=PUNCTUATION, lower=True):
    """Returns the tokenizer.json of a SentencePiece Unigram model as SigLIP uses it:
    lower case, no punctuation, </s> at the end."""
    pieces = [[p.piece, p.score] for p in proto.pieces]
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    steps = ([{"type": "Lowercase"}] if lower else []) + [
        replace(punctuation, ""), replace(r"\s+", " "), {"type": "Strip", "strip_left": True, "strip_right": True}]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added("</s>", ids["</s>"]), added("<unk>", ids["<unk>"])],
        "normalizer": {"type": "Sequence", "normalizers": steps + precompiled(proto)},
        "pre_tokenizer": metaspace(), "post_processor": template(["$A", "</s>"], ids), "decoder": metaspace(),
        "model": {"type": "Unigram", "unk_id": ids["<unk>"], "vocab": pieces, "byte_fallback": False}}


def cleaned(content, clean):
    """Returns a tokenizer.json that first cleans a text as open_clip's HFTokenizer does.

    clean is "canonicalize", "lower" or "whitespace". What ftfy mends and HTML's
    entities are left as they are: no form of tokenizer.json can say them.
    """
    space = [replace(r"\s+", " "), {"type": "Strip", "strip_left": True, "strip_right": True}]
    steps = {"canonicalize": [replace("_", " ", "String"), replace(PUNCTUATION, ""), {"type": "Lowercase"}, *space],
             "lower": [*space, {"type": "Lowercase"}], "whitespace": space}[clean]
    own = content.get("normalizer")
    return {**content, "normalizer": {"type": "Sequence", "normalizers": steps + ([own] if own else [])}}
