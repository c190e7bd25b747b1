"""Byte-level BPE from the files of the tiktoken library: a token's bytes in base 64 and its rank, a line each.

Such a file lists no merges: a token may be made of any two tokens of lower rank that give its bytes.
"""

from __future__ import annotations

import base64
import binascii
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, processors

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, specials

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
SHOWN = 5  # offenders that an error lists


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads tokenizer.model; words are split as Llama 3 does, special tokens are those of tokenizer_config.json."""
    made = tokenizers.Tokenizer(model(files.need(directory, "tokenizer.model")))
    made.pre_tokenizer = split(WORDS)
    made.decoder = decoders.ByteLevel()
    made.add_tokens([specials.token(entry) for entry in specials.additional(settings)])
    made.add_tokens(specials.gather(directory, settings))
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    return made


def is_ranks(file: pathlib.Path) -> bool:
    """Does a file begin as a tiktoken file does, with a token in base64 and its rank?"""
    with file.open("rb") as f:
        return re.match(rb"[A-Za-z0-9+/]+={0,2} \d+\s", f.read(200)) is not None


def model(file: pathlib.Path) -> models.BPE:
    """The BPE of a tiktoken file.

    Raises:
      CheckpointError: a line holds no token and rank, a byte is missing, or a token or rank occurs twice.
    """
    return merged(read(file))


def merged(ranks: Mapping[bytes, int], first: Sequence[str] = ()) -> models.BPE:
    """The BPE of `{token: rank}`; the tokens `first`, which no text gives, come before them."""
    letter = letters()
    names = {token: "".join([letter[byte] for byte in token]) for token in ranks}
    merges = []
    for token, rank in ranks.items():
        pairs = [(token[:i], token[i:]) for i in range(1, len(token))]
        held = [(ranks[a], ranks[b], a, b) for a, b in pairs if a in ranks and b in ranks]
        merges += [(rank, i, a, b) for i, (_, _, a, b) in enumerate(sorted(held))]
    merges.sort(key=lambda merge: merge[:2])
    vocab = {token: i for i, token in enumerate(first)} | {names[t]: len(first) + rank for t, rank in ranks.items()}
    return models.BPE(vocab, [(names[a], names[b]) for _, _, a, b in merges], fuse_unk=False, ignore_merges=True)


def split(words: str, prefix_space: bool = False) -> pre_tokenizers.PreTokenizer:
    """Splits text at what `words` matches, then writes bytes as letters."""
    cut = pre_tokenizers.Split(Regex(words), behavior="isolated", invert=False)
    return pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=False)])


def read(file: pathlib.Path) -> dict[bytes, int]:
    """`{token: rank}` of a tiktoken file, tokens as bytes."""
    ranks: dict[bytes, int] = {}
    wrong = []
    for number, line in enumerate(files.lines(file), 1):
        if not line:
            continue
        try:
            token, rank = line.split()
            raw = base64.b64decode(token, validate=True)
            fits = raw and raw not in ranks and rank.isascii() and rank.isdigit()
        except (ValueError, binascii.Error):
            fits = False
        if not fits:
            wrong.append(f"line {number} must be a token in base 64, new, and its rank, got {line!r:.60}")
        else:
            ranks[raw] = int(rank)
    wrong += [f"must hold every single byte, {byte} is missing" for byte in range(256) if bytes([byte]) not in ranks]
    if len(set(ranks.values())) < len(ranks):
        wrong.append("must give each token a rank of its own")
    if wrong:
        raise CheckpointError(str(file), wrong[:SHOWN])
    return ranks


def letters() -> list[str]:
    """The letter of each byte in byte-level BPE: printable ones stand for themselves, the others follow U+0100."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(0x100 + rest.index(byte)) for byte in range(256)]
