"""MGP-STR's processor: where its tokenizers come from, and what is refused."""

import shutil

import numpy as np
import pytest
from processors.own.readings import CASES, logits

import jaxformers as jf
from jaxformers.processing.joint import readings

CASE = CASES[0]


def test_tokenizers_of_folders_are_saved(tmp_path):
    made = jf.AutoProcessor.from_pretrained(CASE.write(tmp_path))
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert again.batch_decode(logits()) == made.batch_decode(logits())
    assert again.char_tokenizer is again.tokenizer
    assert made.char_decode([made.tokenizer("ticket").input_ids]) == ["ticket"]


def test_without_folders_they_are_gpt2s_and_berts(tmp_path, monkeypatch):
    CASE.write(tmp_path)
    held = {
        "openai-community/gpt2": jf.AutoTokenizer.from_pretrained(tmp_path / "bpe_tokenizer"),
        "google-bert/bert-base-uncased": jf.AutoTokenizer.from_pretrained(tmp_path / "wp_tokenizer"),
    }
    wanted = jf.AutoProcessor.from_pretrained(tmp_path).batch_decode(logits())
    for folder in ("bpe_tokenizer", "wp_tokenizer"):
        shutil.rmtree(tmp_path / folder)
    made = jf.AutoProcessor.from_pretrained(tmp_path)
    monkeypatch.setattr(readings.AutoTokenizer, "from_pretrained", held.__getitem__)
    assert made.batch_decode(logits()) == wanted
    assert made.bpe_tokenizer is held["openai-community/gpt2"]


@pytest.mark.parametrize("change", [lambda x: x[:2], lambda x: [x[0][0], *x[1:]], lambda x: [x[0][:2], *x[1:]]])
def test_logits_must_be_three(change, tmp_path):
    made = jf.AutoProcessor.from_pretrained(CASE.write(tmp_path))
    with pytest.raises(jf.InputError, match=r"logits must be three arrays \[B, S, V\]"):
        made.batch_decode(change(logits()))


def test_a_word_without_an_end_is_not_sure(tmp_path):
    made = jf.AutoProcessor.from_pretrained(CASE.write(tmp_path))
    held = [np.zeros_like(one) for one in logits()]
    for one in held:
        one[..., 5] = 9
    assert made.batch_decode(held)["scores"] == [0.0] * 6
