"""One tokenizer to compare with the reference: the files of a small checkpoint and the class that reads them."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).parent
GOLDENS = HERE.parent / "goldens" / "tokenizers"
FILES = GOLDENS / "files"


@dataclasses.dataclass(frozen=True)
class Case:
    """A tokenizer case.

    Args:
      name: of its golden, `goldens/tokenizers/<name>.npz`.
      reference: the reference's class, as tokenizer_config.json names it.
      files: what the checkpoint holds: its name there -> its name under `goldens/tokenizers/files`.
      settings: the rest of tokenizer_config.json.
      offsets: has the reference offsets (is the class a fast one)?
      call: options of the call, for both sides.
      argument: of the call, which takes the texts.
      pairs: does the reference's call take a second text?
      needs: a module without which the reference's class does not work, and which it is not recorded without.
      wraps: of a text, what the call takes for it.
      more: writes further files into the checkpoint's directory and gives the settings that name them.
    """

    name: str
    reference: str
    files: Mapping[str, str]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    offsets: bool = True
    call: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    argument: str = "text"
    pairs: bool = True
    needs: str | None = None
    wraps: Callable[[str], Any] = lambda text: text
    more: Callable[[pathlib.Path], Mapping[str, Any]] | None = None

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes the checkpoint's files into `directory`."""
        for name, held in self.files.items():
            shutil.copy(FILES / held, directory / name)
        more = {} if self.more is None else self.more(directory)
        config = {"tokenizer_class": self.reference, **self.settings, **more}
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
        return directory


def cases() -> list[Case]:
    """The cases of every module in `cases/`."""
    names = sorted(p.stem for p in (HERE / "cases").glob("*.py") if p.stem != "__init__")
    return [case for name in names for case in importlib.import_module(f"text.cases.{name}").CASES]


def observe(tokenizer, case: Case) -> dict[str, Any]:
    """What either side makes of the corpus: ids, offsets, decoded texts and pairs, as plain lists."""
    from text.corpus import PAIRS, STRINGS

    more = {"return_offsets_mapping": True} if case.offsets else {}
    found: dict[str, Any] = {"ids": [], "bare": [], "text": [], "said": []}
    found |= {"pairs": [], "types": []} if case.pairs else {}
    found |= {"offsets": []} if case.offsets else {}
    for string in STRINGS:
        given = {case.argument: case.wraps(string), **case.call}
        out = tokenizer(**given, **more)
        ids = [int(i) for i in out["input_ids"]]
        found["ids"].append(ids)
        if case.offsets:
            found["offsets"].append([int(x) for pair in out["offset_mapping"] for x in pair])
        found["bare"].append([int(i) for i in tokenizer(**given, add_special_tokens=False)["input_ids"]])
        found["text"].append(tokenizer.decode(ids))
        found["said"].append(tokenizer.decode(ids, skip_special_tokens=True))
    for first, second in PAIRS if case.pairs else ():
        out = tokenizer(first, case.wraps(second), return_token_type_ids=True, **case.call)
        found["pairs"].append([int(i) for i in out["input_ids"]])
        found["types"].append([int(i) for i in out["token_type_ids"]])
    return found


def pack(found: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Lists of rows as arrays for an .npz: numbers end to end beside their lengths, texts as UTF-8."""
    out: dict[str, np.ndarray] = {}
    for name, rows in found.items():
        if isinstance(rows[0], str):
            rows = [list(text.encode("utf-8", "surrogatepass")) for text in rows]
            flat = np.array([x for row in rows for x in row], np.uint8)
        else:
            flat = np.array([x for row in rows for x in row], np.int32)
        out[name], out[f"{name}_lengths"] = flat, np.array([len(row) for row in rows], np.int32)
    return out


def unpack(file: pathlib.Path) -> dict[str, Any]:
    """What `pack` packed."""
    held, out = np.load(file), {}
    for name in held.files:
        if not name.endswith("_lengths"):
            rows = np.split(held[name], np.cumsum(held[f"{name}_lengths"])[:-1])
            texts = held[name].dtype == np.uint8
            out[name] = [r.tobytes().decode("utf-8", "surrogatepass") if texts else r.tolist() for r in rows]
    return out
