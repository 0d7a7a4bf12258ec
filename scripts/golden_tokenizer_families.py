"""Small tokenizers of the families whose published files are large.

Each is trained by the library that its family uses, with the settings of the
published files, on the captions and the tricky texts that golden_tokenizer.py
reads. train() returns a list of Family. Training is repeatable: it has no random
part.
"""

import dataclasses
import io
import json

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PUNCTUATION = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""
LLAMA_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
               r"|\s*[\r\n]+|\s+(?!\S)|\s+")


@dataclasses.dataclass
class Family:
    file: str       # of the test data
    content: bytes  # of the file
    end: int = -1   # of a SentencePiece model: the id after every text


def train_sentencepiece(corpus, **options):
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=out, hard_vocab_limit=False, num_threads=1,
        minloglevel=2, **options)
    return out.getvalue()


def siglip(corpus):
    """SigLIP 1: Unigram, nmt_nfkc, </s> after every text and as padding."""
    return train_sentencepiece(
        corpus, model_type="unigram", vocab_size=1500, normalization_rule_name="nmt_nfkc", character_coverage=0.999,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1)


def gemma(corpus):
    """Gemma: BPE with byte fallback, text as it is, pieces that stay whole."""
    return train_sentencepiece(
        corpus, model_type="bpe", vocab_size=1400, normalization_rule_name="identity", byte_fallback=True,
        add_dummy_prefix=False, remove_extra_whitespaces=False, split_digits=True, character_coverage=0.98,
        user_defined_symbols=["<table>", "\n\n", "\n", "▁▁", "▁▁▁"],
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>")


def others(corpus):
    """Settings that no published text tower of an image model has, but that files may have."""
    yield "unigram_bytes.model", train_sentencepiece(
        corpus, model_type="unigram", vocab_size=1200, normalization_rule_name="identity", byte_fallback=True,
        character_coverage=0.98, user_defined_symbols=["cat", "a cat"])
    yield "bpe_nfkc.model", train_sentencepiece(
        corpus, model_type="bpe", vocab_size=1200, normalization_rule_name="nmt_nfkc_cf", character_coverage=0.98)
    yield "bpe_suffix.model", train_sentencepiece(
        corpus, model_type="bpe", vocab_size=900, normalization_rule_name="identity", character_coverage=0.98,
        treat_whitespace_as_suffix=True)


def parse(model):
    m = proto.ModelProto()
    m.ParseFromString(model)
    return m


def template(before, after):
    return processors.TemplateProcessing(
        single=[t for t, _ in before] + ["$A"] + [t for t, _ in after], special_tokens=before + after)


def special(tokenizer, *texts):
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in texts])


def siglip_json(model):
    """The pieces of siglip, with the punctuation removed by a normalizer."""
    m = parse(model)
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in m.pieces], unk_id=2, byte_fallback=False))
    t.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex(PUNCTUATION), ""), normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(), normalizers.Precompiled(m.normalizer_spec.precompiled_charsmap)])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    t.post_processor = template([], [("</s>", 1)])
    special(t, "<pad>", "</s>", "<unk>")
    return t


