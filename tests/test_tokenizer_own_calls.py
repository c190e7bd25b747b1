"""Tokenizers whose calls take more than texts: LUKE's entities, DPR's passages."""

import json
import types

import numpy as np
import pytest
from calls import layout, own, tapas
from calls.case import GOLDENS
from text.case import cases

import jaxformers as jf
from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization import kinds
from jaxformers.tokenization.dpr import DPRReaderTokenizer
from jaxformers.tokenization.luke import LukeTokenizer

WANTED = json.loads((GOLDENS / "own_calls.json").read_text())


@pytest.fixture
def load(tmp_path):
    def made(case, **settings):
        directory = tmp_path / case.name
        directory.mkdir(exist_ok=True)
        return jf.AutoTokenizer.from_pretrained(own.write(case, directory), **settings)

    return made


def test_calls_equal_the_reference(load):
    found = own.observe(load)
    assert found.keys() == WANTED.keys()
    for name, wanted in WANTED.items():
        assert found[name] == wanted, name


@pytest.mark.parametrize("case", [own.LUKE, own.MLUKE])
def test_luke_is_saved_and_read(load, case, tmp_path):
    made = load(case, task="entity_pair_classification")
    made.add_tokens(["newword"])
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, LukeTokenizer)
    call = {"text": own.ONE + " newword", "entity_spans": [own.A, own.C]}
    assert again(**call) == made(**call)
    assert again.special_tokens_map == made.special_tokens_map
    assert again.entity_vocab == own.ENTITIES


@pytest.mark.parametrize(
    "case", [*cases(), *own.ALL, *layout.ALL, tapas.PLAIN], ids=lambda case: f"{case.name}-{case.reference}"
)
def test_classes_that_the_model_type_tells_are_saved_as_themselves(case, tmp_path):
    """config.json, which tells the model type, is not saved with the tokenizer."""
    own.write(case, tmp_path) if case in own.ALL else case.write(tmp_path)
    stem = kinds.stem(case.reference)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": stem}))
    config = tmp_path / "tokenizer_config.json"
    settings = {**json.loads(config.read_text()), "tokenizer_class": None}
    config.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))
    made = jf.AutoTokenizer.from_pretrained(tmp_path)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert (type(again), len(again)) == (type(made), len(made))
    assert again.special_tokens_map == made.special_tokens_map
    assert again.tokenize("a fox is the one") == made.tokenize("a fox is the one")
    saved = json.loads((tmp_path / "again" / "tokenizer_config.json").read_text())["tokenizer_class"]
    assert kinds.find(saved) == kinds.find(stem) or (tmp_path / "again" / "tokenizer.json").is_file()


def test_rows_are_padded_later(load):
    made = load(own.LUKE)
    rows = [made(own.ONE, entity_spans=[own.A, own.B]), made(own.TWO, entity_spans=[(30, 35)])]
    whole = made([own.ONE, own.TWO], entity_spans=[[own.A, own.B], [(30, 35)]], padding=True)
    assert made.pad(rows) == whole
    assert made.pad(rows, return_tensors="np").entity_position_ids.shape == (2, 2, 30)
    assert len(made.pad(rows[0], "max_length", max_length=50, max_entity_length=4).entity_ids) == 4


@pytest.mark.parametrize(
    ("task", "call", "says"),
    [
        (None, {"entity_spans": [(0, 999)]}, "0 <= start <= end"),
        (None, {"entity_spans": (0, 3)}, "must be a list of"),
        (None, {"entities": ["x"]}, "must be given with entities"),
        (None, {"entity_spans": [(0, 3)], "entities": ["x", "y"]}, "must be 1 names"),
        (None, {"entity_spans_pair": [(0, 3)]}, "must come with text_pair"),
        (None, {"text": 3}, "text must be a string"),
        (None, {"text": ["a", "b"], "entity_spans": [[(0, 1)]]}, "lists of 2"),
        (None, {"text": ["a", "b"], "entity_spans": [[(0, 1)], None]}, "for every text or for none"),
        ("entity_classification", {}, "must be given with task"),
        ("entity_classification", {"entity_spans": [(0, 1), (2, 3)]}, "takes 1 entity_spans"),
        ("entity_span_classification", {"entity_spans": []}, "takes at least 1"),
        ("entity_classification", {"entity_spans": [(0, 1)], "text_pair": "x"}, "alone, got more"),
        (None, {"entity_spans": [(0, 1)], "return_tensors": "pt"}, "return_tensors"),
        (None, {"text_pair": "x", "truncation": "only_second", "max_length": 5}, "at least the"),
    ],
)
def test_luke_refuses(load, task, call, says):
    with pytest.raises(InputError, match=says):
        load(own.LUKE, task=task)(**{"text": own.ONE, **call})


def test_luke_refuses_settings(load, tmp_path):
    with pytest.raises(InputError, match="task must be one of"):
        load(own.LUKE, task="classify")
    with pytest.raises(InputError, match="truncation_side must be 'right'"):
        load(own.LUKE, truncation_side="left")(own.ONE, entity_spans=[own.A], truncation=True, max_length=8)
    with pytest.raises(InputError, match="can not be trained"):
        load(own.LUKE).train_new_from_iterator(["a"], 300)
    with pytest.raises(CheckpointError, match=r"\[MASK3\] are missing"):
        load(own.LUKE, entity_mask2_token="[MASK3]")
    (tmp_path / "luke" / "entity_vocab.json").unlink()
    with pytest.raises(CheckpointError, match="entity_vocab"):
        jf.AutoTokenizer.from_pretrained(tmp_path / "luke")


def test_reader_reads_fields_and_refuses(load):
    reader = load(own.READER)
    assert isinstance(reader, DPRReaderTokenizer)
    rows = reader(**own.READS[0])
    logits = np.zeros(rows.input_ids.shape)
    said = types.SimpleNamespace(start_logits=logits, end_logits=logits, relevance_logits=np.zeros(2))
    assert reader.decode_best_spans(rows, said)[0].doc_id == 0
    assert set(reader(**own.READS[2], return_attention_mask=False)) == {"input_ids"}
    with pytest.raises(InputError, match="equally many"):
        reader("a", ["b", "c"], ["d"])
    with pytest.raises(InputError, match="stride is for"):
        reader("a", "b", "c", stride=2)
    with pytest.raises(InputError, match="a question, title and text"):
        reader.decode_best_spans({"input_ids": np.ones_like(rows.input_ids)}, said)


def test_roc_bert_is_saved_read_and_refused(load, tmp_path):
    made = load(own.ROC)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again(own.ONE) == made(own.ONE)
    assert made.convert_tokens_to_shape_ids(["the", "zzz"]) == [10, 9]
    assert made.convert_tokens_to_pronunciation_ids(["the", "zzz"]) == [110, 109]
    file = tmp_path / "again" / "word_shape.json"
    file.write_text('{"the": 3}')
    with pytest.raises(CheckpointError, match=r"must hold \[UNK\]"):
        jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    file.unlink()
    with pytest.raises(CheckpointError, match=r"word_shape\.json"):
        jf.AutoTokenizer.from_pretrained(tmp_path / "again")
