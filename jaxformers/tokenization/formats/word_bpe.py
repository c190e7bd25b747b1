"""BPE over the letters of words, from a vocabulary and merges: GPT, HerBERT, CTRL, PhoBERT, XLM and their kin.

GPT and HerBERT run on the `tokenizers` library, the others in Python. Paper: https://arxiv.org/abs/1508.07909.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, merges, options, specials
from jaxformers.tokenization.formats.moses import Style, Words
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.subwords import END, Chatted, Continued, Translated

EXTRA = [f"<special{i}>" for i in range(10)]


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer | PythonBackend:
    """Reads vocab.json and merges.txt; of PhoBERT and BERTweet vocab.txt and bpe.codes; of FSMT two vocabularies."""
    return BUILDERS[stem](directory, {**settings, "additional_special_tokens": additional(stem, settings)})


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings or, of XLM's kin, the numbered ones."""
    unsaid = settings.get("additional_special_tokens") is None
    return list(EXTRA) if unsaid and stem in ("flaubert", "herbert", "xlm") else specials.additional(settings)


# ------------------------------------------------------------------------------------------------------ in Rust


def _gpt(directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    vocab, pairs = merges.read(directory)
    (unk,) = specials.required(directory, settings, "unk")
    out = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=pairs, unk_token=unk, end_of_word_suffix=END))
    out.normalizer = normalizers.BertNormalizer(lowercase=True)
    out.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    out.decoder = decoders.BPEDecoder(suffix=END)
    out.add_tokens(specials.gather(directory, settings))
    return out


def _herbert(directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    vocab = files.vocabulary(files.need(directory, "vocab.json"))
    file = files.need(directory, "merges.txt")
    lines = files.text(file).split("\n")[:-1]
    header = int(bool(lines) and "#version:" in lines[0])
    pairs = merges.fit(file, vocab, merges.pairs(file, lines[header:], 1 + header, counted=True))
    unk, *ends = specials.required(directory, settings, "unk", "sep", "cls")
    out = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=pairs, unk_token=unk, end_of_word_suffix=END))
    out.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    out.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    out.decoder = decoders.BPEDecoder(suffix=END)
    out.add_tokens(specials.gather(directory, settings))
    specials.need(directory / "vocab.json", vocab, [unk, *ends])
    sep, cls = [(token, vocab[token]) for token in ends]
    out.post_processor = processors.BertProcessing(sep, cls)
    return out


# ------------------------------------------------------------------------------------------------------ in Python


