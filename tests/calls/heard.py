"""Frames that tokenizers of speech read: letters of texts that last, blanks between them, special tokens."""

from __future__ import annotations

import json
import pathlib
import random
from typing import Any

from text.case import Case, cases
from text.corpus import STRINGS

_NAMES = ("wav2vec2", "wav2vec2-lower", "wav2vec2-small", "wav2vec2-german")
CASES = [case for case in cases() if case.name in _NAMES]
# Vocabularies whose special tokens and longer tokens have other ids: language -> tokens.
TONGUES = {
    "eng": ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'", "ch", "th"],
    "deu": ["|", *"abcdefghijklmnopqrstuvwxyzäöüß", "<pad>", "<s>", "</s>", "<unk>", "ch", "sch"],
}
BOTH = {"output_char_offsets": True, "output_word_offsets": True}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"output_char_offsets": True},
    {"output_word_offsets": True, "skip_special_tokens": True},
    {**BOTH, "group_tokens": False},
    {**BOTH, "spaces_between_special_tokens": True},
    {**BOTH, "skip_special_tokens": True, "clean_up_tokenization_spaces": True},
    {"spaces_between_special_tokens": True, "group_tokens": False},
]


def frames(tokenizer) -> list[list[int]]:
    """Each awkward text as frames, then frames of any tokens."""
    rng, blank = random.Random(0), tokenizer.pad_token_id
    rows = []
    for text in STRINGS:
        ids = tokenizer(text)["input_ids"]
        rows.append([i for index in ids for i in [*[int(index)] * rng.randint(1, 3), *[blank] * rng.randint(0, 2)]])
    size = len(tokenizer)
    for length in range(24):
        row = [rng.choice([blank, 1, 2, 3, size + 5, *range(size)]) for _ in range(length)]
        rows.append([i for index in row for i in [index] * rng.randint(1, 2)])
    return rows


def said(out: Any) -> tuple[str, str, list[int]]:
    """An output as its text, its letters and words in one text, and their frames."""
    if isinstance(out, str):
        return out, "", []
    held = [("char", one) for one in out.char_offsets or ()] + [("word", one) for one in out.word_offsets or ()]
    spans = [int(x) for _, one in held for x in (one["start_offset"], one["end_offset"])]
    absent = ",".join(name for name in ("char_offsets", "word_offsets") if getattr(out, name) is None)
    return out.text, "\x1f".join([absent, *(one[what] for what, one in held)]), spans


def observe(tokenizer) -> dict[str, list[Any]]:
    """What either side reads: in all rows with both offsets, with other options in every twentieth and the last."""
    rows = frames(tokenizer)
    found: dict[str, list[Any]] = {"text": [], "names": [], "frames": []}
    calls = [(row, BOTH) for row in rows]
    calls += [(row, options) for options in OPTIONS for row in [*rows[: len(STRINGS) : 20], *rows[len(STRINGS) :]]]
    for row, options in calls:
        for name, value in zip(found, said(tokenizer.decode(row, **options)), strict=True):
            found[name].append(value)
    return found


def tongues(directory: pathlib.Path) -> Case:
    """Writes the checkpoint of several languages, whose ids differ."""
    held = {name: {token: i for i, token in enumerate(tokens)} for name, tokens in TONGUES.items()}
    (directory / "vocab.json").write_text(json.dumps(held))
    return Case("tongues", "Wav2Vec2CTCTokenizer", {}, {"target_lang": "eng"})


def switched(tokenizer) -> dict[str, Any]:
    """What either side makes of texts and frames in one language, in another, and back."""
    found: dict[str, Any] = {}
    for n, language in enumerate((None, "deu", "eng", "deu")):
        if language is not None:
            tokenizer.set_target_lang(language)
        ids = [[int(i) for i in tokenizer(text)["input_ids"]] for text in STRINGS[:60]]
        texts = [said(tokenizer.decode(row, **BOTH)) for row in ids]
        batch = tokenizer.batch_decode([row for row in ids if row][:9], **BOTH)
        found[str(n)] = {
            "ids": ids,
            "texts": [[text, names, spans] for text, names, spans in texts],
            "batch": [batch.text, [[int(x["start_offset"]) for x in row] for row in batch.word_offsets]],
            "plain": tokenizer.batch_decode(ids[:9], skip_special_tokens=True),
            "vocab": dict(sorted(tokenizer.get_vocab().items())),
            "sizes": [len(tokenizer), tokenizer.vocab_size, tokenizer.word_delimiter_token_id],
        }
    return found
