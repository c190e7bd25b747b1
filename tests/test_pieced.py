"""BERT's words in Python, by settings that tokenizer.json can not have; test_tokenizer_parity compares the texts."""

import json

import pytest
from text.case import cases

import jaxformers as jf

KEPT = next(case for case in cases() if case.name == "bert-kept")
TEXT = "The fox, don't say world! now"


def test_saved_read_and_decoded(tmp_path):
    made = jf.AutoTokenizer.from_pretrained(KEPT.write(tmp_path))
    assert not made.is_fast
    assert {"don't", "world!"} <= set(made.tokenize(TEXT))
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again(TEXT, "fox") == made(TEXT, "fox")
    assert again.decode(again("the fox, the one").input_ids, skip_special_tokens=True) == "the fox, the one"


def test_the_class_is_kept_where_the_model_type_tells_it(tmp_path):
    KEPT.write(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "tokenizer_config.json").write_text('{"do_basic_tokenize": false}')
    made = jf.AutoTokenizer.from_pretrained(tmp_path)
    made.save_pretrained(tmp_path / "again")
    saved = json.loads((tmp_path / "again" / "tokenizer_config.json").read_text())
    assert (saved["tokenizer_class"], saved["do_basic_tokenize"]) == ("BertTokenizer", False)
    assert jf.AutoTokenizer.from_pretrained(tmp_path / "again").tokenize("The fox, x") == made.tokenize("The fox, x")


def test_asked_for_beside_tokenizer_json(tmp_path):
    case = next(case for case in cases() if case.name == "bert")
    fast = jf.AutoTokenizer.from_pretrained(case.write(tmp_path))
    fast.save_pretrained(tmp_path)
    assert jf.AutoTokenizer.from_pretrained(tmp_path).is_fast
    plain = jf.AutoTokenizer.from_pretrained(tmp_path, do_basic_tokenize=False)
    assert plain.tokenize("the fox, is") == ["the", "[UNK]", "i", "##s"]
    assert jf.AutoTokenizer.from_pretrained(tmp_path, never_split=["fox,"]).tokenize("Fox, is") == ["fox,", "i", "##s"]


def test_what_can_not_be(tmp_path):
    KEPT.write(tmp_path)
    with pytest.raises(jf.CheckpointError, match="never_split must be a list of words, got 'world!'"):
        jf.AutoTokenizer.from_pretrained(tmp_path, never_split="world!")
    with pytest.raises(jf.CheckpointError, match="do_basic_tokenize must be true or false, got 3"):
        jf.AutoTokenizer.from_pretrained(tmp_path, do_basic_tokenize=3)
