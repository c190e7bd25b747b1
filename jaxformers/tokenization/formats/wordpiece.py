"""WordPiece from vocab.txt, a token a line: BERT and its kin.

Paper: https://arxiv.org/abs/1609.08144.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from jaxformers.tokenization.formats import files, options, python_backend, specials
from jaxformers.tokenization.formats.pieced import pieced
from jaxformers.tokenization.formats.python_rows import Template

LONGEST = 100  # letters of a word; longer ones are unknown
IN_PYTHON = """
    align bark bert blip bros chineseclip convbert distilbert dpr dprcontextencoder dprquestionencoder dprreader
    electra ernie git groundingdino layoutlm lxmert megatronbert mmgroundingdino mobilebert nezha qdqbert realm
    retribert squeezebert tvp vilt visualbert
"""  # classes whose words are BERT's in Python
STRIPS = {"mpnet": {"mask": {"lstrip": True}}}


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> Any:
    """Reads vocab.txt; `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` as tokenizer_config.json says.

    Splinter also reads `question_token`, which ends the first text of a pair. With `do_basic_tokenize` or
    `never_split`, which the `tokenizers` library has not, words are cut in Python.
    """
    file = files.need(directory, "vocab.txt")
    vocab = {token: i for i, token in enumerate(files.lines(file))}
    roles = ("unk", "sep", "cls")
    name = dict(zip(roles, specials.required(directory, settings, *roles), strict=True))
    if stem == "splinter":
        name |= {"question": _question(settings), "dot": "."}
        settings = {**settings, "additional_special_tokens": [name["question"]]}
    elif stem == "tapas":
        settings = {**settings, "additional_special_tokens": additional(stem, settings)}
    specials.need(file, vocab, name.values())
    if stem in IN_PYTHON.split() and _python(settings):
        scheme = pieced(directory, settings, vocab)
        scheme.lower = scheme.words is not None and scheme.words.lower
        return python_backend.made(scheme, directory, settings, _enclosed, files=[file])
    made = tokenizers.Tokenizer(models.WordPiece(vocab=vocab, unk_token=name["unk"], max_input_chars_per_word=LONGEST))
    accents = settings.get("strip_accents")  # null: as letters are made small or not
    made.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=stem != "roformer" and options.flag(settings, "tokenize_chinese_chars", True),
        strip_accents=None if accents is None else options.flag(settings, "strip_accents"),
        lowercase=options.flag(settings, "do_lower_case", True),
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##", cleanup=stem not in ("rocbert", "tapas"))
    made.post_processor = _around(stem, name, vocab, options.word(settings, "padding_side", "right"))
    made.add_tokens(specials.gather(directory, settings, STRIPS.get(stem)))
    return made


def older(stem: str, directory: pathlib.Path, settings: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Does the caller ask for what tokenizer.json can not say, and vocab.txt is there?"""
    return _python(changes) and (directory / "vocab.txt").is_file()


def _python(settings: Mapping[str, Any]) -> bool:
    """Do settings ask for what only the classes in Python do?"""
    return bool(settings.get("never_split")) or not options.flag(settings, "do_basic_tokenize", True)


def _enclosed(of: Callable[[str], int]) -> Template:
    start, end = ((of("cls"), 0), ("A", 0), (of("sep"), 0)), (("B", 1), (of("sep"), 1))
    return Template(start, (*start, *end))


def additional(stem: str, settings: Mapping[str, Any]) -> list[str]:
    """The `additional_special_tokens`: those of the settings, Splinter's question, TAPAS's token of empty cells."""
    given = [str(specials.text(t)) for t in specials.additional(settings)]
    first = [_question(settings)] if stem == "splinter" else []
    last = [specials.text(settings.get("empty_token")) or "[EMPTY]"] if stem == "tapas" else []
    return list(dict.fromkeys([*first, *given, *last]))


def _question(settings: Mapping[str, Any]) -> str:
    return specials.text(settings.get("question_token")) or "[QUESTION]"


def _around(stem: str, name: Mapping[str, str], vocab: Mapping[str, int], side: str) -> processors.TemplateProcessing:
    """The special tokens around a text and around a pair, whose second text is of type 1.

    MPNet parts a pair with two `sep`; Funnel's `cls` is of type 2; Splinter's question, on the side where padding is
    not, ends in a token and a full stop; nothing stands behind TAPAS's table.
    """
    cls, sep = name["cls"], name["sep"]
    first, between, last = f"{cls}:{2 if stem == 'funnel' else 0}", f"{sep}:0", f"{sep}:1"
    if stem == "mpnet":
        between = f"{sep}:0 {sep}:0"
    elif stem == "splinter":
        question, dot = name["question"], name["dot"]
        between = f"{question}:0 {dot}:0 {between}" if side == "right" else between
        last = last if side == "right" else f"{question}:0 {dot}:0 {last}"
    elif stem == "tapas":
        last = ""
    used = {name[role] for role in name if role != "unk"}
    return processors.TemplateProcessing(
        single=f"{first} $A:0 {sep}:0",
        pair=f"{first} $A:0 {between} $B:1 {last}".strip(),
        special_tokens=[(token, vocab[token]) for token in used],
    )
