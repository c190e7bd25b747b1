"""What Whisper says of a long recording, heard in windows that may overlap: one text, and the times of its parts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jaxformers.tokenization.formats import whisper
from jaxformers.tokenization.transcript_words import Span, joined, words


class Chunks:
    """Reads windows one after the other.

    Args:
      tokenizer: Whisper's.
      times: are times given: True of chunks, "word" of words?
      step: seconds from a time to the next.
    """

    def __init__(self, tokenizer: Any, times: bool | str | None, step: float):
        self.tokenizer, self.times, self.step = tokenizer, times, step
        self.first = whisper.first_time(tokenizer)
        self.special = set(tokenizer.all_special_ids)
        self.offset = 0.0  # seconds before the window
        self.skip = False
        self.language: str | None = None
        self.done: list[dict[str, Any]] = []
        self._open()

    def _open(self) -> None:
        self.chunk: dict[str, Any] = {"language": self.language, "timestamp": [None, None], "text": ""}
        self.runs: list[list[int]] = []
        self.spans: list[list[Span]] = []

    def close(self) -> None:
        """Ends a chunk, which is all that was kept of one window or of several."""
        ids, spans = joined(self.runs, self.spans if self.times == "word" else ())
        self.chunk["text"] = self.tokenizer.decode(ids)
        if self.times == "word":
            self.chunk["words"] = [
                {"text": text, "timestamp": (spans[at[0]][0], spans[at[-1]][1]), "language": self.language}
                for text, at in words(self.tokenizer, ids, self.language)
            ]
        self.done.append(self.chunk)
        self._open()

    def window(self, output: Mapping[str, Any]) -> None:
        """Reads a window: `tokens` [1, S], `token_timestamps` [1, S] if words are asked for, `stride` if they overlap.

        A stride is the window's length, and how much of it belongs to the one before and to the next, in seconds.
        """
        ids = whisper.without_prompt(self.tokenizer, np.asarray(output["tokens"])[0].tolist())
        said = np.asarray(output["token_timestamps"])[0].tolist() if self.times == "word" else []
        length, left, right = output.get("stride") or (0.0, 0.0, 0.0)
        self.offset -= left
        begin = left / self.step + self.first if left else self.first
        end = self._right(ids, length - right) if right else None
        clock = whisper.Clock(self.first, self.step)
        run: list[int] = []
        spans: list[Span] = []
        for i, token in enumerate(ids):
            if token in self.special:
                run = self._special(token, run)
            elif token < self.first:
                run.append(token)
                if self.times == "word":
                    start = said[i - 1] if i else 0.0
                    spans.append((round(start + self.offset, 2), round(said[i] + self.offset, 2)))
            else:
                clock.read(ids, i)
                time = round((token - self.first) * self.step + self.offset + clock.start, 2)
                if end is not None and token >= end:
                    self.skip = True  # times come in pairs: the next one, be it another window's, is left out too
                elif self.skip or (self.runs and token < begin):
                    self.skip = False
                elif self._time(time):
                    self.runs.append(run)
                    self.spans.append(spans)
                    self.close()
                    run, spans = [], []
        self.offset += length - right
        if run:
            self.runs.append(run)
            self.spans.append(spans)
        elif not any(self.runs):
            self._open()

    def _right(self, ids: list[int], edge: float) -> int | None:
        """The first time that is left to the next window, whose part begins at `edge`; the last one always is."""
        end = None
        for token in reversed(ids):
            if token >= self.first:
                if end is not None and (token - self.first) * self.step < edge:
                    break
                end = token
        return end

    def _special(self, token: int, run: list[int]) -> list[int]:
        """Notes the language that a special token names; the ids of the chunk that goes on."""
        language = whisper.LANGUAGES.get(self.tokenizer.decode([token])[2:-2])
        if language is None:
            return run
        if self.language and language != self.language and not self.times:
            self.runs.append(run)
            self.close()
            run = []
        self.chunk["language"] = self.language = language
        return run

    def _time(self, time: float) -> bool:
        """Notes when a chunk begins or ends; does it end?"""
        stamp = self.chunk["timestamp"]
        if stamp[0] is None:
            stamp[0] = time
        elif time != stamp[0]:
            stamp[1] = time
            return True
        return False


def chunks(
    tokenizer: Any,
    outputs: Iterable[Mapping[str, Any]],
    times: bool | str | None = None,
    language: bool | None = None,
    step: float = whisper.STEP,
) -> tuple[str, dict[str, Any]]:
    """A recording's text, and `{"chunks": [...]}` if times or languages are asked for.

    A chunk is `{"language", "timestamp": (start, end), "text"}`, as far as they are asked for.

    Args:
      tokenizer: Whisper's.
      outputs: of each window `tokens` [1, S]; `token_timestamps` [1, S] in seconds, if `times` is "word"; and if
        windows overlap `stride`, its length and how much of it is of the window before and of the next, in seconds.
      times: True gives chunks, "word" gives words as chunks.
      language: tell the language of each?
      step: seconds from a time to the next.
    """
    reader = Chunks(tokenizer, times, step)
    for output in outputs:
        reader.window(output)
    if reader.runs:
        if times:
            warnings.warn("the last time is missing: speech may be cut off in the middle of a word", stacklevel=3)
        reader.close()
    text = "".join([chunk["text"] for chunk in reader.done])
    if not times and not language:
        return text, {}
    parts = [word for chunk in reader.done for word in chunk["words"]] if times == "word" else reader.done
    for part in parts:
        part["timestamp"] = tuple(part["timestamp"])
    dropped = {name for name, wanted in (("timestamp", times), ("language", language)) if not wanted}
    return text, {"chunks": [{k: v for k, v in part.items() if k not in dropped} for part in parts]}
