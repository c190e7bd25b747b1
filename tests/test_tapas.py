"""Tables: the reference's fields and predictions, every form of a table, and one clear error for bad input."""

import json
import pickle

import numpy as np
import pytest
from calls import tapas
from calls.case import GOLDENS

import jaxformers as jf
from jaxformers.errors import InputError
from jaxformers.tokenization import tapas_table
from jaxformers.tokenization.tapas import TapasTokenizer
from jaxformers.tokenization.tapas_numbers import values_in

WANTED = json.loads((GOLDENS / "tapas.json").read_text())
ASK = tapas.ASKED[0]


@pytest.fixture
def load(tmp_path):
    def made(case=tapas.PLAIN, **settings):
        directory = tmp_path / case.name
        directory.mkdir(exist_ok=True)
        return jf.AutoTokenizer.from_pretrained(case.write(directory), **settings)

    return made


@pytest.mark.filterwarnings("ignore")
def test_calls_equal_the_reference(load):
    found = json.loads(json.dumps(tapas.observe(load, lambda rows: rows)))
    assert found.keys() == WANTED["calls"].keys()
    for name, wanted in WANTED["calls"].items():
        assert found[name] == wanted, name


def test_numbers_equal_the_reference():
    texts = tapas.numbers()
    assert len(texts) == len(WANTED["numbers"])
    for text, wanted in zip(texts, WANTED["numbers"], strict=True):
        assert json.loads(json.dumps(values_in(text))) == wanted, text


def test_predictions_equal_the_reference(load):
    made = load()
    data = made(tapas.ACTORS, tapas.ASKED, padding=True, return_tensors="np")
    said, chosen = tapas.logits(data.input_ids.shape)
    before = said.copy()
    found = [made.convert_logits_to_predictions(data, said, *more) for more in ((), (chosen,), (None, 0.9))]
    assert tapas.bare(found) == WANTED["predictions"]
    np.testing.assert_array_equal(said, before)
    data["token_type_ids"][0] = 0
    assert len(made.convert_logits_to_predictions(data, said)[0]) == 2


class Frame:
    """What is read of a pandas DataFrame."""

    def __init__(self, rows):
        self.columns, self.rows = rows[0], rows[1:]

    def itertuples(self, index, name):
        assert (index, name) == (False, None)
        return map(tuple, self.rows)


def test_forms_of_a_table(load):
    made = load()
    wanted = made(tapas.ACTORS, ASK)
    columns = {name: [row[i] for row in tapas.ACTORS[1:]] for i, name in enumerate(tapas.ACTORS[0])}
    for table in (columns, Frame(tapas.ACTORS), tuple(map(tuple, tapas.ACTORS))):
        assert made(table, ASK) == wanted
    assert made.encode(tapas.ACTORS, ASK) == wanted.input_ids
    assert made.encode_plus(tapas.ACTORS, ASK) == wanted
    assert made.batch_encode_plus(tapas.ACTORS, [ASK]) == made(tapas.ACTORS, [ASK])
    assert made(tapas.ACTORS, [], padding=True).input_ids == []


def test_a_pandas_table(load):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(tapas.ACTORS[1:], columns=tapas.ACTORS[0])
    assert load()(frame, ASK) == load()(tapas.ACTORS, ASK)


def test_answers_found_by_their_texts(load):
    made = load(update_answer_coordinates=True)
    words = "two words", "is it"
    table = [["a", "b"], ["one two words", "two"], ["two words", "is it"]]
    out = made(table, ["x", "y"], answer_coordinates=[[(0, 0)], [(1, 1)]], answer_text=[words[:1], [words[1], "none"]])
    tokens = [made.convert_ids_to_tokens(row) for row in out.input_ids]
    found = [[t for t, x in zip(row, x, strict=True) if x] for row, x in zip(tokens, out.labels, strict=True)]
    assert found == [made.tokenize(words[0]), made.tokenize(words[1])]
    assert [x[2] for x, y in zip(out.token_type_ids[0], out.labels[0], strict=True) if y] == [1] * len(found[0])
    assert [x[3] for x in out.token_type_ids[1]].count(1) == len(found[0])


def test_coordinates_may_be_an_array(load):
    call = {"answer_coordinates": tapas.CELLS[0], "answer_text": tapas.TEXTS[0]}
    wanted = load()(tapas.ACTORS, ASK, **call)
    assert (
        load()(tapas.ACTORS, ASK, **{**call, "answer_coordinates": np.array(tapas.CELLS[0])}).labels == wanted.labels
    )
    assert set(load()(tapas.ACTORS, ASK, answer_coordinates=[], answer_text=[]).labels) == {0}


