"""Whisper's tokenizer: texts made alike, recordings of several windows, prompts and labels are the reference's."""

import json
import warnings

import numpy as np
import pytest
from calls import spoken
from calls.case import GOLDENS
from text.case import unpack

import jaxformers as jf
from jaxformers.tokenization.formats import whisper
from jaxformers.tokenization.formats.whisper import LANGUAGES
from jaxformers.tokenization.whisper_tokenizer import WhisperTokenizer

WANTED = json.loads((GOLDENS / "spoken.json").read_text())


@pytest.fixture
def tokenizer(tmp_path):
    return jf.AutoTokenizer.from_pretrained(spoken.write(tmp_path, list(LANGUAGES)))


def test_texts_are_made_alike_as_in_the_reference(tokenizer):
    found, texts = spoken.alike(tokenizer), spoken.texts()
    assert len(texts) > 1300
    for name, wanted in unpack(GOLDENS / "spoken.npz").items():
        differ = [(t, a, b) for t, a, b in zip(texts, found[name], wanted, strict=True) if a != b]
        assert not differ, (name, len(differ), differ[:5])


def test_transcripts_recordings_and_prompts_are_the_reference_s(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = json.loads(json.dumps(spoken.observe(tokenizer)))
    assert found.keys() == WANTED.keys()
    for name in ("decoded", "heard"):
        for i, (ours, theirs) in enumerate(zip(found[name], WANTED[name], strict=True)):
            assert ours == theirs, (name, i)
    assert found["batch"] == WANTED["batch"]
    assert found["prompts"] == WANTED["prompts"]


def test_what_was_set_is_kept_in_files(tokenizer, tmp_path):
    tokenizer.set_prefix_tokens("german", "transcribe")
    tokenizer.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, WhisperTokenizer)
    assert (again.language, again.task) == ("german", "transcribe")
    assert again("a b").input_ids == tokenizer("a b").input_ids
    assert again.normalize("the COLOUR") == "the color"
    assert json.loads((tmp_path / "again" / "normalizer.json").read_text()) == spoken.SPELLING
    french = jf.AutoTokenizer.from_pretrained(tmp_path / "again", language="french", task="translate")
    assert french.prefix_tokens == french.convert_tokens_to_ids(
        ["<|startoftranscript|>", "<|fr|>", "<|translate|>", "<|notimestamps|>"]
    )
    assert french("a").input_ids[:4] == french.prefix_tokens


def test_what_labels_begin_with_is_the_same_by_function_and_by_method(tokenizer):
    whisper.begin_with(tokenizer, "French", "translate", times=True)
    assert (tokenizer.language, tokenizer.task, tokenizer.predict_timestamps) == ("french", "translate", True)
    assert tokenizer("a").input_ids[: len(tokenizer.prefix_tokens)] == tokenizer.prefix_tokens


def test_training_keeps_spellings(tokenizer):
    tokenizer.set_prefix_tokens("german")
    trained = tokenizer.train_new_from_iterator(["the colour of the fox"] * 9, 1200)
    assert trained.normalize("the COLOUR") == "the color"
    assert trained.convert_ids_to_tokens(trained("the").input_ids)[1] == "<|de|>"


def test_prompts_are_arrays(tokenizer):
    ids = tokenizer.get_prompt_ids("Hello")
    assert isinstance(ids, np.ndarray)
    assert tokenizer.get_prompt_ids("Hello", return_tensors=None) == ids.tolist()
    with pytest.raises(jf.InputError, match=r"text must not hold special tokens, got <\|en\|>"):
        tokenizer.get_prompt_ids("Hello <|en|>")
    with pytest.raises(jf.InputError, match="return_tensors must be None"):
        tokenizer.get_prompt_ids("Hello", return_tensors="pt")


def test_a_processor_begins_transcripts_with_its_tokenizer(tmp_path):
    spoken.write(tmp_path, list(LANGUAGES))
    extractor = {"feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "WhisperProcessor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(extractor))
    processor = jf.AutoProcessor.from_pretrained(tmp_path)
    places, ids = zip(*processor.get_decoder_prompt_ids(task="transcribe", language="french"), strict=True)
    assert places == (1, 2, 3)
    assert processor.tokenizer.prefix_tokens[1:] == list(ids)
    assert processor.get_prompt_ids("Hello").tolist() == processor.tokenizer.get_prompt_ids("Hello").tolist()
    wanted = [{"text": "", "offsets": []}]
    assert processor.batch_decode([[5, 6]], output_offsets=True)[0]["offsets"] == wanted[0]["offsets"]


def test_a_missing_end_is_told(tokenizer):
    first = tokenizer.convert_tokens_to_ids("<|0.00|>")
    row = {"tokens": [[first, *tokenizer("a b", add_special_tokens=False).input_ids]]}
    with pytest.warns(UserWarning, match="the last time is missing"):
        text, more = tokenizer._decode_asr([row], return_timestamps=True)
    assert (text, more["chunks"][0]["timestamp"]) == ("a b", (0.0, None))


def test_what_can_not_be(tokenizer, tmp_path):
    with pytest.raises(jf.InputError, match="language must be one that Whisper knows, got 'germn'"):
        tokenizer.set_prefix_tokens("germn")
    assert tokenizer.language is None
    with pytest.raises(jf.InputError, match="task must be one of"):
        tokenizer.get_decoder_prompt_ids(task="sing")
    (tmp_path / "normalizer.json").write_text('{"a": 3}')
    with pytest.raises(jf.CheckpointError, match=r"normalizer\.json: must hold one JSON object of words"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "normalizer.json").write_text("[")
    with pytest.raises(jf.CheckpointError, match=r"normalizer\.json: must hold one JSON object of words"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "normalizer.json").unlink()
    bare = jf.AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(jf.InputError, match=r"normalizer\.json must be beside the vocabulary"):
        bare.normalize("colour")
    bare.english_spelling_normalizer = {}
    assert bare.normalize("Colour twenty-one") == "colour 21"
