"""Whisper's tokenizer: texts made alike for comparison, transcripts of several windows, prompts and labels."""

from __future__ import annotations

import json
import pathlib
import random
from typing import Any

import numpy as np
from text import transcripts
from text.corpus import STRINGS

SPELLING = {"colour": "color", "grey": "gray", "organise": "organize", "2nd": "second"}
_PHRASES = """
twenty twenty / nineteen eighty four / two thousand and twenty five / one hundred and one dalmatians / three point
one four one five nine / zero point five percent / oh point five / double oh seven / triple nine / two and a half
million dollars / two million and a half / a half and a half / and a half / five dollars and ten cents / $2 and 7
cents / twenty five cents / €0.50 / $0.07 / £20 million / minus forty degrees / negative one / plus the cat /
positive and / the nineteen sixties / 1960s and 1970s / twenties / the twenty first century / the ninth, the twelfth,
the fortieth / two hundredth / three thousands / millions of millions / ten to the sixth / one / ones / 1 and 1s /
one oh one / one twenty three / twenty one fifty / twenty eleven / a hundred and ten / six hundred sixty six thousand
five / one two three four / ten eleven twelve / thirty o five / per cent / fifty per cent / fifty per person / 100% /
% of / 1,234,567.89 / 3.0 million / 2.5 billion / 0.3 hundred / 1.2.3.4 / 192 point 168 point 0 point 1 / point /
point taken / five point / 7th of may 1999 / the 22 nd / B2B 4x4 / -5 °C / +49 30 123 / ٣ cats / half past two / five
pounds / pounds of cent / cents / euros 5 / six sixes / zero hundred / zero zero / hundred hundred / five hundred
thousand million / won't can't let's ain't y'all i'ma / wanna gotta gonna imma woulda coulda shoulda ma'am / Mr. &
Mrs. St. Dr. Prof. Capt. Gov. Jr. Sr. Esq. / I'd been / he's been gone; it's gone, he's got it / they're John's,
I'll, you've, I'm, 't, don't ' / uh, um hmm mm mhm mmm humm / [noise] <laugh> (coughs) text (a [b) c] d> / the colour
grey (organise) / a 2nd time / $ a €b ¢c £ % .5 .a / Ærø ßtraße Łódź
"""
_WORDS = """
one two six nine ten twelve nineteen twenty fifty ninety hundred thousand million quintillion o oh zero first second
fifth ninth sixteenth thirtieth sixes tens twenties hundreds millionth minus plus negative pound dollars cent cents per
percent and double triple point cat the 5 3.50 0 1 12 1000 $2 €0.5 -7 ¢7 2nd 1960s one's half a. won't colour
"""
PHRASES = " ".join(_PHRASES.split()).split(" / ")


def texts() -> list[str]:
    """Awkward ones, phrases, and any words of numbers in a row."""
    rng = random.Random(0)
    words = _WORDS.split()
    rows = [" ".join(rng.choice(words) for _ in range(rng.randint(2, 9))) for _ in range(800)]
    return [*STRINGS, *PHRASES, *rows]


def write(directory: pathlib.Path, languages: list[str]) -> pathlib.Path:
    """The checkpoint of transcripts, with spellings."""
    (directory / "normalizer.json").write_text(json.dumps(SPELLING))
    return transcripts.write(directory, languages)


def alike(tokenizer) -> dict[str, list[str]]:
    """The texts as either side makes them."""
    return {
        "english": [tokenizer.normalize(text) for text in texts()],
        "basic": [tokenizer.basic_normalize(text) for text in texts()],
        "letters": [tokenizer.basic_normalize(text, remove_diacritics=True) for text in texts()],
    }


DECODED: list[dict[str, Any]] = [
    {"normalize": True},
    {"basic_normalize": True, "remove_diacritics": True, "skip_special_tokens": True},
    {"output_offsets": True, "time_precision": 0.04},
    {"output_offsets": True, "decode_with_timestamps": True, "time_precision": 0.01, "skip_special_tokens": True},
    {"clean_up_tokenization_spaces": True, "basic_normalize": True},
]
ASKED: list[dict[str, Any]] = [
    {"return_timestamps": times, "return_language": language, "time_precision": step}
    for times in (None, True, "word")
    for language, step in ((None, 0.02), (True, 0.02))
] + [{"return_timestamps": True, "return_language": True, "time_precision": 0.04}]


