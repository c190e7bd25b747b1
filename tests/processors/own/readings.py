"""MGP-STR's processor: three tokenizers that read a model's outputs."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import FILES, Own

_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_FOLDERS = {
    "bpe_tokenizer": ("GPT2TokenizerFast", _GPT2),
    "wp_tokenizer": ("BertTokenizerFast", {"vocab.txt": "wordpiece-numbered.txt"}),
}


def _sizes() -> list[int]:
    """Tokens of the three vocabularies."""
    jsons = [len(json.loads((FILES / name).read_text())) for name in ("letters.json", "gpt2.json")]
    return [*jsons, len((FILES / "wordpiece-numbered.txt").read_text().splitlines())]


def logits() -> list[np.ndarray]:
    """Logits of six words: some are sure, some have no end, one ends at once."""
    rng = np.random.default_rng(0)
    out = []
    for size, end in zip(_sizes(), (1, 2, 102), strict=True):
        made = rng.normal(size=(6, 9, size)).astype(np.float32)
        for row in range(6):
            wanted = rng.integers(3 if size < 999 else 0, size, 9)
            if row % 3:
                wanted[2 + row] = end
            if row == 5:
                wanted[1] = end
            made[row, np.arange(9), wanted] += 4 + 3 * (row % 2) + rng.random()
        out.append(made)
    return out


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    pictures = list(PICTURES.values())[:2]
    yield "both", processor(images=pictures, text=["ticket", "42"], return_tensors="np", padding=True)
    yield "image", processor(images=pictures[0], return_tensors="np")
    yield "text", processor(text="ticket", return_tensors="np")
    held = logits()
    for name, rows in (("all", held), ("some", [one[1:2, :5] for one in held])):
        said = processor.batch_decode([array(one) for one in rows])
        said["scores"] = [float(score) for score in said["scores"]]
        yield name, dict(said)
    ids = [one.argmax(-1) for one in held]
    yield "char", processor.char_decode(array(ids[0]))
    yield "bpe", processor.bpe_decode(array(ids[1]))
    yield "wp", processor.wp_decode(array(ids[2]))


def _of_parts(directory: pathlib.Path) -> Any:
    """The reference's, with tokenizers of the directory in place of those that it fetches."""
    import transformers

    made = object.__new__(transformers.MgpstrProcessor)
    made.image_processor = transformers.ViTImageProcessor.from_pretrained(directory)
    made.char_tokenizer = transformers.MgpstrTokenizer.from_pretrained(directory)
    made.bpe_tokenizer = transformers.AutoTokenizer.from_pretrained(directory / "bpe_tokenizer")
    made.wp_tokenizer = transformers.AutoTokenizer.from_pretrained(directory / "wp_tokenizer")
    return made


CASES = [
    Own(
        "mgp-str",
        "MgpstrProcessor",
        "MgpstrTokenizer",
        {"vocab.json": "letters.json"},
        {"image_processor_type": "ViTImageProcessor", "size": {"height": 4, "width": 16}},
        calls=_calls,
        folders=_FOLDERS,
        build=_of_parts,
    )
]
