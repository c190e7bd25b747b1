"""Frames that are phonemes, and words that a phonemizer turns into them."""

import contextlib
import importlib
import random
import sys
import types
from typing import Any

from text.case import Case
from text.corpus import STRINGS

CASE = Case("phonemes", "Wav2Vec2PhonemeCTCTokenizer", {"vocab.json": "phonemes.json"})
VITS = Case("vits", "VitsTokenizer", {"vocab.json": "phonemes.json"}, {"phonemize": True})
OPTIONS: list[dict[str, Any]] = [
    {},
    {"output_char_offsets": True},
    {"output_char_offsets": True, "filter_word_delimiter_token": False},
    {"output_char_offsets": True, "group_tokens": False, "skip_special_tokens": True},
    {"group_tokens": False, "filter_word_delimiter_token": False, "clean_up_tokenization_spaces": True},
]
WORDS = ["Thatch", "  the fox, loud ", "<pad> sings </s>", "A B", "zoo"]
_SOUNDS = {"c": "tʃ", "g": "ɡ", "r": "ɹ", "y": "aɪ", "q": "k w"}


class Speller:
    """Stands in for the phonemizer's engine: a sound a letter, with the phonemizer's own marks between them."""

    def __init__(self, language: str, language_switch: str):
        if language == "xx":
            raise RuntimeError(f'language "{language}" is not supported')
        self.switch, self.tone = language_switch, {"fr-fr": "ː"}.get(language, "")

    def phonemize(self, texts: list[str], separator: Any) -> list[str]:
        words = [[_SOUNDS.get(x, x) + self.tone for x in word if x.isalpha()] for word in texts[0].split()]
        return ["".join("".join(x + separator.phone for x in word) + separator.word for word in words)]


def speak(text: str, **how: Any) -> str:
    """Sounds of letters as one text, from which marks of the options can be told."""
    assert how.pop("language") == "en-us"
    words = [x if not x.isalpha() else "ˈ" + _SOUNDS.get(x, x) for x in text]
    return "".join(words).strip() + ("" if how else "!") + f"\n {sorted(how)[0][0]}"


@contextlib.contextmanager
def phonemizer():
    """The phonemizer library, as far as tokenizers use it."""
    names = ("phonemizer", "phonemizer.backend", "phonemizer.separator")
    held = {name: sys.modules.get(name) for name in names}
    made = {name: types.ModuleType(name) for name in names}
    made["phonemizer.backend"].BACKENDS = {"espeak": Speller}
    made["phonemizer"].phonemize = speak
    made["phonemizer.separator"].Separator = lambda **marks: types.SimpleNamespace(**marks)
    sys.modules.update(made)
    known = sys.modules.get("transformers.utils.import_utils")
    if known is not None:
        known._phonemizer_available = True
        importlib.import_module("transformers.models.vits.tokenization_vits").phonemizer = made["phonemizer"]
    try:
        yield
    finally:
        for name, module in held.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def frames(tokenizer) -> list[list[int]]:
    """Frames of any tokens."""
    rng, size = random.Random(0), len(tokenizer)
    rows = [[rng.choice([0, 0, 1, 3, 4, 4, size + 5, *range(size)]) for _ in range(n)] for n in range(1, 40)]
    return [[i for index in row for i in [index] * rng.randint(1, 3)] for row in rows]


def observe(load) -> dict[str, Any]:
    """What either side reads and writes."""
    found: dict[str, Any] = {}
    for word in (None, "|"):
        tokenizer = load(CASE, do_phonemize=False, word_delimiter_token=word)
        rows = frames(tokenizer)
        for n, options in enumerate(OPTIONS):
            found[f"{word}/{n}"] = [_plain(tokenizer.decode(row, **options)) for row in rows]
        found[f"{word}/batch"] = _plain(tokenizer.batch_decode(rows[:3], output_char_offsets=True))
        found[f"{word}/ids"] = [tokenizer.word_delimiter_token_id, tokenizer.phone_delimiter_token_id]
        tokenizer = load(CASE, do_phonemize=False, word_delimiter_token=word, additional_special_tokens=["fox"])
        read = [[int(i) for i in tokenizer(text)["input_ids"]] for text in STRINGS]
        # The reference can not decode a row of no frames.
        found[f"{word}/texts"] = [[ids, tokenizer.decode(ids) if ids else ""] for ids in read]
        skipped = [tokenizer.decode([4, *ids], skip_special_tokens=True) for ids in read]
        found[f"{word}/skipped"] = skipped
    with phonemizer():
        for word in (None, "|"):
            tokenizer = load(CASE, word_delimiter_token=word)
            found[f"{word}/said"] = [[tokenizer(text)["input_ids"], tokenizer.tokenize(text)] for text in WORDS]
            found[f"{word}/phonemes"] = [tokenizer.phonemize(text) for text in WORDS]
            found[f"{word}/french"] = [tokenizer(text, phonemizer_lang="fr-fr")["input_ids"] for text in WORDS]
            found[f"{word}/then"] = [tokenizer("see")["input_ids"], tokenizer.phonemizer_lang]
            found[f"{word}/read"] = [tokenizer("s iː", do_phonemize=False)["input_ids"], tokenizer.do_phonemize]
        for n, settings in enumerate([{}, {"normalize": False, "add_blank": False}]):
            vits = load(VITS, **settings)
            ids = [vits(text)["input_ids"] for text in [*WORDS, "café, Ünï!\t- ok"]]
            found[f"vits/{n}"] = [[row, vits.decode(row)] for row in ids]
    return found


def _plain(out: Any) -> Any:
    if isinstance(out, str):
        return out
    offsets = out.char_offsets if isinstance(out.text, list) else [out.char_offsets]
    names = ("start_offset", "end_offset")
    return [out.text, [[[one["char"], *(int(one[name]) for name in names)] for one in row] for row in offsets]]