@pytest.mark.parametrize("case", [tapas.PLAIN, *tapas.OTHERS], ids=lambda case: case.name)
def test_saved_and_read(load, case, tmp_path):
    made = load(case)
    made.add_tokens(["newword"])
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, TapasTokenizer)
    assert (tmp_path / "again" / "vocab.txt").is_file()
    table = [["Actor", "newword"], ["naïve Fox", "n/a"]]
    call = {"truncation": True, "max_length": 40}
    assert again(table, "is newword", **call) == made(table, "is newword", **call)
    assert pickle.loads(pickle.dumps(made))(table, "is it", **call) == made(table, "is it", **call)
    assert (len(again), again.special_tokens_map) == (len(made), made.special_tokens_map)


def test_trained_anew(load):
    made = load().train_new_from_iterator(["the quick brown fox", "a table of numbers"] * 9, 80)
    out = made([["the", "fox"], ["quick", "?"]], "numbers")
    assert made.convert_ids_to_tokens(out.input_ids)[-1] == "[EMPTY]"
    assert isinstance(made, TapasTokenizer)


def test_warnings(load):
    with pytest.warns(UserWarning, match="no queries"):
        out = load()(tapas.ACTORS)
    assert out.input_ids[:2] == [load().cls_token_id, load().sep_token_id]
    with pytest.warns(UserWarning, match=r"a question of \d tokens is left out: it may have at least 0 and at most 2"):
        load(max_question_length=2)(tapas.ACTORS, "is it it")
    with pytest.warns(UserWarning, match="the model takes 20; pass truncation=True"):
        load(model_max_length=20, max_row_id=9)(tapas.ACTORS, "is it")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("text", "must be rows of texts"),
        ([], "must be rows of texts"),
        (("a", "b"), "must be rows of texts"),
        ([["a", "b"], ["c"]], "rows must be as long as the header, got 1 to 2 cells"),
        ({"a": ["x"], "b": []}, "columns must be equally long, got 0 to 1 rows"),
        ({"a": 3}, "row 1, column 0 must be text, got 3"),
        ([["a", "b"], ["c", 1.5]], "row 1, column 1 must be text, got 1.5"),
        ([["a"] * 600], r"must have fewer than 512 columns \(max_column_id\), got 600"),
        ([["a"]] * 600, r"must have fewer than 512 rows \(max_row_id\), got 599"),
    ],
)
def test_bad_tables(load, table, says):
    with pytest.raises(InputError, match=says):
        load()(table, "why?")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"queries": 5}, "queries must be a string or a list of strings, got 5"),
        ({"queries": ["a", None]}, "queries must be a string or a list of strings, got None"),
        ({"truncation": "only_first"}, "truncation must be one of"),
        ({"return_tensors": "pt"}, "return_tensors"),
        ({"add_special_tokens": False}, "add_special_tokens must be True"),
        ({"max_length": 12}, r"max_length must have room for the question and the table's header, \d+ tokens, got 12"),
        ({"truncation": True, "max_length": 12}, "max_length must have room"),
        ({"answer_coordinates": [(0, 0)]}, "must be given together"),
        ({"answer_coordinates": [(0, 0)], "answer_text": []}, "must be given together"),
        ({"answer_coordinates": [(9, 0)], "answer_text": ["x"]}, r"must be cells of the table .* got \(9, 0\)"),
        ({"answer_coordinates": [(0, 0, 0)], "answer_text": ["x"]}, r"must be lists of \(row, column\), got"),
        ({"answer_coordinates": [3], "answer_text": ["x"]}, r"must be lists of \(row, column\), got 3"),
        (
            {"queries": [ASK, ASK], "answer_coordinates": [[(0, 0)]], "answer_text": [["x"]]},
            "each of 2 questions, got",
        ),
        ({"queries": [ASK], "answer_coordinates": [None], "answer_text": [["x"]]}, "must be a list for each question"),
        ({"queries": [ASK], "answer_coordinates": [[(0, 0)]], "answer_text": ["x"]}, "answer_text must be a list"),
    ],
)
def test_bad_calls(load, call, says):
    with pytest.raises(InputError, match=says):
        load()(tapas.ACTORS, **{"queries": ASK, **call})


def test_room_is_used():
    table = [[["a"]], [["b", "##c", "d"]], [["e", "f", "g"]]]
    assert tapas_table.fitted(table, 2, 7, -1) == (2, 3)
    assert tapas_table.fitted(table, 2, 6, -1) == (2, 2)
    assert tapas_table.fitted(table, 2, 3, -1) == (1, 2)
    assert tapas_table.fitted(table, 2, 0, -1) == (0, 1)
    assert [k.token for k in tapas_table.kept(table, 2, 1)] == ["a", "b", "##c", "e"]
