"""Bark's processor: texts, and voices that say them."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from processors.own.case import Own

TEXTS = ["Hello, it is me.", "[laughs] two cats"]
PARTS = {"semantic_prompt": (5,), "coarse_prompt": (2, 4), "fine_prompt": (8, 4)}


def voice(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, 1000, shape) for name, shape in PARTS.items()}


def _file(name: str, part: str) -> str:
    return f"speaker_embeddings/{name}_{part}.npy"


VOICES = {"en_speaker_0": voice(0), "de_speaker_1": voice(1)}
_FILES = {_file(name, part): array for name, arrays in VOICES.items() for part, array in arrays.items()}
_PATHS = {name: {part: _file(name, part) for part in PARTS} for name in VOICES}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    how = {"return_tensors": "np"}
    yield "one", processor(TEXTS[0], **how)
    yield "texts", processor(TEXTS, max_length=12, **how)
    yield "cut", processor(TEXTS, max_length=4, truncation=True, add_special_tokens=True, **how)
    yield "types", processor(TEXTS, max_length=12, return_token_type_ids=True, return_attention_mask=False, **how)
    yield "named", processor(TEXTS, voice_preset="de_speaker_1", max_length=12, **how)
    yield "given", processor(TEXTS, voice(2), max_length=12, **how)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "voice.npz")
        np.savez(file, **voice(3))
        yield "file", processor(TEXTS, str(file), max_length=12, **how)
        yield "stem", processor(TEXTS, str(file.with_suffix("")), max_length=12, **how)
    yield "voices", processor.available_voice_presets


CASES = [
    Own(
        "bark",
        "BarkProcessor",
        "BertTokenizerFast",
        {"vocab.txt": "wordpiece.txt"},
        {},
        calls=_calls,
        more={"speaker_embeddings_path.json": {"repo_or_path": "suno/bark", **_PATHS}, **_FILES},
    ),
]
