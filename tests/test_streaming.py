"""Streamers: pieces as the reference gives them, printed or iterated, and prompt ends."""

import gc
import queue
import threading
import time

import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from tokenizers import decoders, pre_tokenizers
from tokenizers.models import BPE

import jaxformers as jf
from jaxformers.generation.streaming import TextIteratorStreamer, TextStreamer
from jaxformers.tokenization.fast import FastTokenizer


@pytest.fixture(scope="module")
def tok():
    """One token a byte: characters arrive in pieces."""
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = tokenizers.Tokenizer(BPE(vocab, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return FastTokenizer(backend)


def ids(tok, text):
    return tok.backend.encode(text).ids


class Kept(TextStreamer):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.pieces = []

    def on_finalized_text(self, text, stream_end=False):
        self.pieces.append((text, stream_end))


# Recorded from transformers 4.57.6's TextStreamer, its empty pieces left out: text, tokens of the prompt, pieces.
REFERENCE = [
    ("An increasing sequence: one, two", 24, ["An increasing sequence: ", "one, ", "two"]),
    ("Hello there\nnew line  here", 1, ["Hello ", "there\n", "new ", "line ", " ", "here"]),
    ("日本語 です。中文字", 1, ["日", "本", "語", " ", "です。中", "文", "字"]),
    ("naïve café €5 \n\n x", 3, ["naïve ", "café ", "€5 ", "\n", "\n", " ", "x"]),
    ("ends with space ", 1, ["ends ", "with ", "space "]),
    ("a\nb c\n", 2, ["a\n", "b ", "c\n"]),
    ("mixed漢字and text", 1, ["mixed漢", "字", "and ", "text"]),
    ("word", 1, ["word"]),
    ("한국어 텍스트", 1, ["한국어 ", "텍스트"]),
    ("𠀀x y", 1, ["𠀀", "x ", "y"]),
]


def write(streamer, tokens, prompt):
    streamer.put(np.asarray([tokens[:prompt]]))
    for token in tokens[prompt:]:
        streamer.put(jnp.asarray([token]))
    streamer.end()


@pytest.mark.parametrize(("text", "prompt", "pieces"), REFERENCE)
def test_pieces_are_the_references(tok, text, prompt, pieces):
    streamer = Kept(tok)
    write(streamer, ids(tok, text), prompt)
    assert [p for p, _ in streamer.pieces if p] == pieces
    assert [end for _, end in streamer.pieces] == [False] * (len(streamer.pieces) - 1) + [True]
    iterated = TextIteratorStreamer(tok)
    write(iterated, ids(tok, text), prompt)
    assert list(iterated) == pieces


def test_the_prompt_is_left_out(tok):
    streamer = Kept(tok, skip_prompt=True)
    for _ in range(2):  # and again, for the next text
        write(streamer, ids(tok, "one two three"), 7)
    assert [p for p, _ in streamer.pieces] == [" ", "three"] * 2


def test_decode_options_are_passed_on():
    class Echo:
        def decode(self, tokens, **options):
            return f"{tokens} {options} "

    streamer = Kept(Echo(), skip_special_tokens=True)
    streamer.put(7)
    assert streamer.pieces == [("[7] {'skip_special_tokens': True} ", False)]


def test_printing(tok, capsys):
    streamer = TextStreamer(tok)
    streamer.put(ids(tok, "one tw"))
    assert capsys.readouterr().out == "one "
    streamer.put(ids(tok, "o"))
    assert capsys.readouterr().out == ""
    streamer.end()
    assert capsys.readouterr().out == "two\n"
    streamer.end()
    assert capsys.readouterr().out == "\n"


def test_one_row_only(tok):
    with pytest.raises(jf.InputError, match=r"one row.*\[2, 3\]"):
        TextStreamer(tok).put(np.zeros((2, 3), int))


def test_feed_from_a_thread(tok):
    streamer = TextIteratorStreamer(tok, timeout=20)
    worker = threading.Thread(target=streamer.feed, args=[[[i] for i in ids(tok, "one two three")]])
    worker.start()
    assert list(streamer) == ["one ", "two ", "three"]
    worker.join()
    write(streamer, ids(tok, "four"), 1)  # a streamer that ended takes the next text
    assert list(streamer) == ["four"]


class Endless:
    """A generator of tokens that says when it was closed."""

    def __init__(self, tokens):
        self.tokens, self.drawn, self.closed = tokens, 0, threading.Event()

    def __iter__(self):
        try:
            while True:
                self.drawn += 1
                yield [self.tokens[self.drawn % len(self.tokens)]]
                time.sleep(0.001)
        finally:
            self.closed.set()


def test_leaving_the_loop_stops_the_writer(tok):
    streamer, source = TextIteratorStreamer(tok, timeout=20), Endless(ids(tok, "a b\n"))
    worker = threading.Thread(target=streamer.feed, args=[source])
    worker.start()
    for _ in streamer:
        break
    gc.collect()
    assert streamer.stopped
    worker.join(20)
    assert not worker.is_alive()
    assert source.closed.is_set()
    assert list(streamer) == []


def test_closing_wakes_a_waiting_reader_and_drops_what_comes(tok):
    streamer, read = TextIteratorStreamer(tok), []
    reader = threading.Thread(target=lambda: read.extend(streamer))
    reader.start()
    with streamer:
        pass
    reader.join(20)
    assert not reader.is_alive()
    assert read == []
    write(streamer, ids(tok, "more text"), 1)
    assert list(streamer) == []


def test_an_error_of_the_writer_reaches_the_reader(tok):
    def tokens():
        yield ids(tok, "one two")
        raise ArithmeticError("no more")

    streamer = TextIteratorStreamer(tok, timeout=20)

    def work():
        with pytest.raises(ArithmeticError):
            streamer.feed(tokens())

    worker = threading.Thread(target=work)
    worker.start()
    assert next(streamer) == "one "
    with pytest.raises(ArithmeticError, match="no more"):
        next(streamer)
    worker.join()


def test_timeout(tok):
    with pytest.raises(queue.Empty):
        next(TextIteratorStreamer(tok, timeout=0.01))
