"""Bytes from wherever they are; downloads with a limit and a time-out."""

from __future__ import annotations

import base64
import binascii
import os
import urllib.error
import urllib.request
from typing import Any

from jaxformers.errors import InputError

BYTES = 2**26
SECONDS = 30.0


def download(url: str, timeout: float = SECONDS, limit: int = BYTES) -> bytes:
    """The bytes behind an http(s) URL.

    Raises:
      InputError: no answer in `timeout` seconds, an error of the server, or more than `limit` bytes.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError("download", [f"must be an http or https URL, got {url!r:.80}"])
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            data = answer.read(limit + 1)
    except (OSError, ValueError, urllib.error.URLError) as e:
        raise InputError("download", [f"{url} must answer: {e}"]) from None
    if len(data) > limit:
        raise InputError("download", [f"{url} must hold at most {limit} bytes"])
    return data


def read_bytes(what: str, source: Any, timeout: float = SECONDS) -> bytes:
    """The bytes of a path, of bytes, of an http(s) or data URL, or of base64 text.

    Args:
      what: who asks, for errors.
      timeout: seconds that a server may take for each answer.

    Raises:
      InputError: there is no such file, no answer, or `source` is nothing of these.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike) or (isinstance(source, str) and os.path.isfile(source)):
        try:
            with open(source, "rb") as f:
                return f.read()
        except OSError as e:
            raise InputError(what, [f"must be a file to read: {e}"]) from None
    if not isinstance(source, str):
        raise InputError(what, [f"must be a path, bytes or a URL, got {type(source).__name__}"])
    if source.startswith(("http://", "https://")):
        return download(source, timeout)
    text = source.split(",", 1)[1] if source.startswith("data:") and "," in source else source
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(what, [f"no such file, and no base64 text: {source!r:.80}"]) from None
