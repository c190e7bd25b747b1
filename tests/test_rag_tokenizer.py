"""RAG's two tokenizers: targets, files, and what is refused."""

import shutil

import pytest
from calls.classes.rag import ANSWERS, CASES

import jaxformers as jf
from jaxformers.tokenization.rag import RagTokenizer


@pytest.fixture(params=CASES)
def folder(request, tmp_path):
    return CASES[request.param].write(tmp_path)


def test_targets_are_the_generators(folder, tmp_path):
    """The reference encodes them with the question encoder's tokenizer, whose ids the generator does not know."""
    made = jf.AutoTokenizer.from_pretrained(folder)
    (tmp_path / "plain").mkdir()
    wanted = jf.AutoTokenizer.from_pretrained(ANSWERS.write(tmp_path / "plain"))("Paris.").input_ids
    assert made(text_target="Paris.").input_ids == wanted
    out = made("Where?", text_target="Paris.")
    assert (out.labels, out.input_ids) == (wanted, made("Where?").input_ids)


def test_it_is_saved_and_read(folder, tmp_path):
    made = jf.AutoTokenizer.from_pretrained(folder, model_max_length=77)
    files = made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, RagTokenizer)
    assert again("Where is it?", text_target="Paris.") == made("Where is it?", text_target="Paris.")
    assert again.generator.model_max_length == again.question_encoder.model_max_length == 77
    assert any("generator_tokenizer" in file for file in files)


def test_both_must_be_there(folder):
    shutil.rmtree(folder / "generator_tokenizer")
    with pytest.raises(jf.CheckpointError, match="must hold the folder generator_tokenizer beside"):
        jf.AutoTokenizer.from_pretrained(folder)
