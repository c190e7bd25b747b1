"""MusicGen Melody's processor, which the reference has where torchaudio is: texts beside pitches of sounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from audio.case import SOUNDS, stereo
from processors.own.case import Own

NEEDS = "torchaudio"
TEXTS = ["a slow beat on a drum", "the quick brown fox, and a flute"]
_T5 = {"spiece.model": "t5.model"}


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    sounds, how = list(SOUNDS.values()), {"sampling_rate": 32000}
    yield "text", processor(text=TEXTS, padding=True, return_tensors="np")
    yield "one", processor(audio=sounds[0], **how)
    yield "place", processor(sounds[1], **how)
    both = processor(audio=sounds[:2], text=TEXTS, padding=True, return_tensors="np", **how)
    yield "both", both
    yield "stereo", processor(audio=stereo(), return_tensors="np", **how)
    heard = {"max_length": 6000, "return_attention_mask": True, **how}
    yield "cut", processor(audio=sounds, audio_kwargs=heard, text=TEXTS[:1])
    yield "long", processor(audio=sounds, padding="max_length", max_length=12000, return_tensors="np", **how)
    extractor = processor.feature_extractor
    yield "mask", extractor(sounds, return_attention_mask=True, pad_to_multiple_of=1000, return_tensors="np", **how)
    parts = np.stack([np.stack([x[:, :5000] * (k + 1) for k in range(4)]) for x in stereo()])
    for rate in (44100, 22050, 32000):
        yield f"parts{rate}", extractor(array(parts), sampling_rate=rate, return_tensors="np")
    made = np.random.default_rng(3).normal(size=(2, 1, 40)).astype(np.float32)
    mask = np.arange(25) >= np.array([[0], [9]])
    yield "made", processor.batch_decode(array(made))
    yield "whole", processor.batch_decode(audio=array(made), attention_mask=array(mask.astype(np.int64)))
    yield "nothing", processor.get_unconditional_inputs(3, return_tensors="np")


def _extractor(**settings: Any) -> dict[str, Any]:
    return {"feature_extractor_type": "MusicgenMelodyFeatureExtractor", **settings}


CASES = [
    Own(name, "MusicgenMelodyProcessor", "T5TokenizerFast", _T5, _extractor(**settings), calls=_calls)
    for name, settings in {
        "musicgen-melody": {},
        "musicgen-melody-short": {"n_fft": 1024, "hop_length": 300, "padding_side": "left", "stem_indices": [1]},
    }.items()
]
