"""`JukeboxTokenizer`: an artist, genres and lyrics, for each of Jukebox's models.

Paper: https://arxiv.org/abs/2005.00341.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.checkpoints.files import to_write, write_atomically
from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.formats import files
from jaxformers.tokenization.tensors import arrays, check_kind

FILES = {"artists": "artists.json", "genres": "genres.json", "lyrics": "lyrics.json"}
VERSIONS = ("v3", "v2", "v2")
HEAD = 3  # numbers in front: total length, offset and duration, which the model fills in
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?-+'\"()[] \t\n"
_LYRICS = {letter: i for i, letter in enumerate(_LETTERS, 1)}  # of a first model of version 2


class JukeboxTokenizer:
    """Ids of names and letters; made by `AutoTokenizer`.

    Args:
      tables: `{name: id}` of artists, genres and lyrics (of which the names are letters).
      settings: `version`, of each model "v2" or "v3", and `n_genres`, which are padded with -1.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, int]], settings: Mapping[str, Any] | None = None):
        self.settings = dict(settings or {})
        self.artists_encoder, self.genres_encoder, self.lyrics_encoder = (dict(tables[name]) for name in FILES)
        version, n_genres = self.settings.get("version") or VERSIONS, self.settings.get("n_genres", 5)
        named = isinstance(version, list | tuple) and all(one in ("v2", "v3") for one in version)
        if not named or len(version) > len(VERSIONS):
            problem = f"version must be at most {len(VERSIONS)} of v2 and v3, got {version!r:.60}"
            raise CheckpointError("tokenizer_config.json", [problem])
        if type(n_genres) is not int or n_genres < 1:
            problem = f"n_genres must be a whole number of at least 1, got {n_genres!r:.60}"
            raise CheckpointError("tokenizer_config.json", [problem])
        self.version, self.n_genres = list(version), n_genres

    @classmethod
    def read(cls, directory: pathlib.Path, settings: Mapping[str, Any]) -> JukeboxTokenizer:
        """The tokenizer of a directory.

        Raises:
          CheckpointError: it lacks artists.json, genres.json or lyrics.json, or one is damaged.
        """
        tables = {name: files.vocabulary(files.need(directory, file)) for name, file in FILES.items()}
        return cls(tables, settings)

    def __call__(self, artist: str, genres: str, lyrics: str = "", return_tensors: str | None = "np") -> BatchEncoding:
        """`input_ids`: of each model a row [1, S] of three zeros, artist, genres and, of the first, lyrics.

        Args:
          artist, genres, lyrics: texts; genres are parted by "_" for models of version 2.
          return_tensors: "np", "jax" or None (lists).

        What is unknown has the id 0. `attention_masks` is empty.

        Raises:
          InputError: one of them is no string.
        """
        if return_tensors is not None:
            check_kind(return_tensors)
        artists, many, letters = self.tokenize(artist, genres, lyrics)
        table = _LYRICS if self.version[0] == "v2" else self.lyrics_encoder
        heard = [table.get(letter, 0) for letter in letters]
        rows: list[Any] = []
        for i, (name, kinds) in enumerate(zip(artists, many, strict=True)):
            ids = [self.genres_encoder.get(kind, 0) for kind in kinds]
            ids += [-1] * (self.n_genres - len(ids))
            row = [[0] * HEAD + [self.artists_encoder.get(name, 0)] + ids + (heard if i == 0 else [])]
            rows.append(row if return_tensors is None else arrays({"row": np.asarray(row)}, return_tensors)["row"])
        return BatchEncoding({"input_ids": rows, "attention_masks": []})

    def tokenize(self, artist: str, genres: str, lyrics: str = "") -> tuple[list[str], list[list[str]], list[str]]:
        """The artist's name and those of the genres for each model, and the letters of the lyrics."""
        given = {"artist": artist, "genres": genres, "lyrics": lyrics}
        if wrong := [f"{name} must be a string, got {x!r:.60}" for name, x in given.items() if not isinstance(x, str)]:
            raise InputError("tokenizer", wrong)
        artists = [artist.lower() if v == "v3" else f"{_plain(artist)}.v2" for v in self.version]
        many = [
            [genres.lower()] if v == "v3" else [f"{_plain(one)}.v2" for one in genres.split("_")] for v in self.version
        ]
        plus = "" if self.version[0] == "v2" else "+"
        bare = "".join([c for c in unicodedata.normalize("NFD", lyrics) if unicodedata.category(c) != "Mn"])
        kept = re.sub(rf"[^A-Za-z0-9.,:;!?\-{plus}'\"()\[\] \t\n]+", "", bare.replace("\\", "\n"))
        return artists, many, list(kept)

    def save_pretrained(self, save_directory: str | os.PathLike) -> tuple[str, ...]:
        """Writes artists.json, genres.json, lyrics.json and tokenizer_config.json; returns their paths.

        Raises:
          CheckpointError: `save_directory` is a file.
        """
        folder = to_write(save_directory)
        tables = (self.artists_encoder, self.genres_encoder, self.lyrics_encoder)
        config = {**self.settings, "version": self.version, "n_genres": self.n_genres}
        held: dict[str, Any] = {
            **dict(zip(FILES.values(), tables, strict=True)),
            "tokenizer_config.json": {**config, "tokenizer_class": type(self).__name__},
        }
        for name, value in held.items():
            write_atomically(folder / name, (json.dumps(value, ensure_ascii=False) + "\n").encode())
        return tuple(str(folder / name) for name in held)

    @property
    def vocab_size(self) -> int:
        """How many artists, genres and letters there are."""
        return len(self.artists_encoder) + len(self.genres_encoder) + len(self.lyrics_encoder)

    def __len__(self) -> int:
        return self.vocab_size

    def get_vocab(self) -> dict[str, dict[str, int]]:
        """`{name: id}` of artists, genres and letters."""
        tables = (self.artists_encoder, self.genres_encoder, self.lyrics_encoder)
        return {f"{name}_encoder": dict(table) for name, table in zip(FILES, tables, strict=True)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.version}, {self.vocab_size} names)"


def _plain(name: str) -> str:
    """A name of small letters of ASCII, digits, full stops and single underscores."""
    return re.sub(r"[^a-z0-9.]+", "_", name.lower()).strip("_")
