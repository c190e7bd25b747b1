"""Tokenizers of phonemes: files, settings and what is refused; their values are in test_tokenizer_classes."""

import sys

import pytest
from calls.classes import phonemes

import jaxformers as jf
from jaxformers.tokenization.phonemes import PhonemeCTCTokenizer


@pytest.fixture
def directory(tmp_path):
    return phonemes.CASE.write(tmp_path)


def test_saved_and_read(directory, tmp_path):
    made = jf.AutoTokenizer.from_pretrained(directory, do_phonemize=False, word_delimiter_token="|")
    made.phonemizer_lang = "de"
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, PhonemeCTCTokenizer)
    assert (again.do_phonemize, again.phonemizer_lang, again.phonemizer_backend) == (False, "de", "espeak")
    ids = again("ð ə | f").input_ids
    assert (again.decode(ids), again.word_delimiter_token_id) == ("ð ə f", 4)
    assert again.batch_decode([ids], filter_word_delimiter_token=False) == ["ð ə | f"]
    assert again.decode([], output_char_offsets=True).char_offsets == []
    with phonemes.phonemizer():
        assert again("see", do_phonemize=True).input_ids == again("s e e |", do_phonemize=False).input_ids


def test_without_the_phonemizer_frames_are_read_and_texts_refused(directory, monkeypatch):
    tokenizer = jf.AutoTokenizer.from_pretrained(directory)
    assert tokenizer.decode([5, 5, 0, 6]) == "a b"
    monkeypatch.setitem(sys.modules, "phonemizer.backend", None)
    with pytest.raises(jf.InputError, match=r"phonemes of 'en-us', which failed: .*jaxformers\[phonemes\].*espeak-ng"):
        tokenizer("see")


def test_vits_refuses_texts_without_the_phonemizer(tmp_path, monkeypatch):
    tokenizer = jf.AutoTokenizer.from_pretrained(phonemes.VITS.write(tmp_path))
    assert tokenizer.decode([0, 5, 0, 6, 0]) == "ab"
    monkeypatch.setitem(sys.modules, "phonemizer", None)
    with pytest.raises(jf.InputError, match=r"phonemes of 'en-us', which failed: .* or pass phonemes to a tokenizer"):
        tokenizer("see")
    monkeypatch.undo()
    with pytest.raises(jf.CheckpointError, match="phonemize must be true or false"):
        jf.AutoTokenizer.from_pretrained(tmp_path, phonemize=3)


def test_what_can_not_be(directory):
    with phonemes.phonemizer():
        tokenizer = jf.AutoTokenizer.from_pretrained(directory)
        with pytest.raises(jf.InputError, match="phonemes of 'xx', which failed: language \"xx\" is not supported"):
            tokenizer("see", phonemizer_lang="xx")
        with pytest.raises(jf.InputError, match="which failed: 'nowhere'"):
            jf.AutoTokenizer.from_pretrained(directory, phonemizer_backend="nowhere").phonemize("see")
    with pytest.raises(jf.InputError, match="do_phonemize must be bool, got 'no'"):
        tokenizer("see", do_phonemize="no")
    with pytest.raises(jf.CheckpointError, match="do_phonemize must be true or false"):
        jf.AutoTokenizer.from_pretrained(directory, do_phonemize="no")
