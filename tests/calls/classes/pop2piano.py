"""Notes of piano music as ids, and back."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
from calls.case import plain

SIZES = {"SPECIAL": 4, "NOTE": 128, "VELOCITY": 2, "TIME": 100}


@dataclasses.dataclass(frozen=True)
class Piano:
    """A checkpoint; `settings` of tokenizer_config.json."""

    name: str = "pop2piano"
    reference: str = "Pop2PianoTokenizer"
    settings: Any = None

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes the files."""
        tokens = [f"{i}_TOKEN_{kind}" for kind, many in SIZES.items() for i in range(many)]
        (directory / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
        config = {"tokenizer_class": self.reference, **(self.settings or {})}
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
        return directory


def song(seed: int, many: int = 12) -> np.ndarray:
    """Notes [N, 4], some of no length, some silent."""
    rng = np.random.default_rng(seed)
    onset = rng.integers(0, 40, many) + rng.choice([0, 0.4, 0.5], many)
    return np.stack(
        [onset, onset + rng.integers(0, 9, many), rng.integers(21, 109, many), rng.integers(0, 90, many)], 1
    )


CALLS: list[tuple[Any, dict[str, Any]]] = [
    (song(0), {}),
    (song(0), {"return_tensors": "np"}),
    (song(1), {"return_attention_mask": False}),
    (song(1), {"padding": "max_length", "max_length": 70}),
    (song(1), {"truncation": True, "max_length": 9}),
    (song(1), {"max_length": 9}),
    (np.stack([song(2), song(3)]), {}),
    (np.stack([song(2), song(3), song(4)]), {"padding": True, "return_tensors": "np"}),
    (np.stack([song(2), song(3)]), {"padding": "longest", "pad_to_multiple_of": 16, "return_attention_mask": False}),
    (np.array([[0, 200, 60, 1]]), {}),
]


def written(seed: int, rows: int) -> np.ndarray:
    """Rows of ids [R, S] such as a model writes: times, velocities and notes, then the end."""
    rng = np.random.default_rng(seed)
    first = {}
    at = 0
    for kind, many in SIZES.items():
        first[kind], at = at, at + many
    out = np.zeros((rows, 60), np.int64)
    for row in out:
        time, velocity, notes = rng.integers(0, 4, 57), rng.integers(0, 2, 57), rng.integers(50, 60, 57)
        held = np.stack([first["TIME"] + time, first["VELOCITY"] + velocity, first["NOTE"] + notes])
        n = int(rng.integers(30, 57))
        row[:n] = held[rng.integers(0, 3, 57), np.arange(57)][:n]
        row[n] = 1
    return out


def heard(many: int) -> dict[str, np.ndarray]:
    """What a feature extractor gives of songs, with three rows each."""
    beats = np.cumsum(np.full((many, 50), 0.5), 1) + np.arange(many)[:, None]
    longer = np.cumsum(np.full((many, 130), 0.25), 1) + 0.1
    rows = np.ones((4 * many, 5), np.int64)
    rows[3::4] = 0
    ends = np.arange(50) < 40 + np.arange(many)[:, None]
    masks = {"attention_mask": rows, "attention_mask_beatsteps": ends.astype(np.int64)}
    masks["attention_mask_extrapolated_beatstep"] = np.ones((many, 130), np.int64)
    return {"beatsteps": beats, "extrapolated_beatstep": longer, **(masks if many > 1 else {})}


def songs(many: int) -> np.ndarray:
    """Rows of ids of several songs, with a row of zeros behind each."""
    return np.concatenate([np.concatenate([written(10 + i, 3), np.zeros((1, 60), np.int64)]) for i in range(many)])


def played(notes: Any) -> list[list[float]]:
    """Notes of MIDI as numbers, in order."""
    return sorted([[float(n.start), float(n.end), int(n.pitch), int(n.velocity)] for n in notes])


def observe(load) -> dict[str, Any]:
    """What either side makes of notes and ids."""
    found: dict[str, Any] = {}
    for label, case in {"plain": Piano(), "loud": Piano(settings={"default_velocity": 99, "num_bars": 1})}.items():
        made = load(case)
        found |= {f"{label}/{n}": plain(made(notes, **options)) for n, (notes, options) in enumerate(CALLS)}
        ids = made(song(5))["token_ids"]
        for n, (row, cutoff) in enumerate(
            [(ids, None), (ids, 12), (written(1, 1)[0], 20), ([1], None), ([500, 60], None)]
        ):
            notes = made.relative_tokens_ids_to_notes(np.array(row), 3, cutoff)
            found[f"{label}/notes/{n}"] = sorted(plain(np.asarray(notes, np.int64).reshape(-1, 4)))
        notes = made.relative_batch_tokens_ids_to_notes(written(2, 3), 1, 2, 12)
        found[f"{label}/rows"] = sorted(plain(notes))
        one = made.batch_decode(written(3, 3), Fields(heard(1)))
        found[f"{label}/one"] = [played(one["notes"]), len(one["pretty_midi_objects"])]
        two = made.batch_decode(songs(2), Fields(heard(2)), return_midi=False)
        found[f"{label}/two"] = [played(two["notes"]), *two]
        found[f"{label}/roles"] = [made.pad_token_id, made.eos_token_id, made.bos_token_id, len(made)]
    return found


class Fields(dict):
    """Fields that are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]
