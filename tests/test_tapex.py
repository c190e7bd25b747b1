"""TAPEX's tables and questions: forms of tables, batches, and one clear error for bad input."""

import pytest
from calls.classes import tapex
from text.case import cases

import jaxformers as jf
from jaxformers.tokenization.tapex import TapexTokenizer


@pytest.fixture
def made(tmp_path):
    return jf.AutoTokenizer.from_pretrained(tapex.CASE.write(tmp_path))


def test_tables_may_be_rows_or_columns(made):
    rows = [["a", "b"], ["1", "2"], ["3", "4"]]
    wanted = made(rows, "why?").input_ids
    assert made.decode(wanted) == "<s>why? col : a | b row 1 : 1 | 2 row 2 : 3 | 4</s>"
    assert made({"a": ["1", "3"], "b": ["2", "4"]}, "why?").input_ids == wanted
    assert made([rows, {"a": ["1", "3"], "b": ["2", "4"]}], "why?").input_ids == [wanted, wanted]
    assert made(rows, ["why?", "why?"]).input_ids == [wanted, wanted]


def test_rows_are_dropped_until_the_rest_fits(made):
    call = {"truncation": "drop_rows_to_fit", "max_length": 120}
    first, again = (made(tapex.LONG, tapex.TWO, **call).input_ids for _ in range(2))
    assert first == again
    assert 40 < len(first) <= 120
    others = [made(tapex.LONG, tapex.TWO, seed=seed, **call).input_ids for seed in range(5)]
    assert len({*map(tuple, others)}) > 1
    made.model_max_length = 60
    assert len(made(tapex.LONG, tapex.TWO, truncation="drop_rows_to_fit").input_ids) <= 60


def test_it_is_saved_and_read(tmp_path):
    for case in cases():
        if case.reference == "TapexTokenizer":
            (folder := tmp_path / case.name).mkdir()
            first = jf.AutoTokenizer.from_pretrained(case.write(folder))
            first.save_pretrained(folder / "again")
            again = jf.AutoTokenizer.from_pretrained(folder / "again")
            assert isinstance(again, TapexTokenizer)
            assert again(tapex.ACTORS, tapex.ONE) == first(tapex.ACTORS, tapex.ONE)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({}, "table or answer must be given"),
        ({"answer": 3}, "answer must be a string or a list of strings, got 3"),
        ({"table": [["a"], [1]]}, "row 1, column 0 must be text, got 1"),
        ({"table": 3}, "must be rows of texts"),
        ({"table": [["a"], ["1"]], "query": 3}, "query must be a string or None, got 3"),
        ({"table": [["a"], ["1"]], "answer": [3]}, "answer must be a text or a list of texts, got 3"),
        ({"table": [[["a"], ["1"]]], "query": ["x", "y"]}, "must be equally many, got 1, 2, 1"),
        ({"table": [["a"], ["1"]], "query": ["x", "y"], "answer": "z"}, "must be equally many, got 2, 2, 1"),
        ({"table": [["a"], ["1"]], "truncation": "drop"}, "truncation must be"),
    ],
)
def test_what_is_refused(made, call, says):
    with pytest.raises(jf.InputError, match=says):
        made(**call)


def test_settings_that_can_not_be(tmp_path):
    with pytest.raises(jf.CheckpointError, match="errors must be one of replace, ignore, strict, backslashreplace"):
        jf.AutoTokenizer.from_pretrained(tapex.CASE.write(tmp_path), errors="no")
