"""Mistral's tekken.json: byte-level BPE with its pattern of words, behind special tokens that no text gives.

Code: https://github.com/mistralai/mistral-common.
"""

from __future__ import annotations

import base64
import binascii
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import decoders, processors

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, tiktoken

FILE = "tekken.json"
# Of files that list none.
SPECIAL = (
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
    "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
)  # fmt: skip


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads tekken.json."""
    file = files.need(directory, FILE)
    held = _object(file)
    pattern, size, many = (
        held["config"].get(key) for key in ("pattern", "default_vocab_size", "default_num_special_tokens")
    )
    if not isinstance(pattern, str) or type(size) is not int or type(many) is not int or not 0 < many < size:
        rule = "config must hold pattern, default_vocab_size and, fewer than these, default_num_special_tokens"
        raise CheckpointError(str(file), [f"{rule}, got {pattern!r:.60}, {size!r:.20}, {many!r:.20}"])
    special = _special(file, held.get("special_tokens"), many)
    ranks = _ranks(file, held["vocab"][: size - many], size - many)
    if taken := [token for token in special if token.encode() in ranks]:
        raise CheckpointError(str(file), [f"must not hold special tokens as texts, too, got {taken[0]!r}"])
    made = tokenizers.Tokenizer(tiktoken.merged(ranks, special))
    made.pre_tokenizer = tiktoken.split(pattern)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([tokenizers.AddedToken(token, normalized=False, special=True) for token in special])
    ends = [(token, special.index(token)) for token in ("<s>", "</s>") if token in special]
    if len(ends) == 2:
        made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair=None, special_tokens=ends)
    return made


def _object(file: pathlib.Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        fits = isinstance(value["config"], dict) and isinstance(value["vocab"], list)
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        fits = False
    if not fits:
        raise CheckpointError(str(file), ["must hold one JSON object with config and vocab"])
    return value


def _special(file: pathlib.Path, listed: Any, many: int) -> list[str]:
    """The special tokens by id, those that have no name with one made up."""
    held: list[Any] = [*SPECIAL] if listed is None else listed
    names = [entry.get("token_str") if isinstance(entry, Mapping) else entry for entry in held]
    names += [f"<SPECIAL_{i}>" for i in range(len(names), many)]
    texts = [name for name in names if isinstance(name, str) and name]
    if len({*texts}) != len(names) or len(names) != many:
        raise CheckpointError(str(file), [f"special_tokens must be at most {many} that differ, each a token_str"])
    return texts


def _ranks(file: pathlib.Path, listed: list[Any], many: int) -> dict[bytes, int]:
    """`{token: rank}`; single bytes come first."""
    ranks: dict[bytes, int] = {}
    for i, entry in enumerate(listed):
        try:
            token = base64.b64decode(entry["token_bytes"], validate=True)
            fits = entry["rank"] == i and bool(token) and token not in ranks and (i > 255 or token == bytes([i]))
        except (LookupError, TypeError, ValueError, binascii.Error):
            fits = False
        if not fits:
            rule = f"vocab[{i}] must hold the rank {i} and a token in base 64, new (below 256 the byte)"
            raise CheckpointError(str(file), [f"{rule}, got {entry!r:.60}"])
        ranks[token] = i
    if len(ranks) < max(many, 256):
        raise CheckpointError(str(file), [f"vocab must hold {max(many, 256)} tokens, got {len(ranks)}"])
    return ranks
