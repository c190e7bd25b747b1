"""Bytes from wherever they are; downloads with a limit and a time-out."""

from __future__ import annotations

import base64
import binascii
import http.client
import os
import time
import urllib.request
from typing import Any

from jaxformers.errors import InputError

BYTES = 2**26
SECONDS = 30.0
_BLOCK = 2**16
_LEAST = 30  # bytes of a file: a word like "cats" can be read as base64 text, and is meant as a path


def download(url: str, timeout: float = SECONDS, limit: int = BYTES) -> bytes:
    """The bytes behind an http(s) URL.

    Args:
      url: where they are.
      timeout: seconds that the server may take for its first answer, and again for all of the bytes.
      limit: the most bytes.

    Raises:
      InputError: no answer in time, an error of the server, or more than `limit` bytes.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError("download", [f"must be an http or https URL, got {url!r:.80}"])
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return _held(answer, url, timeout, limit)
    except (OSError, ValueError, http.client.HTTPException) as e:
        if isinstance(e, InputError):
            raise
        raise InputError("download", [f"{url} must answer: {e or type(e).__name__}"]) from None


def _held(answer: Any, url: str, timeout: float, limit: int) -> bytes:
    """What an answer holds, part by part: a server that sends a byte now and then is not waited for."""
    data, end = bytearray(), time.monotonic() + timeout
    while part := answer.read1(_BLOCK):
        data += part
        if len(data) > limit:
            raise InputError("download", [f"{url} must hold at most {limit} bytes"])
        if time.monotonic() > end:
            raise InputError("download", [f"{url} must send its bytes in {timeout} s"], "pass a longer timeout")
    promised = answer.headers.get("Content-Length", "")
    if promised.isdigit() and len(data) < int(promised):
        raise InputError("download", [f"{url} must send all of its {promised} bytes, got {len(data)}"])
    return bytes(data)


def read_bytes(what: str, source: Any, timeout: float = SECONDS) -> bytes:
    """The bytes of a path, of bytes, of an http(s) or data URL, or of base64 text.

    Args:
      what: who asks, for errors.
      timeout: seconds that a server may take for its first answer, and again for all of the bytes.

    Raises:
      InputError: there is no such file, no answer, or `source` is nothing of these.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, os.PathLike) and not os.path.isfile(source):  # nor a folder, a device or a pipe
        raise InputError(what, [f"must be a file to read, got {os.fspath(source)!r}"])
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
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if text is not source and not data:
        raise InputError(what, [f"a data URL must hold base64 text, got {source!r:.80}"])
    if text is source and len(data) < _LEAST:
        problem = f"no such file, and no base64 text: {source!r:.80}"
        raise InputError(what, [problem], "pass a path, bytes, an http(s) or data URL")
    return data
