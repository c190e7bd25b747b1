"""WordPiece from vocab.txt, a token a line: BERT and its kin.

Paper: https://arxiv.org/abs/1609.08144.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files

LONGEST = 100  # letters of a word; longer ones are unknown
CASED = ()  # classes that keep the letters as they are unless told otherwise


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads vocab.txt; `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` as tokenizer_config.json says."""
    file = files.need(directory, "vocab.txt")
    vocab = {token: i for i, token in enumerate(files.lines(file))}
    name = {role: text(settings[f"{role}_token"]) for role in ("unk", "sep", "cls")}
    if absent := [t for t in name.values() if t not in vocab]:
        raise CheckpointError(str(file), [f"must hold the special tokens; {', '.join(absent)} are missing"])
    made = tokenizers.Tokenizer(models.WordPiece(vocab=vocab, unk_token=name["unk"], max_input_chars_per_word=LONGEST))
    made.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", stem not in CASED),
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##")
    made.post_processor = around(name["cls"], name["sep"], vocab, 2 if stem == "mpnet" else 1)
    return made


def text(token: Any) -> str:
    """A special token's text: files hold it plain or as an object."""
    return token["content"] if isinstance(token, Mapping) else token


def around(cls: str, sep: str, vocab: Mapping[str, int], between: int = 1) -> processors.TemplateProcessing:
    """`cls` text `sep`; with a pair, whose token type is 1, `between` times `sep` before it and one behind it."""
    return processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {f'{sep}:0 ' * between}$B:1 {sep}:1",
        special_tokens=[(t, vocab[t]) for t in {cls, sep}],
    )
