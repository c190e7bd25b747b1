"""Text as it is written: streamers take token ids with `put` and `end`, and give whole words."""

from __future__ import annotations

import bisect
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np

from jaxformers.errors import InputError

# First and last code points of the CJK ideographs, which are words without spaces between (Unicode 15, blocks.txt).
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),  # extension A
    (0x4E00, 0x9FFF),  # unified
    (0xF900, 0xFAFF),  # compatibility
    (0x20000, 0x2A6DF),  # extension B
    (0x2A700, 0x2B73F),  # C
    (0x2B740, 0x2B81F),  # D
    (0x2B820, 0x2CEAF),  # E
    (0x2F800, 0x2FA1F),  # compatibility supplement
)
_STARTS = [first for first, _ in _IDEOGRAPHS]


def _is_ideograph(char: str) -> bool:
    at = bisect.bisect_right(_STARTS, ord(char)) - 1
    return at >= 0 and ord(char) <= _IDEOGRAPHS[at][1]


class TextStreamer:
    """Prints text to standard output as whole words are written.

    A word is printed once the space behind it is; a line once it ends; an ideograph at once. What comes after the last
    space may still change with the next token (half a character, a word going on), so it waits.

    Args:
      tokenizer: anything with `decode(ids, **options) -> str`.
      skip_prompt: leave out the first `put`, which is the prompt.
      decode_options: options of `decode`, e.g. `skip_special_tokens=True`.
    """

    stopped = False  # whether nobody wants more; whoever writes asks between tokens

    def __init__(self, tokenizer: Any, skip_prompt: bool = False, **decode_options: Any):
        self.tokenizer = tokenizer
        self.skip_prompt = skip_prompt
        self.decode_options = decode_options
        self._first = True
        self._ids: list[int] = []  # of the line being written; decoded anew each time, as pieces depend on neighbours
        self._shown = 0  # characters of that line given away

    def put(self, ids: Any) -> None:
        """Takes the prompt, then token after token: int [S], [1, S] or one id.

        Raises:
          InputError: ids of more than one row.
        """
        array = np.asarray(ids)
        if array.ndim > 2 or (array.ndim == 2 and len(array) != 1):
            raise InputError("streamer.put", [f"ids must be of one row, [S] or [1, S], got {list(array.shape)}"])
        first, self._first = self._first, False
        if first and self.skip_prompt:
            return
        self._ids += array.reshape(-1).tolist()
        text = self._text()
        if text.endswith("\n"):
            self._give(text[self._shown :])
            self._ids, self._shown = [], 0
            return
        upto = len(text) if text and _is_ideograph(text[-1]) else text.rfind(" ") + 1
        self._give(text[self._shown : upto])
        self._shown = max(self._shown, upto)

    def end(self) -> None:
        """Gives what is left, and the end of the text; the streamer can then take another."""
        rest = self._text()[self._shown :] if self._ids else ""
        self._first, self._ids, self._shown = True, [], 0
        self.on_finalized_text(rest, stream_end=True)

    def feed(self, tokens: Iterable[Any]) -> None:
        """`put` for everything in `tokens` (say `jf.stream(...)`), then `end`; leaves off once `stopped`."""
        source = iter(tokens)
        try:
            for ids in source:
                self.put(ids)
                if self.stopped:
                    break
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        self.end()

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        """What is done with text that will not change any more; for subclasses to replace."""
        print(text, end="\n" if stream_end else "", flush=True)

    def _give(self, text: str) -> None:
        if text:
            self.on_finalized_text(text)

    def _text(self) -> str:
        return self.tokenizer.decode(self._ids, **self.decode_options)


class TextIteratorStreamer(TextStreamer):
    """An iterator over the text, whole words at a time, while another thread writes it.

        streamer = TextIteratorStreamer(tokenizer, skip_special_tokens=True)
        threading.Thread(target=streamer.feed, args=[jf.stream(model, ids)]).start()
        for words in streamer:
            ...

    Leaving the loop early, or `close`, sets `stopped`: `feed` writes no further token, and what is put later is
    dropped. An error in the thread that feeds is raised by the loop.

    Args:
      tokenizer, skip_prompt, decode_options: as for `TextStreamer`.
      timeout: seconds to wait for the next words before `queue.Empty` is raised; None waits for ever.
    """

    def __init__(self, tokenizer: Any, skip_prompt: bool = False, timeout: float | None = None, **decode_options: Any):
        super().__init__(tokenizer, skip_prompt, **decode_options)
        self.timeout = timeout
        self._queue: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    @property
    def stopped(self) -> bool:  # type: ignore[override]
        return self._closed.is_set()

    def close(self) -> None:
        """Nobody wants more: waiting text is dropped, loops over the streamer end, `feed` leaves off."""
        self._closed.set()
        self._queue.put(None)

    def put(self, ids: Any) -> None:
        if not self.stopped:
            super().put(ids)

    def feed(self, tokens: Iterable[Any]) -> None:
        try:
            super().feed(tokens)
        except BaseException as e:
            self._queue.put(e)
            raise

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        if text:
            self._queue.put(text)
        if stream_end:
            self._queue.put(None)

    def __next__(self) -> str:
        if self.stopped:
            raise StopIteration
        item = self._queue.get(timeout=self.timeout)
        if item is None or self.stopped:
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item

    def __iter__(self) -> Iterator[str]:
        try:
            while True:
                try:
                    words = next(self)
                except StopIteration:
                    return
                yield words
        except GeneratorExit:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
