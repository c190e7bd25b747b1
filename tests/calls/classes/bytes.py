"""Calls of classes whose tokens are bytes, and of one that only decodes."""

from __future__ import annotations

import dataclasses
from typing import Any

from audio.case import SOUNDS
from calls.case import plain
from processors.case import Case as Both
from text.case import cases

SOUND = SOUNDS["sweep"]
SPOKEN = Both(
    "speech2text2-both",
    "Speech2Text2Processor",
    "Speech2Text2Tokenizer",
    {"vocab.json": "translated.json", "merges.txt": "word-merges-counted.txt"},
    {"feature_extractor_type": "Wav2Vec2FeatureExtractor"},
)
TEXTS = ["The [S1] fox <extra_id_3> is wide", "日本 ИШ é"]


def observe(load) -> dict[str, Any]:
    """What either side says."""
    by_name = {case.name: case for case in cases()}
    found: dict[str, Any] = {}
    for name in ("myt5", "dia", "speech2text2"):
        made = load(by_name[name])
        found[name] = [plain(made(TEXTS, padding=True, return_token_type_ids=True)), len(made), made.vocab_size]
        found[f"{name}/tokens"] = [made.tokenize(text) for text in TEXTS]
        found[f"{name}/names"] = made.convert_ids_to_tokens([0, 1, 2, 5, 100, 250])
        found[f"{name}/pair"] = plain(made(*TEXTS, return_special_tokens_mask=True))
    made = load(by_name["myt5"])
    letters = [f"{byte:02x}" for byte in "Then the thé".encode()]
    found["there"] = made.morphological_encode(letters)
    found["back"] = made.morphological_decode(found["there"])
    reader = load(dataclasses.replace(by_name["speech2text2"], files={"vocab.json": "translated.json"}))
    both = load(SPOKEN)
    heard = both(SOUND, sampling_rate=16000, text=TEXTS[0], return_tensors="np")
    found["heard"] = [list(heard["input_values"].shape), round(float(heard["input_values"].std()), 4)]
    found["written"] = [
        plain(heard["labels"]),
        plain(both(text=TEXTS, padding=True)),
        both.batch_decode([[4, 40, 41]]),
    ]
    found["read"] = reader.batch_decode([[4, 40, 41, 2], [900, 901]], skip_special_tokens=True)
    return found
