"""Damaged files: what a bad disk, a cut connection or an ill will makes of a good one."""

from __future__ import annotations

import random
import struct
import zlib

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """`data` after one to eight blows, most of them near its start, where the headers are."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        _BLOWS[rng.randrange(len(_BLOWS))](out, rng, others)
        if not out:
            break
    if out[:8] == b"\x89PNG\r\n\x1a\n" and rng.random() < 0.7:
        _sign(out)  # so that what was changed is read, and not only its checksum
    return bytes(out)


def _place(out: bytearray, rng: random.Random) -> int:
    return int(rng.random() ** rng.choice((1, 4)) * len(out))


def _byte(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    out[_place(out, rng)] = rng.randrange(256)


def _bit(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    out[_place(out, rng)] ^= 1 << rng.randrange(8)


def _number(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    width, order = rng.choice((1, 2, 4)), rng.choice(("little", "big"))
    value = rng.choice(_EXTREMES) & (256**width - 1)
    at = _place(out, rng)
    out[at : at + width] = value.to_bytes(width, order)


def _cut(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    if rng.random() < 0.3:
        del out[rng.randrange(1, len(out) + 1) :]


def _lost(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    at = _place(out, rng)
    del out[at : at + rng.randint(1, 32)]


def _twice(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    at = _place(out, rng)
    out[at:at] = out[at : at + rng.randint(1, 200)]


def _noise(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    at = _place(out, rng)
    out[at : at + rng.randint(0, 32)] = rng.randbytes(rng.randint(1, 32))


def _zeros(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    at, n = _place(out, rng), rng.randint(1, 32)
    out[at : at + n] = bytes(n)


def _of_another(out: bytearray, rng: random.Random, others: list[bytes]) -> None:
    other = rng.choice(others)
    start, at = rng.randrange(len(other)), _place(out, rng)
    n = rng.randint(1, 64)
    out[at : at + n] = other[start : start + n]


_BLOWS = (_byte, _byte, _bit, _number, _number, _number, _cut, _lost, _twice, _noise, _zeros, _of_another)


def _sign(out: bytearray) -> None:
    """Makes the checksums of a PNG file right again, as far as its chunks can be followed."""
    at = 8
    while at + 12 <= len(out):
        end = at + 8 + struct.unpack_from(">I", out, at)[0]
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
