"""Whose the options of a processor's call are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxformers.processing.processors import Processor


def shares(processor: Processor, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of what prepares images or sound, and those of the tokenizer.

    Each alone as `sorted_options` tells them apart, and then what `images_kwargs`, `audio_kwargs` and `text_kwargs`
    hold.
    """
    groups = {k: dict(options.get(k) or {}) for k in ("images_kwargs", "audio_kwargs", "text_kwargs")}
    theirs, rest = processor.sorted_options({k: v for k, v in options.items() if k not in groups})
    return {**theirs, **groups["images_kwargs"], **groups["audio_kwargs"]}, {**rest, **groups["text_kwargs"]}
