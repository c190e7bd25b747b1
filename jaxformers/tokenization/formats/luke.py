"""LUKE's vocabulary is RoBERTa's and mLUKE's is XLM-RoBERTa's, each with two tokens that mark entities."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import tokenizers

from jaxformers.tokenization.formats import byte_bpe, sentencepiece, specials


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings, then the two that mark entities."""
    own = (settings.get("entity_token_1") or "<ent>", settings.get("entity_token_2") or "<ent2>")
    held = specials.additional(settings)
    known = {specials.text(token) for token in held}
    return [*held, *(token for token in own if specials.text(token) not in known)]


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads vocab.json and merges.txt, or sentencepiece.bpe.model."""
    settings = {**settings, "additional_special_tokens": additional(stem, settings)}
    if stem == "luke":
        return byte_bpe.build("roberta", directory, settings)
    return sentencepiece.build("xlmroberta", directory, settings)
