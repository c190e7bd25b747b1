"""What processors share: whose the options of a call are, settings that are counts, image tokens that are cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.processors import Processor


def shares(processor: Processor, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of what prepares images or sound, and those of the tokenizer.

    Each alone as `sorted_options` tells them apart, and then what `images_kwargs`, `audio_kwargs` and `text_kwargs`
    hold.
    """
    groups = {k: dict(options.get(k) or {}) for k in ("images_kwargs", "audio_kwargs", "text_kwargs")}
    theirs, rest = processor.sorted_options({k: v for k, v in options.items() if k not in groups})
    return {**theirs, **groups["images_kwargs"], **groups["audio_kwargs"]}, {**rest, **groups["text_kwargs"]}


def count(processor: Processor, name: str, usual: int) -> int:
    """A setting of processor_config.json that is a whole number from 1 on; `usual` where it is left out.

    Raises:
      InputError: it is something else.
    """
    n = processor.settings.get(name, usual)
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise InputError(processor.name, [f"{name} must be a whole number from 1 on, got {n!r}"])
    return n


def unbroken(
    processor: Processor, texts: Sequence[str], rows: Sequence[Sequence[int]], token: str, index: int
) -> None:
    """Raises InputError if a row of ids has more or fewer of a token, `index`, than its text: it was cut."""
    for text, row in zip(texts, rows, strict=False):
        if (n := text.count(token)) != (got := list(row).count(index)):
            problem = f"a text's {n} tokens {token!r} must not be cut off, got {got}"
            raise InputError(processor.name, [problem], "pass a greater max_length, or no truncation")