def windows(tokenizer) -> list[list[dict[str, Any]]]:
    """Outputs of recordings: windows that overlap, or not, in one language or several, with or without times."""
    rng = random.Random(1)
    first = tokenizer.convert_tokens_to_ids("<|notimestamps|>") + 1
    start, prompt = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|startofprev|>"])
    tongues = tokenizer.convert_tokens_to_ids(["<|en|>", "<|de|>", "<|ja|>"])
    tale = [
        " The quick",
        " brown",
        " fox",
        " jumps over",
        ' "the lazy"',
        " dog.",
        " na\u00efve",
        " caf\u00e9",
        "日本語",
        " - x",
        "!",
    ]
    tale = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in tale * 6]
    out = []
    for n in range(36):
        overlap, timed = n % 3 > 0, n % 4 > 0
        at, recording = 0, []
        for w in range(rng.randint(1, 4)):
            some = tale[at : at + rng.randint(0, 9)]
            at += max(1, len(some) - (3 if overlap else 0))
            ids = [start, rng.choice(tongues if n % 5 == 0 else tongues[:1])] if rng.random() < 0.9 else []
            ids = [prompt, *tale[3], *ids] if rng.random() < 0.2 else ids
            marks = sorted(rng.sample(range(1500), 2 * len(some)))
            for i, part in enumerate(some):
                said = [x for x in part if rng.random() > 0.05]
                close = [first + marks[2 * i + 1]] if i < len(some) - 1 or rng.random() < 0.6 else []
                ids += [first + marks[2 * i], *said, *close] if timed and rng.random() < 0.8 else said
            if rng.random() < 0.2:
                ids += [first + rng.randrange(700), *tale[5], first + rng.randrange(700, 1500)]
            ids += [tokenizer.eos_token_id] * (rng.random() < 0.7)
            spoken = np.sort(np.array([rng.uniform(0, 30) for _ in ids], np.float32))
            one = {"tokens": np.array([ids], np.int64), "token_timestamps": spoken[None]}
            if overlap:
                one["stride"] = (30.0, 5.0 if w else 0.0, rng.choice([5.0, 0.0]))
            recording.append(one)
        out.append(recording)
    return out


def prompts(tokenizer) -> dict[str, Any]:
    """Prompts, and what labels begin with while that is changed step by step."""
    found: dict[str, Any] = {
        "prompt": [[int(i) for i in tokenizer.get_prompt_ids(text)] for text in ("Hello ", "a b", "")]
    }
    found["times"] = [int(i) for i in tokenizer.timestamp_ids()[::100]]
    found["before"] = list(tokenizer.prefix_tokens)
    steps: list[dict[str, Any]] = [
        {"language": "German"},
        {"task": "translate", "predict_timestamps": True},
        {"language": "yue"},
        {"predict_timestamps": False, "task": "transcribe"},
    ]
    for i, step in enumerate(steps):
        tokenizer.set_prefix_tokens(**step)
        ids = tokenizer("a b")["input_ids"]
        found[str(i)] = [ids, list(tokenizer.prefix_tokens), tokenizer.build_inputs_with_special_tokens([3, 4], [5])]
    forced = [{"language": "french"}, {"task": "translate", "no_timestamps": False}, {}]
    found["forced"] = [[list(one) for one in tokenizer.get_decoder_prompt_ids(**how)] for how in forced]
    found["after"] = tokenizer("a b")["input_ids"]
    return found


def observe(tokenizer) -> dict[str, Any]:
    """What either side says of transcripts, recordings and prompts."""
    rows = [row for row in transcripts.transcripts(tokenizer) if row]
    return {
        "decoded": [[tokenizer.decode(row, **how) for how in DECODED] for row in rows],
        "batch": tokenizer.batch_decode(rows[:4], output_offsets=True),
        "heard": [[tokenizer._decode_asr(one, **how) for how in ASKED] for one in windows(tokenizer)],
        "prompts": prompts(tokenizer),
    }
