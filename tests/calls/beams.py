"""Logits of speech, and n-grams of the words in it, for a search for texts."""

from __future__ import annotations

import itertools
import json
import pathlib
import random
import shutil
from typing import Any

import numpy as np
from text.case import FILES

SENTENCES = [
    "THE CAT SAT ON THE MAT", "A CAT ON A MAT", "THE MAT IS RED", "IS THE CAT éTé", "A RED CAP SAT", "THE HAT IS ON",
    "CATS AND HATS", "THAT CAT", "ON ON ON", "A", "INTERNATIONALLY THE CAT", "THE THEATRE",
]  # fmt: skip
UNHEARD = ["<unk>", "<s>", "</s>"]
PIECES = ["", "▁", "▁the", "▁c", "at", "▁a", "s", "▁mat", "▁⁇▁", "on", "d"]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"beam_width": 5, "n_best": 3},
    {"beam_prune_logp": -4.0, "token_min_logp": -3.0},
    {"hotwords": ["THEATRE", "RED CAP"], "n_best": 2},
    {"hotwords": ["CATS", "CAP"], "hotword_weight": 3.0},
    {"n_best": 1000, "beam_width": 12},
]
CHANGES: list[dict[str, Any]] = [
    {"alpha": 2.0},
    {"beta": 0.0, "unk_score_offset": -1.0},
    {"lm_score_boundary": False, "n_best": 2},
    {"alpha": 0.0, "hotwords": ["MAT"]},
]


def arpa() -> str:
    """N-grams of up to three words, of any probabilities; some sentences are left out."""
    rng, rows = random.Random(0), [["<s>", *text.split(), "</s>"] for text in SENTENCES[:8]]
    parts = ["\\data\\"]
    grams = [dict.fromkeys(tuple(row[i : i + n]) for row in rows for i in range(len(row) - n + 1)) for n in (1, 2, 3)]
    grams[0] = {("<unk>",): None, **grams[0]}
    parts += [f"ngram {n}={len(held)}" for n, held in enumerate(grams, 1)]
    for n, held in enumerate(grams, 1):
        parts += ["", f"\\{n}-grams:"]
        for words in held:
            backs = n < 3 and words[-1] != "</s>" and any(other[:n] == words for other in grams[n])
            more = [f"{-rng.random():.6f}"] if backs else ["0"] if n < 3 and words[-1] != "</s>" else []
            value = "-99" if words == ("<s>",) else f"{-rng.uniform(0.05, 3):.6f}"
            parts.append("\t".join([value, " ".join(words), *more]))
    return "\n".join([*parts, "", "\\end\\", ""])


def write(directory: pathlib.Path, model: bool) -> pathlib.Path:
    """A checkpoint, with n-grams or without."""
    shutil.copy(FILES / "ctc.json", directory / "vocab.json")
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "Wav2Vec2CTCTokenizer"}')
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "processor_class": "Wav2Vec2ProcessorWithLM"}
    (directory / "preprocessor_config.json").write_text(json.dumps(extractor))
    (directory / "alphabet.json").write_text(json.dumps({"labels": labels(), "is_bpe": False}))
    if model:
        folder = directory / "language_model"
        folder.mkdir()
        (folder / "small.arpa").write_text(arpa())
        words = sorted({word for text in SENTENCES for word in text.split()} - {"HATS", "CATS"})
        (folder / "unigrams.txt").write_text("\n".join([*words, "UNHEARD"]))
        attributes = {"alpha": 0.5, "beta": 1.5, "unk_score_offset": -10.0, "score_boundary": True}
        (folder / "attrs.json").write_text(json.dumps(attributes))
    return directory


def labels() -> list[str]:
    """The vocabulary, as the search has it."""
    names = {"<pad>": "", "|": " ", "<unk>": "⁇"}
    return [names.get(token, token) for token in json.loads((FILES / "ctc.json").read_text())]


def logits() -> list[np.ndarray]:
    """Of each sentence, letters that last, in noise."""
    rng, known = np.random.default_rng(0), labels()
    out = []
    for text in SENTENCES:
        runs = [[known.index(letter)] * int(rng.integers(1, 3)) + [0] * int(rng.integers(0, 2)) for letter in text]
        runs = [[*run, 0] if i + 1 < len(text) and text[i + 1] == text[i] else run for i, run in enumerate(runs)]
        frames = [index for run in runs for index in run]
        row = rng.normal(0, 1.5, (len(frames), len(known)))
        row[np.arange(len(frames)), frames] += 4.5
        out.append(row)
    return out


def plain(out: Any) -> dict[str, Any]:
    """An output as lists."""
    return {name: out[name] for name in ("text", "logit_score", "lm_score", "word_offsets") if name in out}


def observe(load, search) -> dict[str, Any]:
    """What either side finds.

    Args:
      load: gives the processor, with a language model or without.
      search: of pieces, gives `(text, [(word, (start, end))], logit_score, lm_score)` of logits.
    """
    found: dict[str, Any] = {}
    for model in (False, True):
        processor = load(model)
        for n, options in enumerate([*OPTIONS, *CHANGES] if model else OPTIONS):
            rows = logits() if n == model else logits()[1:4]
            found[f"{model}/{n}"] = [plain(processor.decode(row, output_word_offsets=True, **options)) for row in rows]
    processor, (a, b) = load(True), logits()[1:3]
    length = max(len(a), len(b))
    padded = np.stack([np.pad(row, ((0, length - len(row)), (0, 0)), constant_values=-100.0) for row in (a, b)])
    found["batch"] = plain(processor.batch_decode(padded))
    found["batch/2"] = plain(processor.batch_decode(padded, n_best=2, output_word_offsets=True, beam_width=20))
    likely = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    found["probabilities"] = plain(processor.decode(likely))
    rng = np.random.default_rng(1)
    noise = [rng.normal(0, 2.5, (n, len(PIECES))) for n in (1, 4, 9, 30)]
    found["pieces"] = [[list(one) for one in itertools.islice(search(row), 5)] for row in noise]
    return found
