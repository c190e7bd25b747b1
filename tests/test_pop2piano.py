"""Pop2Piano's tokenizer: forms of notes, several songs, files, and what is refused."""

import json
import sys
import types

import numpy as np
import pytest
from calls.classes import pop2piano as piano

import jaxformers as jf


@pytest.fixture
def made(tmp_path):
    return jf.AutoTokenizer.from_pretrained(piano.Piano().write(tmp_path))


def test_notes_may_be_objects_rows_or_arrays(made):
    notes = piano.song(0)
    wanted = made(notes)
    objects = [types.SimpleNamespace(start=a, end=b, pitch=p, velocity=v) for a, b, p, v in notes.tolist()]
    assert made(objects) == made(notes.tolist()) == wanted
    assert made([objects, objects]).token_ids == made([notes, notes]).token_ids == [wanted.token_ids] * 2
    assert made(np.zeros((0, 4))).token_ids == made([]).token_ids == []
    assert made.encode_plus(notes) == wanted


def test_songs_follow_each_other(made):
    """The reference reads other rows from the third song on."""
    given = piano.heard(3)
    all_notes = made.batch_decode(piano.songs(3), given)
    assert len(all_notes.pretty_midi_objects) == 3
    last = {name: value[2:] for name, value in given.items() if "mask" not in name}
    ends = int(given["attention_mask_beatsteps"][2].sum())
    last["beatsteps"] = last["beatsteps"][:, :ends]
    alone = piano.played(made.batch_decode(piano.songs(3)[8:11], last).notes)
    assert piano.played(all_notes.notes[-len(alone) :]) == alone


def test_it_is_saved_and_read(made, tmp_path):
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again", num_bars=3)
    assert again(piano.song(1), padding="max_length", max_length=80) == made(
        piano.song(1), padding="max_length", max_length=80
    )
    assert (again.settings["num_bars"], again.model_input_names) == (3, ["token_ids", "attention_mask"])


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        (np.zeros((2, 3)), "notes must be rows"),
        ("abc", "notes must be rows"),
        (3, "notes must be rows"),
        (np.array([[-1, 2, 60, 1]]), "times of notes must not be negative, got -1"),
    ],
)
def test_notes_that_can_not_be(made, notes, says):
    with pytest.raises(jf.InputError, match=says):
        made(notes)


def test_songs_and_rows_must_fit(made):
    with pytest.raises(jf.InputError, match="got 1 examples of ids, 2 of beatsteps, 2 of extrapolated_beatstep"):
        made.batch_decode(piano.songs(2), {k: v for k, v in piano.heard(2).items() if "mask" not in k})


def test_the_extra_and_tokens_are_named(made, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pretty_midi", None)
    with pytest.raises(jf.InputError, match=r"pretty_midi library.*pip install 'jaxformers\[midi\]'"):
        made.batch_decode(piano.written(3, 3), piano.heard(1))
    (tmp_path / "vocab.json").write_text(json.dumps({"3_TOKEN_PEDAL": 0}))
    with pytest.raises(jf.CheckpointError, match="got '3_TOKEN_PEDAL'"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
