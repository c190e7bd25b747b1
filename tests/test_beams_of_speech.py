"""The search for texts in logits of speech finds what the reference finds, with n-grams and without."""

import json
import math

import numpy as np
import pytest
from calls import beams
from calls.case import GOLDENS

import jaxformers as jf
from jaxformers.processing.joint.beams import WithLanguageModel
from jaxformers.tokenization.ctc_beams import Search
from jaxformers.tokenization.language_model import LanguageModel
from jaxformers.tokenization.ngrams import Arpa


@pytest.fixture
def load(tmp_path):
    def made(model):
        directory = tmp_path / str(model)
        if not directory.exists():
            directory.mkdir()
            beams.write(directory, model)
        return jf.AutoProcessor.from_pretrained(directory)

    return made


def same(ours, theirs, where):
    if isinstance(theirs, float) or (isinstance(theirs, int) and isinstance(ours, float)):
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6), where
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for key in theirs:
            same(ours[key], theirs[key], (*where, key))
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for i, pair in enumerate(zip(ours, theirs, strict=True)):
            same(*pair, (*where, i))
    else:
        assert ours == theirs, where


def test_texts_words_and_scores_are_the_reference_s(load):
    found = beams.observe(load, lambda rows: Search(beams.PIECES, True).find(rows))
    wanted = json.loads((GOLDENS / "beams.json").read_text())
    same(json.loads(json.dumps(found)), wanted, ())


def test_without_an_alphabet_the_vocabulary_is_one(load, tmp_path):
    wanted = load(False).decode(beams.logits()[0])
    (tmp_path / "False" / "alphabet.json").unlink()
    processor = load(False)
    assert isinstance(processor, WithLanguageModel)
    assert processor.decode(beams.logits()[0]) == wanted
    assert processor.language_model is None
    assert processor.decode(np.zeros((0, len(beams.labels())))).text == ""


def test_saved_and_read(load, tmp_path):
    processor = load(True)
    processor.decode(beams.logits()[1], alpha=0.75)
    paths = processor.save_pretrained(tmp_path / "again")
    assert str(tmp_path / "again" / "language_model" / "small.arpa") in paths
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert again.language_model.alpha == 0.75
    assert again.decode(beams.logits()[2]) == processor.decode(beams.logits()[2])
    again.save_pretrained(tmp_path / "again")  # over its own files
    sound = np.zeros(1600, np.float32)
    fields = again(sound, sampling_rate=16000, text="A CAT")
    assert set(fields) == {"input_values", "labels"}


def test_rows_are_searched_in_a_pool(load):
    class Pool:
        def map(self, function, rows):
            return [function(row) for row in rows]

    rows = beams.logits()[:2]
    assert load(True).batch_decode(rows, pool=Pool()) == load(True).batch_decode(rows)


def test_n_grams_back_off(tmp_path):
    file = tmp_path / "x.arpa"
    ones, twos = "-1\ta\t-0.5\n-2\tb\n-3\t<s>\t-0.25\n", "-0.1\ta b\n"
    file.write_text(f"\\data\\\nngram 1=3\n\n\\1-grams:\n{ones}\\2-grams:\n{twos}\\end\\\n")
    model = Arpa(file)
    assert (model.order, "a" in model, "z" in model, "<unk>" in model) == (2, True, False, False)
    value, state = model.score(model.start(True), "a")
    assert (value, state) == (pytest.approx(-1.25), ("a",))
    assert model.score(state, "b")[0] == pytest.approx(-0.1)
    assert model.score(state, "a")[0] == pytest.approx(-1.5)
    assert model.score(("b",), "z") == (-100.0, ("<unk>",))
    whole = LanguageModel(file, ["a", "z"])
    assert whole.words == ["a"]
    assert whole.score((), "b")[0] == pytest.approx(0.5 * -12 * math.log(10) + 1.5)
    assert (whole.begun("a"), whole.begun("b"), whole.begun("bbbbbbbbb")) == (0.0, -10.0, -15.0)


def test_what_can_not_be(load, tmp_path):
    processor = load(True)
    with pytest.raises(jf.InputError, match=r"logits must be of shape \[T, 35\], .* got \[3, 4\]"):
        processor.decode(np.zeros((3, 4)))
    with pytest.raises(jf.InputError, match="beam_width must be at least 1, got 0"):
        processor.decode(beams.logits()[0], beam_width=0)
    with pytest.raises(jf.InputError, match="alpha must be a number, got 'much'"):
        processor.decode(beams.logits()[0], alpha="much")
    with pytest.raises(jf.InputError, match="score_boundary must be true or false, got 1"):
        processor.decode(beams.logits()[0], lm_score_boundary=1)
    with pytest.raises(jf.InputError, match="attributes must be of alpha, beta"):
        processor.language_model.change(gamma=1)
    folder = tmp_path / "True" / "language_model"
    (folder / "attrs.json").write_text('{"alpha": 1}')
    with pytest.raises(jf.CheckpointError, match=r"must hold attrs\.json and unigrams\.txt: KeyError\('beta'\)"):
        load(True)
    (folder / "small.arpa").write_text("\\1-grams:\nwhat\n")
    with pytest.raises(jf.CheckpointError, match=r"small\.arpa: must hold n-grams in ARPA's format"):
        Arpa(folder / "small.arpa")
    (folder / "small.arpa").write_text("nothing\n")
    with pytest.raises(jf.CheckpointError, match="it has none"):
        Arpa(folder / "small.arpa")
    (folder / "small.arpa").unlink()
    with pytest.raises(jf.CheckpointError, match=r"must hold one file \.arpa, \.bin or \.binary, it has 0"):
        load(True)
    alphabet = tmp_path / "False" / "alphabet.json"
    load(False)
    alphabet.write_text('{"labels": ["", " ", "⁇", "A"], "is_bpe": false}')
    with pytest.raises(jf.CheckpointError, match=r"must hold the vocabulary's tokens; '<s>', '</s>', 'B'"):
        load(False)
    alphabet.write_text('{"labels": 3}')
    with pytest.raises(jf.CheckpointError, match="labels must be a list of texts, got 3"):
        load(False)


def test_kenlm_s_own_format_needs_its_library(tmp_path, monkeypatch):
    file = tmp_path / "x.bin"
    file.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n")
    monkeypatch.setitem(__import__("sys").modules, "kenlm", None)
    with pytest.raises(jf.CheckpointError, match=r"read by its library only; .*jaxformers\[kenlm\]"):
        LanguageModel(file)
