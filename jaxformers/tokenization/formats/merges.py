"""The two files of a BPE tokenizer: its vocabulary, and its merges, a pair a line."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files

SHOWN = 5  # offenders that an error lists


def read(directory: pathlib.Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary (vocab.json) and merges (merges.txt, whose first line is none).

    Raises:
      CheckpointError: a file is missing or damaged, or the two do not fit.
    """
    vocab = files.vocabulary(files.need(directory, "vocab.json"))
    file = files.need(directory, "merges.txt")
    return vocab, fit(file, vocab, pairs(file, files.text(file).split("\n")[1:-1]))


def pairs(file: pathlib.Path, lines: Sequence[str], first: int = 2, counted: bool = False) -> list[tuple[str, str]]:
    """The merges that `lines` hold, each once; empty lines are left out.

    Args:
      file: where the lines are from, for errors.
      lines: a pair each.
      first: number of the first line.
      counted: does a count, which is not read, follow each pair?

    Raises:
      CheckpointError: a line is no pair.
    """
    parts = [line.split() for line in lines]
    many = (0, 2, 3) if counted else (0, 2)
    wrong = [
        f"line {first + i} must be a pair of tokens, got {lines[i]!r:.60}"
        for i, part in enumerate(parts)
        if len(part) not in many
    ]
    if wrong:
        raise CheckpointError(str(file), wrong[:SHOWN])
    return list(dict.fromkeys((part[0], part[1]) for part in parts if part))


def fit(file: pathlib.Path, vocab: Mapping[str, int], merges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The merges, if the vocabulary holds all of their tokens.

    Raises:
      CheckpointError: it does not.
    """
    wrong = [
        f"merge {a!r} {b!r} needs {', '.join(repr(t) for t in (a, b, a + b) if t not in vocab)} in the vocabulary"
        for a, b in merges
        if not (a in vocab and b in vocab and a + b in vocab)
    ]
    if wrong:
        raise CheckpointError(str(file), wrong[:SHOWN], "take vocabulary and merges of the same checkpoint")
    return merges
