"""Wav2Vec2's processor that searches for texts with the help of n-grams."""

from __future__ import annotations

import functools
import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from jaxformers.checkpoints.files import read_json, write_atomically
from jaxformers.errors import CheckpointError
from jaxformers.processing.processors import Processor
from jaxformers.tokenization.ctc import CTCOutput
from jaxformers.tokenization.ctc_beams import Found, Search
from jaxformers.tokenization.language_model import LanguageModel

ALPHABET, FOLDER = "alphabet.json", "language_model"
PADDING = -100.0  # logits of frames that are none
UNKNOWN = "⁇"


class BeamOutput(CTCOutput):
    """Texts; fields are attributes too, None if they were not asked for.

    `text`, `logit_score` of the frames alone, `lm_score` with all that helped; `word_offsets`, `{"word",
    "start_offset", "end_offset"}` of each word in frames. Of several rows, or of several texts, each is a list.
    """

    names: ClassVar[tuple[str, ...]] = ("text", "logit_score", "lm_score", "word_offsets")


class WithLanguageModel(Processor):
    """Sound, and the likeliest text of what a model hears.

    `decoder` searches for it; `language_model` helps, if the checkpoint has a folder of that name, of n-grams.
    """

    decoder: Search

    @classmethod
    def of_directory(cls, directory: pathlib.Path, *parts: Any) -> WithLanguageModel:
        """Reads alphabet.json, in the place of which the vocabulary may stand, and language_model.

        Raises:
          CheckpointError: one of them is damaged, or the alphabet lacks a token of the vocabulary.
        """
        made = cls(*parts)
        vocabulary = made._labels()
        held = read_json(directory / ALPHABET) or {"labels": vocabulary, "is_bpe": False}
        labels = held.get("labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise CheckpointError(str(directory / ALPHABET), [f"labels must be a list of texts, got {labels!r:.60}"])
        if absent := [label for label in vocabulary if label not in labels]:
            shown = ", ".join(map(repr, absent[:12]))
            raise CheckpointError(
                str(directory / ALPHABET), [f"must hold the vocabulary's tokens; {shown} are missing"]
            )
        folder = directory / FOLDER
        made.decoder = Search(
            labels, bool(held.get("is_bpe")), LanguageModel.read(folder) if folder.is_dir() else None
        )
        return made

    def _labels(self) -> list[str]:
        """The vocabulary as labels of the search."""
        tokenizer = self.tokenizer
        names = {tokenizer.unk_token: UNKNOWN, tokenizer.word_delimiter_token: " ", tokenizer.pad_token: ""}
        vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        return [names.get(token, token) for token, _ in vocabulary]

    @property
    def language_model(self) -> LanguageModel | None:
        """The n-grams, with `alpha`, `beta`, `unk_score_offset` and `score_boundary`; or None."""
        return self.decoder.model

    def save_pretrained(self, directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes the files of both parts, alphabet.json and language_model; returns their paths."""
        paths, folder = super().save_pretrained(directory), pathlib.Path(directory)
        held = {"labels": self.decoder.labels, "is_bpe": self.decoder.pieces}
        write_atomically(folder / ALPHABET, json.dumps(held).encode())
        more = self.language_model.write(folder / FOLDER) if self.language_model is not None else []
        return (*paths, str(folder / ALPHABET), *map(str, more))

    # -------------------------------------------------------------------------------------------- logits -> text

    def decode(  # type: ignore[override]
        self,
        logits: Any,
        beam_width: int | None = None,
        beam_prune_logp: float | None = None,
        token_min_logp: float | None = None,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        unk_score_offset: float | None = None,
        lm_score_boundary: bool | None = None,
        output_word_offsets: bool = False,
        n_best: int = 1,
    ) -> BeamOutput:
        """The best text of logits [T, V].

        Args:
          logits: of the tokens in each frame, or their probabilities.
          beam_width: beams that are kept; 100 by default.
          beam_prune_logp: how much worse than the best they may be; -10 by default.
          token_min_logp: tokens of a lower log-probability are left out, but for a frame's best; -5 by default.
          hotwords: words that are expected.
          hotword_weight: what each of them adds; 10 by default.
          alpha, beta, unk_score_offset, lm_score_boundary: of the language model from now on, see `LanguageModel`.
          output_word_offsets: also give the frames of words.
          n_best: of more than one text, lists.

        Raises:
          InputError: there are not as many columns as labels, or an option has a value that it can not have.
        """
        self._change(alpha, beta, unk_score_offset, lm_score_boundary)
        options = (beam_width, beam_prune_logp, token_min_logp, hotwords, hotword_weight)
        return _output([self._find(logits, *options)], output_word_offsets, n_best, alone=True)

    def batch_decode(  # type: ignore[override]
        self,
        logits: Any,
        pool: Any = None,
        beam_width: int | None = None,
        beam_prune_logp: float | None = None,
        token_min_logp: float | None = None,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        unk_score_offset: float | None = None,
        lm_score_boundary: bool | None = None,
        output_word_offsets: bool = False,
        n_best: int = 1,
    ) -> BeamOutput:
        """`decode` of rows of logits [B, T, V], as lists; frames of nothing but -100 are padding.

        pool: of `multiprocessing`, to search for several at once.
        """
        self._change(alpha, beta, unk_score_offset, lm_score_boundary)
        rows = [row[(row != PADDING).all(-1)] for row in map(np.asarray, logits)]
        words = None if hotwords is None else list(hotwords)
        options = (beam_width, beam_prune_logp, token_min_logp, words, hotword_weight)
        find = functools.partial(_search, self.decoder, options)
        return _output(list(map(find, rows) if pool is None else pool.map(find, rows)), output_word_offsets, n_best)

    def _find(self, logits: Any, *options: Any) -> list[Found]:
        return _search(self.decoder, options, logits)

    def _change(self, alpha: Any, beta: Any, offset: Any, boundary: Any) -> None:
        if self.language_model is not None:
            self.language_model.change(alpha=alpha, beta=beta, unk_score_offset=offset, score_boundary=boundary)


def _search(decoder: Search, options: tuple, logits: Any) -> list[Found]:
    """The texts of a row; of `options` None is the usual value."""
    names = ("width", "prune", "least", "words", "weight")
    return decoder.find(logits, **{name: x for name, x in zip(names, options, strict=True) if x is not None})


def _output(found: list[list[Found]], places: bool, n_best: int, alone: bool = False) -> BeamOutput:
    def fields(text: Found) -> dict[str, Any]:
        offsets = [{"word": word, "start_offset": a, "end_offset": b} for word, (a, b) in text.words]
        out = {"text": text.text, "logit_score": text.logit_score, "lm_score": text.lm_score}
        return {**out, "word_offsets": offsets} if places else out

    names = BeamOutput.names if places else BeamOutput.names[:3]
    rows = [[fields(text) for text in row[:n_best]] for row in found]
    by_name = {name: [[text[name] for text in row] for row in rows] for name in names}
    if n_best == 1:
        by_name = {name: [row[0] for row in held] for name, held in by_name.items()}
    return BeamOutput({name: held[0] if alone else held for name, held in by_name.items()})
