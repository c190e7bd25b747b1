"""CPM's and CPM-Ant's tokenizers: decoded text, what is refused, and the library that cuts words."""

import copy
import json
import pickle
import sys

import pytest
from text.case import cases

import jaxformers as jf

CASES = {case.name: case for case in cases() if case.name.startswith("cpm")}
TEXT = "今天天气很好。\nHello the 世界"


def load(directory, name, **settings):
    directory.mkdir(exist_ok=True)
    return jf.AutoTokenizer.from_pretrained(CASES[name].write(directory), **settings)


@pytest.mark.parametrize("name", CASES)
def test_it_is_saved_pickled_and_copied(name, tmp_path):
    made = load(tmp_path / "made", name)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    ids = made(TEXT).input_ids
    for other in (again, pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert type(other) is type(made)
        assert other(TEXT).input_ids == ids
        assert other.decode(ids) == made.decode(ids)


def test_spaces_and_lines_have_tokens_of_their_own(tmp_path):
    made = load(tmp_path, "cpm-fast")
    assert made.add_tokens(["▂", "▃"]) == 2  # which the small model lacks
    assert made.decode(made("a b", add_special_tokens=False).input_ids) == "a b"
    pair = made("a b", "c\nd")  # which the reference's class does not take
    assert made.decode(pair.input_ids) == "a b<sep>c\nd<sep><cls>"
    assert made(["a b", "c"], padding=True, return_tensors="np").input_ids.shape[0] == 2


def test_ants_decode_what_they_read(tmp_path):
    made = load(tmp_path, "cpm-ant")
    row = made([TEXT, "a"], padding=True).input_ids[1]
    assert row[:3] == [made.pad_token_id] * 3
    assert made.decode([-1, *row]) == "a"
    assert made.batch_decode([[-100, made.eos_token_id, *row]]) == ["a"]
    assert (made.bod_token, made.eod_token) == ("<d>", "</d>")
    ids = json.loads(json.dumps([made.bod_token_id, made.eod_token_id, made.newline_id]))
    assert ids == made.convert_tokens_to_ids(["<d>", "</d>", "\n"]) == [0, 1, 6]
    assert made.check("世界")
    assert not made.check("</n>")


@pytest.mark.parametrize("name", ["cpm-fast", "cpm-ant"])
def test_the_extra_is_named(name, tmp_path, monkeypatch):
    folder = CASES[name].write(tmp_path)
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(jf.InputError, match=r"rjieba library.*pip install 'jaxformers\[jieba\]'"):
        jf.AutoTokenizer.from_pretrained(folder)("世界")


def test_special_tokens_must_be_in_the_vocabulary(tmp_path):
    with pytest.raises(jf.CheckpointError, match="must hold the special tokens; <nl> are missing"):
        load(tmp_path, "cpm-ant", line_token="<nl>")
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(jf.CheckpointError, match=r"must hold tokenizer\.json or vocab\.txt"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
