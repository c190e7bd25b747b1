"""What words are worth to a search for texts: how likely they follow each other, and which are expected."""

from __future__ import annotations

import bisect
import dataclasses
import json
import math
import pathlib
import re
import shutil
from collections.abc import Iterable
from typing import Any

from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.ngrams import END, Arpa, Binary, Ngrams

USUAL_LENGTH = 6  # letters of a word; longer ones that are unknown cost more
ATTRIBUTES = ("alpha", "beta", "unk_score_offset", "score_boundary")


@dataclasses.dataclass
class LanguageModel:
    """What words are worth to a search, in natural logarithms.

    Args:
      file: the n-grams', `.arpa` or in kenlm's own format.
      words: those that are known; none leaves that to the n-grams.
      alpha: the weight of the n-grams.
      beta: what every word adds.
      unk_score_offset: what a word that is not known adds.
      score_boundary: are texts sentences, with a beginning and an end?
    """

    file: pathlib.Path
    words: Iterable[str] = ()
    alpha: float = 0.5
    beta: float = 1.5
    unk_score_offset: float = -10.0
    score_boundary: bool = True

    def __post_init__(self) -> None:
        self.model: Ngrams = (Arpa if self.file.suffix == ".arpa" else Binary)(self.file)
        self.words = sorted({word for word in self.words if word in self.model})
        self._known = set(self.words)

    @classmethod
    def read(cls, folder: pathlib.Path) -> LanguageModel:
        """That of a folder `language_model`: attrs.json, unigrams.txt and a file of n-grams.

        Raises:
          CheckpointError: one of them is missing, or damaged.
        """
        files = [file for file in sorted(folder.iterdir()) if file.suffix in (".arpa", ".bin", ".binary")]
        if len(files) != 1:
            raise CheckpointError(str(folder), [f"must hold one file .arpa, .bin or .binary, it has {len(files)}"])
        try:
            attributes = json.loads((folder / "attrs.json").read_text(encoding="utf-8"))
            words = (folder / "unigrams.txt").read_text(encoding="utf-8").splitlines()
            made = cls(files[0], words, **{name: attributes[name] for name in ATTRIBUTES})
        except CheckpointError:
            raise
        except (OSError, ValueError, LookupError, TypeError) as e:
            raise CheckpointError(str(folder), [f"must hold attrs.json and unigrams.txt: {e!r}"]) from None
        made.change(**{name: getattr(made, name) for name in ATTRIBUTES})
        return made

    def write(self, folder: pathlib.Path) -> list[pathlib.Path]:
        """Writes what `read` reads, into a new folder or over what is there."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in ("attrs.json", "unigrams.txt", self.file.name)]
        paths[0].write_text(json.dumps({name: getattr(self, name) for name in ATTRIBUTES}) + "\n", encoding="utf-8")
        paths[1].write_text("".join(f"{word}\n" for word in self.words), encoding="utf-8")
        if self.file.resolve() != paths[2].resolve():
            shutil.copyfile(self.file, paths[2])
        return paths

    def change(self, **attributes: Any) -> None:
        """Sets `alpha`, `beta`, `unk_score_offset` or `score_boundary`; None leaves one as it is.

        Raises:
          InputError: there is no such attribute, or it can not have the value.
        """
        for name, value in attributes.items():
            rule = "true or false" if name == "score_boundary" else "a number"
            if name not in ATTRIBUTES:
                raise InputError("language_model", [f"attributes must be of {', '.join(ATTRIBUTES)}, got {name!r}"])
            if value is None:
                continue
            if isinstance(value, bool) != (name == "score_boundary") or not isinstance(value, int | float):
                raise InputError("language_model", [f"{name} must be {rule}, got {value!r:.60}"])
            setattr(self, name, value)

    def start(self) -> Any:
        """What is kept before the first word."""
        return self.model.start(self.score_boundary)

    def score(self, state: Any, word: str, last: bool = False) -> tuple[float, Any]:
        """What a word is worth behind what is kept, and what is kept then; `last`: with the sentence's end."""
        value, state = self.model.score(state, word)
        if word not in self.model or (self._known and word not in self._known):
            value += self.unk_score_offset
        if last and self.score_boundary:
            value += self.model.score(state, END)[0]
        return self.alpha * value * math.log(10) + self.beta, state

    def begun(self, part: str) -> float:
        """What a word's first letters are worth: nothing if a known word begins so."""
        words: Any = self.words
        at = bisect.bisect_left(words, part)
        if at < len(words) and words[at].startswith(part):
            return 0.0
        return self.unk_score_offset * max(1, len(part) / USUAL_LENGTH)


class Expected:
    """Words that are expected, each of which adds `weight`; first letters of one add a part of it."""

    def __init__(self, words: Iterable[str] | None, weight: float):
        held = sorted([word for phrase in words or () for word in phrase.split()], key=len, reverse=True)
        self.words, self.weight = held, weight
        self._any = re.compile("|".join(rf"(?<!\S){re.escape(word)}(?!\S)" for word in held))

    def score(self, text: str) -> float:
        """What the words of a text add."""
        return self.weight * len(self._any.findall(text)) if self.words else 0.0

    def begun(self, part: str) -> float | None:
        """What first letters add, as a part of the shortest word that begins so; None if none does."""
        if not self.words:
            return None
        length = min((len(word) for word in self.words if word.startswith(part)), default=0)
        return self.weight * len(part) / length if length else None
