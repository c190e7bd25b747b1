"""Vocabularies learnt anew from texts, for a tokenizer that works as another does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tokenizers
from tokenizers import pre_tokenizers, trainers

from jaxformers.errors import InputError
from jaxformers.tokenization.settings import SPECIAL

if TYPE_CHECKING:
    from jaxformers.tokenization.fast import FastTokenizer

TRAINERS = {
    "BPE": trainers.BpeTrainer,
    "Unigram": trainers.UnigramTrainer,
    "WordLevel": trainers.WordLevelTrainer,
    "WordPiece": trainers.WordPieceTrainer,
}


def trained(
    old: FastTokenizer,
    texts: Iterable[str] | Iterable[Sequence[str]],
    vocab_size: int,
    new_special_tokens: Sequence[str],
    renamed: Mapping[str, str],
) -> FastTokenizer:
    """See `FastTokenizer.train_new_from_iterator`."""
    held = json.loads(old.backend.to_str())
    kind = held["model"]["type"]
    if kind not in TRAINERS:
        raise InputError("train_new_from_iterator", [f"the model must be of {', '.join(TRAINERS)}, got {kind}"])
    around = held.pop("post_processor")
    special = _special_tokens(held.pop("added_tokens"), kind, renamed)
    special += [tokenizers.AddedToken(t, special=True) for t in new_special_tokens]
    how = _emptied(held["model"], renamed)
    if "ByteLevel" in json.dumps(held.get("pre_tokenizer")):
        how["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    backend = tokenizers.Tokenizer.from_str(json.dumps(held))
    backend.train_from_iterator(texts, TRAINERS[kind](vocab_size=vocab_size, special_tokens=special, **how))
    if around is not None:
        held = json.loads(backend.to_str())
        held["post_processor"] = _renumbered(around, backend, renamed)
        backend = tokenizers.Tokenizer.from_str(json.dumps(held))
    settings = {k: v for k, v in old.settings.items() if k != "added_tokens_decoder"}
    for role in SPECIAL:
        token = getattr(old, role)
        settings[role] = renamed.get(token, token)
    more = [renamed.get(t, t) for t in old.additional_special_tokens]
    settings["additional_special_tokens"] = [*more, *new_special_tokens]
    settings["chat_template"] = (
        old.chat_template
        if not isinstance(old.chat_template, dict)
        else [{"name": name, "template": text} for name, text in old.chat_template.items()]
    )
    return type(old)(backend, settings, old.kind)


def _special_tokens(listed: list[dict[str, Any]], kind: str, renamed: Mapping[str, str]) -> list:
    """The old added tokens that are special (of Unigram: all), renamed."""
    out = []
    for entry in listed:
        flags = {k: v for k, v in entry.items() if k not in ("id", "content", "special")}
        if entry["special"] or kind == "Unigram":
            text = renamed.get(entry["content"], entry["content"])
            out.append(tokenizers.AddedToken(text, special=True, **flags))
    return out


def _emptied(model: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Takes a model's vocabulary away, in place; returns what its trainer must know of it."""
    how: dict[str, Any] = {}
    if model["type"] == "Unigram":
        if model["unk_id"] is not None:
            old = model["vocab"][model["unk_id"]][0]
            how["unk_token"] = renamed.get(old, old)
            model |= {"unk_id": 0, "vocab": [[how["unk_token"], 0.0]]}
        return how
    model["vocab"] = {}
    if model.get("unk_token") in renamed:
        model["unk_token"] = renamed[model["unk_token"]]
    if model["type"] == "BPE":
        model["merges"] = []
        kept = ("continuing_subword_prefix", "end_of_word_suffix")
        how = {k: model[k] for k in kept if model[k] is not None}
    return how


def _renumbered(around: dict[str, Any], backend: tokenizers.Tokenizer, renamed: Mapping[str, str]) -> dict[str, Any]:
    """What puts special tokens around texts, with their new names and ids."""

    def number(token: str) -> int:
        found = backend.token_to_id(token)
        if found is None:
            raise InputError("train_new_from_iterator", [f"the special token {token!r} must be in the new vocabulary"])
        return found

    if around["type"] == "Sequence":
        parts = [_renumbered(part, backend, renamed) for part in around["processors"]]
        return {**around, "processors": parts}
    out = dict(around)
    if isinstance(around.get("special_tokens"), dict):
        out["special_tokens"] = {}
        for name, entry in around["special_tokens"].items():
            tokens = [renamed.get(t, t) for t in entry["tokens"]]
            out["special_tokens"][name] = {**entry, "tokens": tokens, "ids": [number(t) for t in tokens]}
    for role in ("cls", "sep"):
        if role in around:
            token = renamed.get(around[role][0], around[role][0])
            out[role] = [token, number(token)]
    return out
