"""Whisper's transcripts are read, and begun, as the reference does."""

import json
import shutil

import pytest
from text.case import FILES
from text.corpus import STRINGS
from text.transcripts import GOLDEN, PROMPTS, transcripts, write

import jaxformers as jf
from jaxformers.tokenization.formats import whisper

WANTED = json.loads(GOLDEN.read_text())


@pytest.fixture
def tokenizer(tmp_path):
    return jf.AutoTokenizer.from_pretrained(write(tmp_path, WANTED["languages"]))


def test_languages():
    assert list(whisper.LANGUAGES) == WANTED["languages"]
    assert WANTED["names"] == whisper.CODES


@pytest.mark.parametrize("i", range(len(PROMPTS)))
def test_transcripts_begin_as_the_reference_has_it(tokenizer, i):
    assert whisper.prefix(tokenizer, **PROMPTS[i]) == WANTED["prompts"][i]
    whisper.begin_with(tokenizer, **PROMPTS[i])
    assert tokenizer("a b", "c").input_ids == WANTED["labels"][i]


def test_the_usual_beginning_names_no_language(tokenizer):
    assert tokenizer("a b", "c").input_ids == WANTED["labels"][0]


def test_transcripts_are_the_recorded_ones(tokenizer):
    assert transcripts(tokenizer) == [read["ids"] for read in WANTED["read"]]


@pytest.mark.parametrize("i", range(len(WANTED["read"])))
def test_transcripts_are_read_as_the_reference_does(tokenizer, i):
    ids, texts, parts = WANTED["read"][i].values()
    found = [
        whisper.decode(tokenizer, ids, times=times, skip_special_tokens=skip)
        for times in (False, True)
        for skip in (False, True)
    ]
    assert found == texts
    segments = [{**part, "timestamp": list(part["timestamp"])} for part in whisper.segments(tokenizer, ids)]
    assert segments == parts


def test_what_can_not_be(tokenizer, tmp_path):
    with pytest.raises(jf.InputError, match=r"language must be one that Whisper knows, got 'germn'; nearest: german"):
        whisper.prefix(tokenizer, "germn")
    with pytest.raises(jf.InputError, match="task must be one of transcribe, translate, got 'sing'"):
        whisper.prefix(tokenizer, task="sing")
    english = jf.AutoTokenizer.from_pretrained(write(tmp_path, ["en"]))
    with pytest.raises(jf.InputError, match=r"the vocabulary must hold <\|de\|>, which this model has not"):
        whisper.prefix(english, "de")


def test_a_tiktoken_file_gives_the_same_ids(tokenizer, tmp_path):
    """Of OpenAI's own files: the special tokens and the times are those of its code."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tokenizer_config.json").write_text('{"tokenizer_class": "WhisperTokenizer"}')
    shutil.copy(FILES / "ranks.tiktoken", tmp_path / "other" / "multilingual.tiktoken")
    other = jf.AutoTokenizer.from_pretrained(tmp_path / "other")
    start = other.convert_tokens_to_ids("<|startoftranscript|>")
    assert start == len((FILES / "ranks.tiktoken").read_text().splitlines()) + 1
    assert other.convert_ids_to_tokens([start - 1, start + 1, start + 99]) == ["<|endoftext|>", "<|en|>", "<|su|>"]
    assert whisper.first_time(other) == start + 106 == other.convert_tokens_to_ids("<|0.00|>")
    assert len(other) == whisper.first_time(other) + 1501
    for text in STRINGS:
        wanted, found = (t(text, add_special_tokens=False).input_ids for t in (tokenizer, other))
        assert [i for i in found if i < start] == [i for i in wanted if i < start]
        assert other.decode(found) == tokenizer.decode(wanted)
