"""Jukebox's names and lyrics: forms, files, and what is refused."""

import json

import jax
import numpy as np
import pytest
from calls.classes.jukebox import SUNG, THREE, TWO

import jaxformers as jf


@pytest.fixture(params=[THREE, TWO], ids=lambda case: case.name)
def folder(request, tmp_path):
    return request.param.write(tmp_path)


def test_it_is_saved_and_read(folder, tmp_path):
    made = jf.AutoTokenizer.from_pretrained(folder)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    for names in SUNG:
        assert again(*names, return_tensors=None) == made(*names, return_tensors=None)
    assert (again.version, again.n_genres, len(again)) == (made.version, made.n_genres, len(made))


def test_rows_are_numpys_jaxs_or_lists(folder):
    made = jf.AutoTokenizer.from_pretrained(folder)
    rows = made(*SUNG[0]).input_ids
    assert all(isinstance(row, np.ndarray) and row.shape[0] == 1 for row in rows)
    assert all(isinstance(row, jax.Array) for row in made(*SUNG[0], return_tensors="jax").input_ids)
    assert made(*SUNG[0], return_tensors=None).input_ids == [row.tolist() for row in rows]


def test_the_model_type_tells_the_class(tmp_path):
    THREE.write(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "config.json").write_text('{"model_type": "jukebox"}')
    made = jf.AutoTokenizer.from_pretrained(tmp_path, n_genres=1)
    assert made("Alan Jackson", "pop").input_ids[0].tolist() == [[0, 0, 0, 1, 8]]


def test_what_is_refused(tmp_path):
    made = jf.AutoTokenizer.from_pretrained(THREE.write(tmp_path))
    with pytest.raises(jf.InputError, match="artist must be a string, got 3"):
        made(3, "pop")
    with pytest.raises(jf.InputError, match="return_tensors must be None, 'np' or 'jax', got 'pt'"):
        made("a", "b", return_tensors="pt")
    with pytest.raises(jf.CheckpointError, match="version must be at most 3 of v2 and v3"):
        jf.AutoTokenizer.from_pretrained(tmp_path, version=["v4"])
    with pytest.raises(jf.CheckpointError, match="n_genres must be a whole number of at least 1, got 0"):
        jf.AutoTokenizer.from_pretrained(tmp_path, n_genres=0)
    (tmp_path / "genres.json").write_text(json.dumps(["a"]))
    with pytest.raises(jf.CheckpointError, match=r"genres\.json: must hold one JSON object of token: id"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "genres.json").unlink()
    with pytest.raises(jf.CheckpointError, match=r"must hold tokenizer\.json or genres\.json"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
