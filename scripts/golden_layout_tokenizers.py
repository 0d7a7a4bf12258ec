"""The small tokenizers of golden_layouts.py, each a folder's files as published.

Not run by itself. CLIP's is the published one cut to its first MERGES merges; the
others are trained on sentences that this file puts together, without chance.
"""

import io
import itertools
import json
import re
import tempfile

from export_tokenizers import (added, clip as clip_json, metaspace, open_clip_merges, precompiled, replace, siglip as
                               siglip_json, template, write_json)

MERGES = 300


def sentences():
    """Returns the text that tokenizers are trained on."""
    things = "cat dog zebra bicycle car bird horse child boat train pizza clock".split()
    looks = "red small old striped shiny sleeping blue wooden".split()
    places = "on the beach;in the snow;at night;under a tree;near the harbour;on a street".split(";")
    out = [f"a photo of a {look} {thing} {place}" for thing, look, place in itertools.product(things, looks, places)]
    out += [f"{n} {thing}s and the {look} {other}" for n, thing, look, other in
            zip(itertools.cycle("one two three four five six seven eight nine ten".split()), things * 5,
                itertools.cycle(looks), itertools.cycle("mountain river garden window kitchen bridge lamp".split()))]
    out += ["ein Foto von einer Katze", "une photo d'un chat", "una foto de un perro", "写真 の 猫", "фото кошки"] * 12
    return out + ["Two DOGS run, one sits; café naïve 12345 67890!"] * 8


def clip(folder, *, slow_files=True, **options):
    """Writes CLIP's tokenizer, cut, and returns its number of ids."""
    merges = open_clip_merges()[:MERGES]
    content = clip_json(merges, **options)
    vocab = content["model"]["vocab"]
    write_json(folder / "tokenizer.json", content)
    if slow_files:
        (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    configs(folder, "CLIPTokenizer", 77, bos="<|startoftext|>", eos="<|endoftext|>", pad="<|endoftext|>", unk="<|endoftext|>")
    return len(vocab)


def configs(folder, class_name, context, **tokens):
    names = {f"{k}_token": v for k, v in tokens.items()}
    write_json(folder / "special_tokens_map.json", names)
    write_json(folder / "tokenizer_config.json", {**names, "model_max_length": context, "tokenizer_class": class_name})


# Rules of a small character map: what NFKC does to full width, ligatures and odd spaces.
CHARSMAP = [(0xFF21 + i, 0x41 + i) for i in range(26)] + [(0xFF41 + i, 0x61 + i) for i in range(26)] + \
    [(0xA0, 0x20), (0x3000, 0x20), (0x2003, 0x20), (0x2126, 0x3A9)]


def unigram(vocabulary, **options):
    """Trains a SentencePiece Unigram model. Returns its proto."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write("".join(f"{a:X}\t{b:X}\n" for a, b in CHARSMAP) + "FB01\t66 69\nFB02\t66 6C\n")
        rules.flush()
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences()), model_writer=out, vocab_size=vocabulary, model_type="unigram",
            normalization_rule_tsv=rules.name, num_threads=1, minloglevel=2, hard_vocab_limit=False, **options)
    proto = pb.ModelProto()
    proto.ParseFromString(out.getvalue())
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto


def siglip(folder):
    """Writes SigLIP's kind: Unigram, lower case, no punctuation, </s> ends and pads."""
    proto = unigram(400, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    (folder / "spiece.model").write_bytes(proto.SerializeToString())
    # The published file keeps "/", "<" and ">", unlike the tokenizer in Python.
    content = siglip_json(proto, punctuation=r"[!\"\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]\^_`\{\|\}\~]")
    write_json(folder / "tokenizer.json", content)
    configs(folder, "SiglipTokenizer", 64, eos="</s>", pad="</s>", unk="<unk>")
    return len(content["model"]["vocab"])


def xlm_roberta(folder):
    """Writes XLM-R's kind: Unigram behind four ids of its own, <s> and </s> around."""
    proto = unigram(500, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    (folder / "sentencepiece.bpe.model").write_bytes(proto.SerializeToString())
    own = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [[p, 0.0] for p in own] + [[p.piece, p.score] for p in proto.pieces[3:]] + [["<mask>", 0.0]]
    write_json(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(p, i) for i, p in enumerate(own)] + [added("<mask>", len(pieces) - 1)],
        "normalizer": {"type": "Sequence", "normalizers": [
            *precompiled(proto), replace(" {2,}", " ")]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace()]},
        "post_processor": template(["<s>", "$A", "</s>"], {"<s>": 0, "</s>": 2}), "decoder": metaspace(),
        "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": False}})
    configs(folder, "XLMRobertaTokenizer", 512, bos="<s>", eos="</s>", pad="<pad>", unk="<unk>", mask="<mask>")
    return len(pieces)


def gemma(folder):
    """Writes SigLIP 2's kind: Gemma's BPE with byte fallback, <eos> ends, <pad> pads."""
    from tokenizers import Tokenizer, models, trainers
    own = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"] + [f"<0x{b:02X}>" for b in range(256)]
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=own, show_progress=False, initial_alphabet=["▁"])
    t.train_from_iterator([("▁" if i else "") + w for s in sentences() for i, w in enumerate(s.lower().split())], trainer)
    model = json.loads(t.to_str())["model"]
    write_json(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(p, i) for i, p in enumerate(own[:5])],
        "normalizer": replace(" ", "▁", "String"),
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": template(["$A", "<eos>"], {"<eos>": 1}),
        "decoder": {"type": "Sequence", "decoders": [
            replace("▁", " ", "String"), {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": model})
    configs(folder, "GemmaTokenizer", 64, bos="<bos>", eos="<eos>", pad="<pad>", unk="<unk>")
    content = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", {**content, "add_bos_token": False, "add_eos_token": True,
                                                  "do_lower_case": True, "padding_side": "right"})
    return len(model["vocab"])


def bert(folder):
    """Writes BERT's kind: WordPiece in lower case, [CLS] and [SEP] around."""
    words = sorted({w for s in sentences() for w in re.findall(r"[a-z]+", s.lower())})
    letters = sorted({c for s in sentences() for c in s.lower() if not c.isspace()})
    own = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys(own + letters + [f"##{c}" for c in letters] + words + ["##ing", "##ed", "##er"])
    ids = {p: i for i, p in enumerate(pieces)}
    content = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(p, ids[p]) for p in own],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                       "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": template(["[CLS]", "$A", "[SEP]"], ids),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids}}
    write_json(folder / "tokenizer.json", content)
    (folder / "vocab.txt").write_text("".join(f"{p}\n" for p in sorted(ids, key=ids.get)), encoding="utf-8")
    configs(folder, "BertTokenizer", 77, cls="[CLS]", sep="[SEP]", pad="[PAD]", unk="[UNK]", mask="[MASK]")
    return len(ids)
