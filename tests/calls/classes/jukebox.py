"""Artists, genres and lyrics of Jukebox."""

import dataclasses
import json
import pathlib
import string
from typing import Any

from calls.case import plain
from text.corpus import STRINGS

LETTERS = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}.,:;!?-'\"()[] \t\n"
ARTISTS = ["unknown", "alan jackson", "alan_jackson.v2", "hello_world.v2", "hello world!", "the_beatles.v2", ".v2", ""]
GENRES = ["unknown", "country rock", "country.v2", "rock.v2", "jazz.v2", ".v2", "x.v2", "low.v2", "pop"]


@dataclasses.dataclass(frozen=True)
class Jukebox:
    """A checkpoint with the settings of tokenizer_config.json."""

    name: str
    settings: Any = None
    reference: str = "JukeboxTokenizer"

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes the files."""
        letters = LETTERS if self.name == "jukebox" else LETTERS.replace("-", "-+")
        for name, held in (("artists", ARTISTS), ("genres", GENRES), ("lyrics", ["<unk>", *letters])):
            (directory / f"{name}.json").write_text(json.dumps({token: i for i, token in enumerate(held)}))
        config = {"tokenizer_class": self.reference, **(self.settings or {})}
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
        return directory


THREE, TWO = Jukebox("jukebox"), Jukebox("jukebox-v2", {"version": ["v2", "v2"], "n_genres": 2})
SUNG = [
    ("Alan Jackson", "Country Rock", "old town road"),
    ("Alan  Jackson", "country_ROCK_jazz_pop", "a\\b + c"),
    ("", "", ""),
]


def observe(load) -> dict[str, Any]:
    """What either side makes of them."""
    found: dict[str, Any] = {}
    for case in (THREE, TWO):
        made = load(case)
        for n, names in enumerate(SUNG):
            out = made(*names, return_tensors="np")
            found[f"{case.name}/{n}"] = [plain(out["input_ids"]), plain(out["attention_masks"])]
        # Only the first row has the lyrics, so the others' are shown without them.
        some = STRINGS if case is THREE else STRINGS[::5]
        texts = zip(some, some[7:] + some[:7], some[11:] + some[:11], strict=True)
        rows = [made(*names, return_tensors="np")["input_ids"] for names in texts]
        found[f"{case.name}/texts"] = [[plain(row[0][0]), *(plain(other[0][3:]) for other in row[1:])] for row in rows]
        found[f"{case.name}/size"] = [made.vocab_size, {name: len(x) for name, x in made.get_vocab().items()}]
    return found