def xlmr_json(model):
    """XLM-R: the same pieces behind its four specials, words cut at white space."""
    m = parse(model)
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(p.piece, p.score) for p in m.pieces[3:]] + [("<mask>", 0.0)]
    t = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    t.normalizer = normalizers.Sequence([
        normalizers.Precompiled(m.normalizer_spec.precompiled_charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")])
    t.post_processor = template([("<s>", 0)], [("</s>", 2)])
    special(t, "<s>", "<pad>", "</s>", "<unk>", "<mask>")
    t.add_tokens([AddedToken("cat", single_word=True), AddedToken("ü", lstrip=True, rstrip=True, normalized=True)])
    return t


def gemma_json(model):
    """Gemma's tokenizer.json: merges are all pairs of pieces that make a piece."""
    m = parse(model)
    vocab = {p.piece: i for i, p in enumerate(m.pieces)}
    normal = {p.piece: p.score for p in m.pieces if p.type == proto.ModelProto.SentencePiece.NORMAL}
    merges = []
    for piece, score in normal.items():
        local = [(piece[:k], piece[k:]) for k in range(1, len(piece)) if piece[:k] in normal and piece[k:] in normal]
        merges += [(score, pair) for pair in sorted(local, key=lambda p: (vocab[p[0]], vocab[p[1]]))]
    merges.sort(key=lambda e: -e[0])
    t = Tokenizer(models.BPE(vocab, [p for _, p in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.post_processor = template([], [("<eos>", 1)])
    special(t, "<pad>", "<eos>", "<bos>", "<unk>")
    t.add_tokens([AddedToken(s, normalized=False) for s in ["<table>", "\n\n", "\n", "▁▁", "▁▁▁"]])
    return t


def bert_json(corpus, lower):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=None, handle_chinese_chars=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(corpus, trainers.WordPieceTrainer(
        vocab_size=1300, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = template([("[CLS]", 2)], [("[SEP]", 3)]) if lower else processors.BertProcessing(
        ("[SEP]", 3), ("[CLS]", 2))
    return t


def roberta_json(corpus):
    """GPT-2's bytes, with a space before the text as RoBERTa has it."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=900, show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return t


def llama_json(corpus):
    """A pattern with lookahead and counted repetition, and whole pieces first."""
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=900, show_progress=False, special_tokens=["<|begin_of_text|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False), template([("<|begin_of_text|>", 0)], [])])
    return t


def subword_json(corpus):
    """BPE of characters with a prefix, a suffix, and unknown characters."""
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", end_of_word_suffix="</w>", fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=700, show_progress=False, limit_alphabet=40, special_tokens=["<unk>"],
        continuing_subword_prefix="##", end_of_word_suffix="</w>"))
    return t


def stages_json():
    """Stages that are left: pieces of one character make them visible."""
    symbols = ["<unk>", "▁"] + [chr(c) for c in range(33, 127)] + list("äéßαβ猫の写真")
    vocab = {s: i for i, s in enumerate(symbols)}
    for word in ["cat", "dog", "photo", "_cat", "cat ", " cat", "12", "3", "..", "a", "of "]:
        vocab.setdefault(word, len(vocab))
    t = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    stages = [normalizers.Nmt(), normalizers.NFKD(), normalizers.NFKC()]
    t.normalizer = normalizers.Sequence(
        stages + [normalizers.Strip(left=True, right=False), normalizers.Prepend("_")])
    yield "stages_1.json", t, [pre_tokenizers.Digits(individual_digits=False),
                               pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.CharDelimiterSplit("o")]
    t.normalizer = normalizers.NFC()
    yield "stages_2.json", t, [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"),
                               pre_tokenizers.Split(Regex(r"\w+|\d|[^\S\r\n]+?"), "merged_with_previous"),
                               pre_tokenizers.Metaspace("▁", "first", split=True)]
    yield "stages_3.json", t, [pre_tokenizers.Split("a", "removed"), pre_tokenizers.Split(Regex(r"(o|of )(?= )"), "isolated"),
                               pre_tokenizers.Split(Regex(r"[^\W\d_]{2,3}?t?"), "removed", invert=True)]


def text_of(tokenizer):
    tokenizer.decoder = decoders.Fuse()
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")).encode()


def train(corpus):
    sig, gem = siglip(corpus), gemma(corpus)
    families = [Family("siglip.model", sig, 1), Family("gemma.model", gem, 1)]
    for name, model in others(corpus):
        families.append(Family(name, model, 2))
    made = {
        "siglip.json": siglip_json(sig), "xlmr.json": xlmr_json(sig), "gemma.json": gemma_json(gem),
        "bert_uncased.json": bert_json(corpus, True), "bert_cased.json": bert_json(corpus, False),
        "roberta.json": roberta_json(corpus), "llama.json": llama_json(corpus), "subword.json": subword_json(corpus),
    }
    for name, t, stages in stages_json():
        t.pre_tokenizer = pre_tokenizers.Sequence(stages)
        families.append(Family(name, text_of(t)))
    return families + [Family(name, text_of(t)) for name, t in made.items()]
