"""The file of a SentencePiece model: a protobuf message, read here without the protobuf library.

Message: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
Encoding: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import struct
from collections.abc import Iterator
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import sentencepiece_charsmap as charsmap

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # kinds of pieces
UNIGRAM, BPE, WORD, CHAR = range(1, 5)  # algorithms
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5  # how a field is stored


@dataclasses.dataclass(frozen=True)
class Model:
    """What a SentencePiece model holds.

    Args:
      texts, scores, kinds: of each piece; its place is its id.
      algorithm: UNIGRAM, BPE, WORD or CHAR.
      byte_fallback: are unknown characters written as bytes, `<0x41>`?
      unk_id, unk_piece: the unknown piece's id and text, as the trainer was told.
      unk_surface: the text that it decodes to.
      charsmap: the table of characters to replace; empty when there is none.
      add_dummy_prefix: is a space put in front?
      remove_extra_whitespaces: are spaces at either end and second spaces left out?
      space_behind: do spaces belong to the word before them?
      restores: the table of characters to replace in decoded text.
    """

    texts: tuple[str, ...]
    scores: tuple[float, ...]
    kinds: tuple[int, ...]
    algorithm: int = UNIGRAM
    byte_fallback: bool = False
    unk_id: int = 0
    unk_piece: str = "<unk>"
    unk_surface: str = " \u2047 "
    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    space_behind: bool = False
    restores: bytes = b""


class _DamageError(ValueError):
    """The bytes are no such message; the text says why."""


def read(file: pathlib.Path) -> Model:
    """Reads a model.

    Raises:
      CheckpointError: the file is damaged, cut short or something else.
    """
    try:
        return _model(file.read_bytes())
    except (OSError, _DamageError, charsmap.DamageError) as e:
        raise CheckpointError(str(file), [f"must be a SentencePiece model: {e}"], "fetch or save it again") from None


_PIECE = {1: ("text", str), 2: ("score", float), 3: ("kind", int)}
_TRAINER = {
    3: ("algorithm", int),
    24: ("space_behind", bool),
    35: ("byte_fallback", bool),
    40: ("unk_id", int),
    44: ("unk_surface", str),
    45: ("unk_piece", str),
}
_NORMALISER = {2: ("charsmap", bytes), 3: ("add_dummy_prefix", bool), 4: ("remove_extra_whitespaces", bool)}


_KNOWN: dict[int, dict[int, tuple[str, type]]] = {1: _PIECE, 2: _TRAINER, 3: _NORMALISER, 5: {2: ("restores", bytes)}}


def _model(data: bytes) -> Model:
    pieces: list[dict[str, Any]] = []
    rest: dict[str, Any] = {}
    seen = set()
    for number, stored, value in _fields(data):
        if number not in _KNOWN:
            continue
        if stored != _LENGTH:
            raise _DamageError(f"field {number} is no message")
        seen.add(number)
        if number == 1:
            pieces.append(_message(value, _PIECE))
        else:
            rest |= _message(value, _KNOWN[number])
    if absent := [name for number, name in ((2, "the trainer's"), (3, "the normalizer's")) if number not in seen]:
        raise _DamageError(f"{' and '.join(absent)} settings are missing")
    _check(pieces, rest)
    charsmap.check(rest.get("charsmap", b""))
    texts, scores = (tuple(p.get(k, d) for p in pieces) for k, d in (("text", ""), ("score", 0.0)))
    return Model(texts, scores, tuple(p.get("kind", NORMAL) for p in pieces), **rest)


def _check(pieces: list[dict[str, Any]], rest: dict[str, Any]) -> None:
    if not pieces:
        raise _DamageError("it holds no pieces")
    seen = set()
    for i, piece in enumerate(pieces):
        text, score, kind = piece.get("text", ""), piece.get("score", 0.0), piece.get("kind", NORMAL)
        if not text or text in seen:
            raise _DamageError(f"piece {i} is {'a second ' + repr(text) if text else 'empty'}")
        if not math.isfinite(score):
            raise _DamageError(f"piece {i}, {text!r}, has the score {score}")
        if not NORMAL <= kind <= BYTE:
            raise _DamageError(f"piece {i}, {text!r}, is of the unknown kind {kind}")
        seen.add(text)
    unknown = sum(piece.get("kind") == UNKNOWN for piece in pieces)
    if unknown != 1:
        raise _DamageError(f"{unknown} of its pieces stand for unknown text, one must")
    if not 0 <= rest.get("unk_id", 0) < len(pieces):
        raise _DamageError(f"the unknown piece is number {rest['unk_id']} of {len(pieces)}")
    if not UNIGRAM <= rest.get("algorithm", UNIGRAM) <= CHAR:
        raise _DamageError(f"it is of the unknown algorithm {rest['algorithm']}")


def _message(data: bytes, known: dict[int, tuple[str, type]]) -> dict[str, Any]:
    """The known fields of a message by name."""
    out = {}
    for number, stored, value in _fields(data):
        if number not in known:
            continue
        name, kind = known[number]
        if stored != {str: _LENGTH, bytes: _LENGTH, float: _FOUR}.get(kind, _VARINT):
            raise _DamageError(f"{name} is stored as something else")
        if kind is str:
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError:
                raise _DamageError(f"{name} {bytes(value)!r:.60} is not UTF-8") from None
        elif kind is float:
            value = struct.unpack("<f", value)[0]
        elif kind is not bytes:  # integers are 64 bits long in the file, of which 32 count
            value = kind(value) if kind is bool else (value + 2**31) % 2**32 - 2**31
        out[name] = value
    return out


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, way of storing and value of each field: an integer, or bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, stored = key >> 3, key & 7
        value: int | bytes
        if stored == _VARINT:
            value, at = _varint(data, at)
        else:
            if stored == _LENGTH:
                size, at = _varint(data, at)
            elif stored in (_FOUR, _EIGHT):
                size = 4 if stored == _FOUR else 8
            else:
                raise _DamageError(f"byte {at} begins no field")
            value, at = data[at : at + size], at + size
        if number == 0 or at > end:
            raise _DamageError(f"it is cut short at byte {end}" if number else f"byte {at} begins no field")
        yield number, stored, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer at `at`, seven bits a byte, and where it ends."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise _DamageError(f"it is cut short at byte {at}")
