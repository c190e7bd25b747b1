"""Bytes, code points, residues and letters: tokenizers that learn no merges, nor what words there are."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tokenizers

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, specials
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.scheme import Scheme

CANINE = dict(enumerate(("[CLS]", "[SEP]", "[BOS]", "[MASK]", "[RESERVED]"), 0xE000)) | {0: "[PAD]"}
CODE_POINTS = 0x110000
SPEAKERS = ("[S1]", "[S2]")  # who speaks what is behind, in Dia's dialogues


class Bytes(Scheme):
    """The bytes of UTF-8, behind `first` special tokens. ByT5: https://arxiv.org/abs/2105.13626."""

    def __init__(self, first: int, errors: str, unk: str | None = None):
        super().__init__({chr(byte): byte + first for byte in range(256)}, unk)
        self.errors = errors

    def split(self, text: str) -> list[str]:
        return [chr(byte) for byte in text.encode("utf-8", "surrogatepass")]

    def join(self, tokens: list[str]) -> str:
        raw = [token.encode("latin-1") if len(token) == 1 else token.encode() for token in tokens]
        return b"".join(raw).decode("utf-8", self.errors)

    def name(self, index: int) -> str | None:
        return self.names.get(index)


class Heard(Bytes):
    """Bytes whose decoded text has a letter for each, as Dia's has. Dia: https://github.com/nari-labs/dia.

    Args:
      first: special tokens with the ids 0, 1, ..., which may be those of bytes, too.
    """

    def __init__(self, offset: int, errors: str, unk: str, first: Iterable[str]):
        super().__init__(offset, errors, unk)
        self.first = {token: i for i, token in enumerate(first) if i >= offset}

    def find(self, token: str) -> int | None:
        return self.first.get(token, self.vocab.get(token))

    def all(self) -> dict[str, int]:
        hidden = set(self.first.values())
        return {**self.first, **{t: i for t, i in self.vocab.items() if i not in hidden}}

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens)


class CodePoints(Scheme):
    """Unicode itself. CANINE: https://arxiv.org/abs/2103.06874."""

    def __init__(self) -> None:
        super().__init__({})

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: list[str]) -> str:
        return "".join(tokens)

    def find(self, token: str) -> int | None:
        return ord(token) if len(token) == 1 else None

    def name(self, index: int) -> str | None:
        return CANINE.get(index) or (chr(index) if index < CODE_POINTS else None)

    def size(self) -> int:
        return CODE_POINTS

    def all(self) -> dict[str, int]:
        return {chr(i): i for i in range(CODE_POINTS)}


class Residues(Scheme):
    """Whatever of the vocabulary is in the text; what is between are words. ESM: https://doi.org/10.1126/science.ade2574."""

    def split(self, text: str) -> list[str]:
        return text.split()

    def cuts(self) -> Iterable[str]:
        return self.vocab


class Letters(Scheme):
    """A letter each. MGP-STR: https://arxiv.org/abs/2209.03592."""

    def split(self, text: str) -> list[str]:
        return list(text)

    def name(self, index: int) -> str | None:
        return self.names.get(index)


# ------------------------------------------------------------------------------------------------------ classes


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    """Reads what the class needs: nothing (ByT5, CANINE, Dia, Perceiver), vocab.txt (ESM) or vocab.json (MGP-STR)."""
    return BUILDERS[stem](directory, settings)


def additional(stem: str, settings: Mapping[str, Any]) -> list[Any]:
    """The `additional_special_tokens`: those of the settings or, of ByT5, the numbered ones."""
    if stem == "byt5" and settings.get("additional_special_tokens") is None:
        return [f"<extra_id_{i}>" for i in range(settings.get("extra_ids", 125))]
    return specials.additional(settings)


def sentinels(
    directory: pathlib.Path, settings: Mapping[str, Any]
) -> tuple[list[tokenizers.AddedToken], str, dict[str, Any], Callable[[Callable[[str], int]], Template]]:
    """What ByT5 and its like have: first tokens, the unknown one, settings with numbered ones, and the template."""
    extra = settings.get("extra_ids", 125)
    if type(extra) is not int or extra < 0:
        problem = f"extra_ids must be a whole number of at least 0, got {extra!r}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    flags = dict(lstrip=True, rstrip=True)
    roles = ("pad", "eos", "unk")
    *_, unk = specials.required(directory, settings, *roles)
    first = [specials.token(settings[f"{role}_token"], **flags) for role in roles]

    def around(of: Callable[[str], int]) -> Template:
        end = (of("eos"), 0)
        return Template((("A", 0), end), (("A", 0), end, ("B", 0), end), once=True)

    return first, unk, {**settings, "additional_special_tokens": additional("byt5", settings)}, around


def _byt5(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    first, unk, settings, around = sentinels(directory, settings)
    return made(Bytes(len(first), "ignore", unk), directory, settings, around, None, first)


def _dia(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    offset = settings.get("offset", 0)
    if type(offset) is not int or offset < 0:
        problem = f"offset must be a whole number of at least 0, got {offset!r}"
        raise CheckpointError(str(directory / "tokenizer_config.json"), [problem])
    pad, unk = specials.required(directory, settings, "pad", "unk")
    first = [specials.token(settings["pad_token"]), *(specials.token(t, special=False) for t in SPEAKERS)]
    scheme = Heard(offset, "ignore", unk, [pad, *SPEAKERS])
    return made(scheme, directory, settings, lambda of: Template(), None, first)


def _perceiver(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    roles = ("pad", "bos", "eos", "mask", "cls", "sep")
    specials.required(directory, settings, *roles)
    first = [specials.token(settings[f"{role}_token"]) for role in roles]
    return made(Bytes(len(first), "replace"), directory, settings, _enclosed, None, first)


def _canine(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    specials.required(directory, settings, "cls", "sep")
    return made(CodePoints(), directory, settings, _enclosed, {"mask": {"lstrip": True}})


def _esm(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    file = files.need(directory, "vocab.txt")
    vocab = {token: i for i, token in enumerate(line.strip() for line in files.text(file).splitlines())}
    unk, cls = specials.required(directory, settings, "unk", "cls")
    specials.need(file, vocab, [unk, cls])

    def around(of: Callable[[str], int]) -> Template:
        start: tuple[tuple[int | str, int | None], ...] = ((of("cls"), 0), ("A", 0))
        if not specials.names(settings, "eos"):
            return Template(start, ())
        end = (of("eos"), None)
        return Template((*start, end), (*start, end, ("B", 1), end))

    return made(Residues(vocab, unk), directory, settings, around, files=[file])


def _mgpstr(directory: pathlib.Path, settings: Mapping[str, Any]) -> PythonBackend:
    file = files.need(directory, "vocab.json")
    vocab, (unk,) = files.vocabulary(file), specials.required(directory, settings, "unk")
    specials.need(file, vocab, [unk])
    return made(Letters(vocab, unk), directory, settings, lambda of: Template(), files=[file])


def _enclosed(of: Callable[[str], int]) -> Template:
    """`cls` text `sep`, and a second text, of type 1, with its `sep`."""
    start, end = ((of("cls"), 0), ("A", 0), (of("sep"), 0)), (("B", 1), (of("sep"), 1))
    return Template(start, (*start, *end))


BUILDERS = {
    "byt5": _byt5,
    "canine": _canine,
    "dia": _dia,
    "esm": _esm,
    "mgpstr": _mgpstr,
    "perceiver": _perceiver,
}
