"""SentencePiece: a trained model in one file, of the unigram or the byte-pair algorithm.

Papers: https://arxiv.org/abs/1808.06226, https://arxiv.org/abs/1804.10959.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import tokenizers

from jaxformers.errors import CheckpointError, JaxformersError
from jaxformers.tokenization.formats import files, specials, tiktoken
from jaxformers.tokenization.formats import sentencepiece_languages as languages
from jaxformers.tokenization.formats import sentencepiece_parts as parts
from jaxformers.tokenization.formats.sentencepiece_families import FAMILIES, NAMES, additional
from jaxformers.tokenization.formats.sentencepiece_model import BPE, CONTROL, UNIGRAM, USER_DEFINED, Model, read

WHOLE = ("extra_ids", "offset")  # settings that are numbers


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads a class's SentencePiece model, and the settings of tokenizer_config.json that its class knows."""
    name, stem = stem, NAMES.get(stem, stem)
    family = FAMILIES[stem]
    _check(directory, settings)
    file = files.need(directory, family.file)
    if stem == "llama" and tiktoken.is_ranks(file):
        return tiktoken.build(stem, directory, settings)
    model = read(file)
    if model.algorithm not in (UNIGRAM, BPE):
        raise CheckpointError(str(file), ["must be trained with the unigram or the bpe algorithm"])
    try:
        made = tokenizers.Tokenizer(parts.algorithm(family, model, settings))
        made.add_tokens(_control(stem, model))
        normalizer = parts.normalizer(family, model, settings)
        splitter = parts.pre_tokenizer(family, settings)
        if normalizer is not None:
            made.normalizer = normalizer
        if splitter is not None:
            made.pre_tokenizer = splitter
        made.decoder = parts.decoder(family, settings)
    except JaxformersError:
        raise
    except Exception as e:  # the library raises a bare Exception
        raise CheckpointError(str(file), [f"must be a SentencePiece model: {e}"]) from None
    made.add_tokens(_special(name, directory, made, settings))
    if stem in languages.USUAL:
        languages.start(made, stem, settings)
    elif family.single:
        made.post_processor = parts.template(family, made, settings)
    return made


def older(stem: str, directory: pathlib.Path, settings: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Is a space in front of texts switched on or off, in a class that builds its tokenizer anew for that?"""
    model = {"t5": "spiece.model", "llama": "tokenizer.model"}.get(stem)
    asked = {**settings, **changes}.get("add_prefix_space") is not None
    return model is not None and asked and (directory / model).is_file()


def _check(directory: pathlib.Path, settings: Mapping[str, Any]) -> None:
    wrong = [n for n in WHOLE if type(settings.get(n, 0)) is not int or settings.get(n, 0) < 0]
    if wrong:
        problems = [f"{n} must be a whole number of at least 0, got {settings[n]!r}" for n in wrong]
        raise CheckpointError(str(directory / "tokenizer_config.json"), problems)


def _control(stem: str, model: Model) -> list[tokenizers.AddedToken]:
    """Pieces that text is never cut into, and those that it always is."""
    turns = ("<start_of_turn>", "<end_of_turn>") if stem == "gemma" else ()
    return [
        tokenizers.AddedToken(t, normalized=False, special=kind == CONTROL or t in turns)
        for t, kind in zip(model.texts, model.kinds, strict=True)
        if kind in (CONTROL, USER_DEFINED)
    ]


def _special(
    stem: str, directory: pathlib.Path, made: tokenizers.Tokenizer, settings: Mapping[str, Any]
) -> list[tokenizers.AddedToken]:
    """The special tokens of the settings and of the class.

    Those that the model holds do without unless they have other flags; all keep on being found before or after text is
    cleaned, as the model has it.
    """
    flags, more = FAMILIES[NAMES.get(stem, stem)].flags, additional(stem, settings)
    found = specials.gather(directory, {**settings, "additional_special_tokens": more}, flags)
    held = {t.content: t.normalized for t in made.get_added_tokens_decoder().values()}
    listed = {t.content for t in specials.added(directory, settings).values()}
    given = [settings.get(f"{role}_token") for role in specials.ROLES if role not in flags]
    plain = {t for t in [*given, *more] if isinstance(t, str) and t in held} - listed
    return [_kept(t, held.get(t.content, t.normalized)) for t in found if t.content not in plain]


def _kept(token: tokenizers.AddedToken, normalized: bool) -> tokenizers.AddedToken:
    flags = {name: getattr(token, name) for name in ("single_word", "lstrip", "rstrip", "special")}
    return tokenizers.AddedToken(token.content, normalized=normalized, **flags)