def _plain(scheme: type[Continued]) -> Callable[[pathlib.Path, Mapping[str, Any]], PythonBackend]:
    """Texts without special tokens, of vocab.json and merges.txt."""

    def build_(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
        read = [files.need(directory, name) for name in ("vocab.json", "merges.txt")]
        vocab, (unk,) = files.vocabulary(read[0]), specials.required(directory, settings, "unk")
        specials.need(read[0], vocab, [unk])
        pairs = merges.pairs(read[1], files.text(read[1]).split("\n")[1:-1])
        return made(scheme(vocab, unk, pairs), directory, settings, lambda of: Template(), files=read)

    return build_


def _speech2text2(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    vocabulary, file = files.need(directory, "vocab.json"), directory / "merges.txt"
    vocab, (unk,) = files.vocabulary(vocabulary), specials.required(directory, settings, "unk")
    specials.need(vocabulary, vocab, [unk])
    read = [vocabulary, file] if file.is_file() else [vocabulary]
    lines = files.text(file).split("\n")[:-1] if file.is_file() else []
    scheme = Translated(vocab, unk, merges.pairs(file, lines, 1, counted=True))
    scheme.lower = options.flag(settings, "do_lower_case")
    return made(scheme, directory, settings, lambda of: Template(), files=read)


def _phobert(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """A list of tokens and counts, in front of which four special tokens are put, and merges with counts."""
    if options.flag(settings, "normalization"):
        problem = "normalization must be false: tweets are not made plain here"
        todo = "put @USER, HTTPURL and the names of emoji into text yourself, and set it to false"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem], todo)
    read = [files.need(directory, name) for name in ("vocab.txt", "bpe.codes")]
    tokens = specials.required(directory, settings, "bos", "pad", "eos", "unk")
    specials.required(directory, settings, "cls", "sep")
    vocab = {token: i for i, token in enumerate(tokens)}
    wrong = []
    for number, line in enumerate(map(str.strip, files.lines(read[0])), 1):
        token, space, _ = line.rpartition(" ")
        if not space:
            wrong.append(f"line {number} must be a token and its count, got {line!r:.60}")
        vocab[token] = len(vocab)
    if wrong:
        raise CheckpointError(str(read[0]), wrong[: merges.SHOWN])
    pairs = merges.pairs(read[1], files.text(read[1]).split("\n")[:-1], 1, counted=True)

    def around(of: Callable[[str], int]) -> Template:
        start, end = ((of("cls"), 0), ("A", 0)), (of("sep"), 0)
        return Template((*start, end), (*start, end, end, ("B", 0), end))

    return made(Continued(vocab, tokens[-1], pairs), directory, settings, around, files=read)


def _xlm(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    bare = options.flag(settings, "do_lowercase_and_remove_accent", True)
    return _words(directory, settings, Style("en", lower=bare, bare=bare), "bos", "A", "sep", "B", "sep")


def _flaubert(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    style = Style("fr", lower=options.flag(settings, "do_lowercase"), composed=True)
    return _words(directory, settings, style, "bos", "A", "sep", "B", "sep")


def _biogpt(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    return _words(directory, settings, Style("en", "en", cleans=False, strict=True), "sep", "A", "sep", "B")


def _fsmt(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    languages = settings.get("langs")
    if not isinstance(languages, list) or len(languages) != 2 or not all(isinstance(x, str) for x in languages):
        problem = f"langs must be the source and the target language, got {languages!r}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    style = Style(languages[0], languages[1], strict=True, lower=options.flag(settings, "do_lower_case"))
    return _words(directory, settings, style, "A", "sep", "B", "sep")


def _words(directory: pathlib.Path, settings: Mapping[str, Any], style: Style, *pair: str) -> PythonBackend:
    """Moses' words; `pair`: the roles around two texts, of which those up to "B", or behind "A", surround one."""
    two = style.target is not None and style.cleans
    read = [files.need(directory, name) for name in (("vocab-src.json", "vocab-tgt.json") if two else ("vocab.json",))]
    file = files.need(directory, "merges.txt")
    vocab, *other = [files.vocabulary(held) for held in read]
    unk, *_ = specials.required(directory, settings, "unk", *(role for role in pair if role not in "AB"))
    specials.need(read[0], vocab, [unk])
    pairs = merges.pairs(file, files.text(file).split("\n")[:-1], 1, counted=True)
    scheme = Words(vocab, unk, pairs, style, *other)

    def around(of: Callable[[str], int]) -> Template:
        first = pair.index("A") + 1 + (pair[-1] != "B")
        parts = [(x if x in "AB" else of(x), int(i >= first)) for i, x in enumerate(pair)]
        return Template(tuple(parts[:first]), tuple(parts))

    return made(scheme, directory, settings, around, files=[*read, file])


BUILDERS: dict[str, Callable[[pathlib.Path, Mapping[str, Any]], tokenizers.Tokenizer | PythonBackend]] = {
    "bertweet": _phobert,
    "biogpt": _biogpt,
    "blenderbotsmall": _plain(Chatted),
    "ctrl": _plain(Continued),
    "flaubert": _flaubert,
    "fsmt": _fsmt,
    "herbert": _herbert,
    "openaigpt": _gpt,
    "phobert": _phobert,
    "speech2text2": _speech2text2,
    "speechtotext2": _speech2text2,
    "xlm": _xlm,
}
