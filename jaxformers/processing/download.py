"""Downloads with a limit and a time-out."""

from __future__ import annotations

import urllib.error
import urllib.request

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
