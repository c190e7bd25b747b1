"""CLVP's processor: texts that are read aloud, and voices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audio.case import SOUNDS
from processors.own.case import Own

TEXTS = ["Dr. No paid $20.50", "the 2nd fox, in 1999"]


def _read(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    sounds = list(SOUNDS.values())[:2]
    # The reference leaves out `audio`, and takes its older name.
    name = "audio" if processor.__module__.startswith("jaxformers") else "raw_speech"
    how = {"sampling_rate": 22050, "return_tensors": "np"}
    yield "text", processor(text=TEXTS, padding=True, return_tensors="np")
    yield "one", processor(text=TEXTS[0])
    yield "sound", processor(**{name: sounds[0]}, **how)
    yield "both", processor(text=TEXTS[0], **{name: sounds[1]}, **how)
    yield "cut", processor(text=TEXTS, padding=True, **{name: sounds}, **how)
    yield "masked", processor(text=TEXTS, padding=True, return_attention_mask=True, **{name: sounds}, **how)
    yield "decoded", processor.batch_decode(processor(text=TEXTS)["input_ids"])


CASES = [
    Own(
        "clvp",
        "ClvpProcessor",
        "ClvpTokenizer",
        {"vocab.json": "clvp.json", "merges.txt": "byte-bpe-merges.txt"},
        {"feature_extractor_type": "ClvpFeatureExtractor", "default_audio_length": 1, "feature_size": 8},
        calls=_read,
    )
]
