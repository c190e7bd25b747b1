"""Sounds that the tests make themselves, and the extractors to compare with the reference on them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from images.case import digest

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "audio"
__all__ = ["CASES", "GOLDENS", "SOUNDS", "Case", "digest", "observe", "stereo"]


def sound(samples: int, kind: str, rate: int = 16000) -> np.ndarray:
    """float32 [samples]: a rising tone, noise with a quiet part, clicks, or silence."""
    t = np.arange(samples) / rate
    if kind == "sweep":
        x = 0.6 * np.sin(2 * np.pi * (150 + 900 * t) * t) + 0.2 * np.sin(2 * np.pi * 3000 * t)
    elif kind == "noise":
        x = np.random.default_rng(samples).normal(0, 0.2, samples) * np.where(t < 0.1, 1.0, 0.01) + 0.05
    elif kind == "clicks":
        x = (np.arange(samples) % 1700 == 5).astype(float)
    else:
        x = np.zeros(samples)
    return x.astype(np.float32)


SOUNDS = {"sweep": sound(8000, "sweep"), "noise": sound(5123, "noise"), "clicks": sound(9999, "clicks")}


def stereo() -> list[np.ndarray]:
    """float32 [2, samples] each."""
    return [np.stack([x, x[::-1] * 0.5]) for x in SOUNDS.values()]


@dataclasses.dataclass(frozen=True)
class Case:
    """An extractor and how it is called.

    Args:
      name: of its golden.
      reference: the reference's class.
      settings: of preprocessor_config.json.
      call: options of the call.
      one: call sound by sound.
      given: which sounds: "mono", "stereo", "silence" or "target" (what SpeechT5 is to say).
      rate: of the sounds, as the call says it.
    """

    name: str
    reference: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    call: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    one: bool = False
    given: str = "mono"
    rate: int = 16000

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        config = {"feature_extractor_type": self.reference, **self.settings}
        (directory / "preprocessor_config.json").write_text(json.dumps(config))
        return directory


def observe(extractor, case: Case) -> dict[str, np.ndarray]:
    """What an extractor of either side makes of the sounds, by name."""
    sounds: list[np.ndarray] = stereo() if case.given == "stereo" else list(SOUNDS.values())
    if case.given == "silence":
        sounds = [sound(4000, "silence")]
    found: dict[str, np.ndarray] = {}
    for i, given in enumerate(sounds if case.one else [sounds]):
        how = {"sampling_rate": case.rate, **case.call}
        out = extractor(audio_target=given, **how) if case.given == "target" else extractor(given, **how)
        for key, value in out.items():
            rows = [np.asarray(v) for v in value]
            if len({r.shape for r in rows}) == 1:
                found[f"{i}/{key}"] = np.stack(rows)
            else:
                found |= {f"{i}/{key}/{j}": r for j, r in enumerate(rows)}
    return found


_PADDED = {"padding": True}
_NP = {"return_tensors": "np"}
_CHUNKS = {"chunk_length_s": 0.1, "overlap": 0.1, "sampling_rate": 24000}

CASES = [
    Case("wav2vec2", "Wav2Vec2FeatureExtractor", call=_PADDED),
    Case("wav2vec2-mask", "Wav2Vec2FeatureExtractor", {"return_attention_mask": True}, {**_PADDED, **_NP}),
    Case("wav2vec2-raw", "Wav2Vec2FeatureExtractor", {"do_normalize": False, "padding_value": -1.0}, _PADDED),
    Case("wav2vec2-one", "Wav2Vec2FeatureExtractor", call=_NP, one=True),
    Case("wav2vec2-ragged", "Wav2Vec2FeatureExtractor", {"return_attention_mask": True}),
    Case(
        "wav2vec2-cut",
        "Wav2Vec2FeatureExtractor",
        {"return_attention_mask": True},
        {"padding": "max_length", "max_length": 6001, "truncation": True, "pad_to_multiple_of": 128},
    ),
    Case("wav2vec2-left", "Wav2Vec2FeatureExtractor", {"padding_side": "left", "do_normalize": False}, _PADDED),
    Case("wav2vec2-silence", "Wav2Vec2FeatureExtractor", given="silence"),
    Case("whisper", "WhisperFeatureExtractor", {"chunk_length": 1}, {"return_attention_mask": True, **_NP}),
    Case("whisper-cut", "WhisperFeatureExtractor", {"feature_size": 128, "chunk_length": 1}, {"max_length": 4800}),
    Case(
        "whisper-normed",
        "WhisperFeatureExtractor",
        {"chunk_length": 1},
        {"do_normalize": True, "return_attention_mask": True, **_NP},
    ),
    Case("whisper-thirty", "WhisperFeatureExtractor", call=_NP, given="silence"),
    Case(
        "whisper-longest", "WhisperFeatureExtractor", {"chunk_length": 1}, {"padding": "longest", "truncation": False}
    ),
    Case("ast", "ASTFeatureExtractor", {"max_length": 40}),
    Case("ast-padded", "ASTFeatureExtractor", {"max_length": 100, "num_mel_bins": 64}, _NP),
    Case("ast-raw", "ASTFeatureExtractor", {"max_length": 60, "do_normalize": False}),
    Case("encodec", "EncodecFeatureExtractor", call=_NP, rate=24000),
    Case("encodec-chunks", "EncodecFeatureExtractor", _CHUNKS, _NP, rate=24000),
    Case("encodec-cut", "EncodecFeatureExtractor", _CHUNKS, {"truncation": True, **_NP}, rate=24000),
    Case("encodec-stereo", "EncodecFeatureExtractor", {**_CHUNKS, "feature_size": 2}, _NP, given="stereo", rate=24000),
    Case("encodec-ragged", "EncodecFeatureExtractor", _CHUNKS, {"padding": False}, one=True, rate=24000),
    Case("speech2text", "Speech2TextFeatureExtractor", call=_PADDED),
    Case("speech2text-means", "Speech2TextFeatureExtractor", {"normalize_vars": False, "num_mel_bins": 40}, _PADDED),
    Case("speech2text-raw", "Speech2TextFeatureExtractor", {"do_ceptral_normalize": False}, {**_PADDED, **_NP}),
    Case("speecht5", "SpeechT5FeatureExtractor", call=_PADDED),
    Case("speecht5-normed", "SpeechT5FeatureExtractor", {"do_normalize": True}, {**_PADDED, **_NP}),
    Case("speecht5-target", "SpeechT5FeatureExtractor", call=_PADDED, given="target"),
]
