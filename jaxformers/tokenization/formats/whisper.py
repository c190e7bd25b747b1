"""Whisper's transcripts: the tokens they begin with, and the times in them.

A transcript begins with its language and task. Tokens behind the last special one are times, in steps of 0.02 s from
the beginning of a window of 30 s: they come in pairs, where one stretch of speech ends and where the next begins.
Paper: https://arxiv.org/abs/2212.04356.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import processors

from jaxformers.errors import InputError, nearest
from jaxformers.tokenization.decoding import Decoding

START, NO_TIMES, PREVIOUS = "<|startoftranscript|>", "<|notimestamps|>", "<|startofprev|>"
TASKS = ("transcribe", "translate")
STEP, WINDOW = 0.02, 1500  # seconds, and steps in a window
TIME = re.compile(r"<\|\d+\.\d+\|>")
_CODES = """
en english zh chinese de german es spanish ru russian ko korean fr french ja japanese pt portuguese tr turkish
pl polish ca catalan nl dutch ar arabic sv swedish it italian id indonesian hi hindi fi finnish vi vietnamese
he hebrew uk ukrainian el greek ms malay cs czech ro romanian da danish hu hungarian ta tamil no norwegian th
thai ur urdu hr croatian bg bulgarian lt lithuanian la latin mi maori ml malayalam cy welsh sk slovak te
telugu fa persian lv latvian bn bengali sr serbian az azerbaijani sl slovenian kn kannada et estonian mk
macedonian br breton eu basque is icelandic hy armenian ne nepali mn mongolian bs bosnian kk kazakh sq
albanian sw swahili gl galician mr marathi pa punjabi si sinhala km khmer sn shona yo yoruba so somali af
afrikaans oc occitan ka georgian be belarusian tg tajik sd sindhi gu gujarati am amharic yi yiddish lo lao uz
uzbek fo faroese ht haitian_creole ps pashto tk turkmen nn nynorsk mt maltese sa sanskrit lb luxembourgish my
myanmar bo tibetan tl tagalog mg malagasy as assamese tt tatar haw hawaiian ln lingala ha hausa ba bashkir jw
javanese su sundanese yue cantonese
"""
_OTHER = """
my burmese ca valencian nl flemish ht haitian lb letzeburgesch ps pushto pa panjabi ro moldavian ro moldovan
si sinhalese es castilian zh mandarin
"""


def _pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return [(code, name.replace("_", " ")) for code, name in zip(words[::2], words[1::2], strict=True)]


LANGUAGES = dict(_pairs(_CODES))  # code -> name, in the order of their tokens
CONTROL = ("<|translate|>", "<|transcribe|>", "<|startoflm|>", PREVIOUS, "<|nospeech|>", NO_TIMES)
SPECIAL = ("<|endoftext|>", START, *(f"<|{code}|>" for code in list(LANGUAGES)[:99]), *CONTROL)  # up to version 2
TIMES = tuple(f"<|{i * STEP:.2f}|>" for i in range(WINDOW + 1))
CODES = {name: code for code, name in [*_pairs(_CODES), *_pairs(_OTHER)]}


def code(language: str) -> str:
    """The code of a language that is given by its code or its English name.

    Raises:
      InputError: Whisper knows no such language.
    """
    held = CODES.get(language.lower(), language.lower())
    if held not in LANGUAGES:
        known = ", ".join(nearest(language, [*CODES, *LANGUAGES], 3))
        raise InputError("whisper", [f"language must be one that Whisper knows, got {language!r}; nearest: {known}"])
    return held


def prefix(tokenizer: Any, language: str | None = None, task: str | None = None, times: bool = False) -> list[int]:
    """The ids that a transcript begins with.

    Args:
      tokenizer: Whisper's.
      language: its code or English name; None leaves it to the model.
      task: "transcribe" or "translate" (into English); None leaves it to the model.
      times: are times to be written?

    Raises:
      InputError: no such language or task, or the vocabulary lacks its token (models of English only do).
    """
    if task not in (None, *TASKS):
        raise InputError("whisper", [f"task must be one of {', '.join(TASKS)}, got {task!r}"])
    wanted = [START, language and f"<|{code(language)}|>", task and f"<|{task}|>", None if times else NO_TIMES]
    tokens = [token for token in wanted if token]
    ids = [tokenizer.backend.token_to_id(token) for token in tokens]
    if absent := [token for token, index in zip(tokens, ids, strict=True) if index is None]:
        raise InputError("whisper", [f"the vocabulary must hold {', '.join(absent)}, which this model has not"])
    return ids


def begin_with(tokenizer: Any, language: str | None = None, task: str | None = None, times: bool = False) -> None:
    """From now on texts stand between that `prefix` and the end of a transcript: labels; the settings keep it."""
    ids = prefix(tokenizer, language, task, times)
    held = [(tokenizer.backend.id_to_token(index), index) for index in ids]
    begin, end = " ".join(f"{token}:0" for token, _ in held), tokenizer.eos_token
    around = {**dict(held), end: tokenizer.eos_token_id}
    tokenizer.backend.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A:0 {end}:0", pair=f"{begin} $A:0 $B:1 {end}:1", special_tokens=list(around.items())
    )
    tokenizer.settings |= {"language": language and language.lower(), "task": task, "predict_timestamps": bool(times)}


def decode(
    tokenizer: Any, ids: Any, *, times: bool = False, skip_special_tokens: bool = False, step: float = STEP
) -> str:
    """The text of a transcript.

    Args:
      tokenizer: Whisper's.
      ids: [S], of one window of 30 s or of several in a row.
      times: write times as <|1.08|>, counted from the beginning of the first window? Else they are left out.
      skip_special_tokens: leave out special tokens, and the prompt before the transcript?
      step: seconds from a time to the next.
    """
    held = np.asarray(ids, np.int64).tolist()
    if skip_special_tokens:
        held = without_prompt(tokenizer, held)
    runs = _timed(held, first_time(tokenizer), step) if times else [held]
    return "".join([run if isinstance(run, str) else _said(tokenizer, run, skip_special_tokens) for run in runs])


def _said(tokenizer: Any, ids: list[int], skip_special_tokens: bool = False) -> str:
    return TIME.sub("", Decoding.decode(tokenizer, ids, skip_special_tokens))


def without_prompt(tokenizer: Any, ids: list[int]) -> list[int]:
    """The transcript behind a prompt; nothing if there is none."""
    if ids[:1] != [tokenizer.backend.token_to_id(PREVIOUS)]:
        return ids
    start = tokenizer.backend.token_to_id(START)
    return ids[ids.index(start) :] if start in ids else []


def first_time(tokenizer: Any) -> int:
    """The id of <|0.00|>: the one behind the special tokens."""
    index = tokenizer.backend.token_to_id(NO_TIMES)
    return (tokenizer.all_special_ids[-1] if index is None else index) + 1


class Clock:
    """Times of several windows in a row, counted from the beginning of the first.

    A time that is earlier than the last one belongs to the next window. That begins a window later if speech was cut
    at its end, which a time without another beside it says; else where the last pair of times lies, whose second one,
    and the text behind it, are said again. `first` is the id of <|0.00|>, `step` the seconds to the next time.
    """

    def __init__(self, first: int, step: float):
        self.first, self.step = first, step
        self.latest = self.before = self.start = 0.0

    def read(self, ids: Sequence[int], i: int) -> bool:
        """Reads the time at `i`: `latest`, in the window of `start`; is what is behind the last pair said again?"""
        time, again = (ids[i] - self.first) * self.step, False
        if time < self.latest:
            again = not (i >= 2 and not (ids[i - 1] >= self.first and ids[i - 2] >= self.first))
            self.start += self.before if again else self.step * WINDOW
            self.latest = self.before if again else self.latest
        self.before, self.latest = self.latest, time
        return again


def _timed(ids: Sequence[int], first: int, step: float) -> list[str | list[int]]:
    """Runs of ids that are text, and times between them; what is said again is dropped."""
    out: list[str | list[int]] = [[]]
    clock = Clock(first, step)
    for i, index in enumerate(ids):
        if index < first:
            run = out[-1]
            assert isinstance(run, list)
            run.append(index)
            continue
        if clock.read(ids, i):
            out = out[:-2]
        out += [f"<|{clock.latest + clock.start:.2f}|>", []]
    return out


def segments(tokenizer: Any, ids: Any, step: float = STEP) -> list[dict[str, Any]]:
    """The stretches of speech in a transcript: `text`, and `timestamp`, its start and end in seconds."""
    held, first = np.asarray(ids, np.int64), first_time(tokenizer)
    times = held >= first
    ends = (np.flatnonzero(times[:-1] & times[1:]) + 1).tolist()
    if not ends and times.sum() <= 1:
        return []
    where = np.flatnonzero(times)
    if where[-1] + 1 not in ends:
        ends.append(int(where[-1]) + 1)
    out, at, last, start = [], int(where[0]), 0, 0
    for end in ends:
        part = held[at:end]
        if len(part) > 1:
            begin, stop = int(part[0]) - first, int(part[-1]) - first
            if begin < last:
                start += WINDOW if at >= 2 and not (times[at - 2] and times[at - 1]) else last
            last = stop
            span = (begin * step + start * step, stop * step + start * step)
            out.append({"text": _said(tokenizer, part.tolist()), "timestamp": span})
        at = end
    return out
