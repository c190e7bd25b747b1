"""WAV files read from bytes: PCM of 8 to 32 bits and floats of 32 and 64, any number of channels."""

from __future__ import annotations

import struct

import numpy as np

from jaxformers.errors import InputError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def read_wav(data: bytes) -> tuple[np.ndarray, int]:
    """float32 [samples, channels] of -1 to 1, and the sampling rate.

    Raises:
      InputError: the bytes are no WAV file, damaged, or of an encoding that is not read.
    """
    form = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = _format(body)
        elif name == b"data":
            if form is None:
                break
            return _samples(body, *form)
        at += 8 + size + size % 2
    what = "no data" if form is not None else "no format before its data"
    raise InputError("read_wav", [f"the file must be whole, it has {what}"])


def is_wav(data: bytes) -> bool:
    """Do the bytes begin as those of a WAV file do?"""
    return len(data) >= 12 and data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _format(body: bytes) -> tuple[int, int, int, int]:
    """(encoding, channels, rate, bits a sample)."""
    if len(body) < 16:
        raise InputError("read_wav", [f"the format must have at least 16 bytes, got {len(body)}"])
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE and len(body) >= 26:
        kind = struct.unpack_from("<H", body, 24)[0]
    known = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}.get(kind, ())
    if bits not in known or not channels or not rate:
        problem = f"must be PCM of 8, 16, 24 or 32 bits or floats of 32 or 64, got encoding {kind} with {bits} bits"
        raise InputError("read_wav", [f"{problem}, {channels} channels at {rate} Hz"])
    return kind, channels, rate, bits


def _samples(body: bytes, kind: int, channels: int, rate: int, bits: int) -> tuple[np.ndarray, int]:
    width = bits // 8
    x: np.ndarray
    body = body[: len(body) // (width * channels) * width * channels]
    if kind == _FLOAT:
        x = np.frombuffer(body, f"<f{width}").astype(np.float32)
    elif bits == 8:
        x = (np.frombuffer(body, np.uint8).astype(np.float32) - 128) / 128
    elif bits == 24:
        parts = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = (parts[:, 0] << 8) | (parts[:, 1] << 16) | (parts[:, 2] << 24)
        x = (whole / 2.0**31).astype(np.float32)
    else:
        x = (np.frombuffer(body, f"<i{width}") / 2.0 ** (bits - 1)).astype(np.float32)
    return x.reshape(-1, channels), rate
