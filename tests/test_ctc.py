"""Tokenizers of speech: text of frames, and the frames of letters and words, are the reference's."""

import itertools
import json

import numpy as np
import pytest
from calls import heard
from calls.case import GOLDENS
from text.case import unpack

import jaxformers as jf
from jaxformers.tokenization.ctc import CTCTokenizer


@pytest.fixture(scope="module")
def wanted():
    return unpack(GOLDENS / "heard.npz")


@pytest.mark.parametrize("case", heard.CASES, ids=lambda case: case.name)
def test_frames_are_read_as_the_reference_does(case, tmp_path, wanted):
    found = heard.observe(jf.AutoTokenizer.from_pretrained(case.write(tmp_path)))
    for name, rows in found.items():
        theirs = wanted[f"{case.name}/{name}"]
        assert len(rows) == len(theirs)
        differ = [(i, a, b) for i, (a, b) in enumerate(zip(rows, theirs, strict=True)) if a != b]
        assert not differ, f"{name} of {len(differ)} of {len(rows)} rows:\n" + "\n".join(
            f"{i}\n   got    {a!r}\n   wanted {b!r}" for i, a, b in itertools.islice(differ, 5)
        )


def test_languages_are_switched_as_in_the_reference(tmp_path):
    tokenizer = jf.AutoTokenizer.from_pretrained(heard.tongues(tmp_path).write(tmp_path))
    found = json.loads(json.dumps(heard.switched(tokenizer)))
    for step, fields in json.loads((GOLDENS / "heard.json").read_text()).items():
        for name, rows in fields.items():
            assert found[step][name] == rows, (step, name)


def test_a_language_is_kept_in_files(tmp_path):
    tokenizer = jf.AutoTokenizer.from_pretrained(heard.tongues(tmp_path).write(tmp_path))
    tokenizer.set_target_lang("deu")
    tokenizer.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert isinstance(again, CTCTokenizer)
    assert (again.target_lang, again("schön").input_ids) == ("deu", tokenizer("schön").input_ids)
    again.set_target_lang("eng")
    assert again.tokenize("thick") == ["th", "i", "c", "k"]


def test_offsets_are_fields(tmp_path):
    tokenizer = jf.AutoTokenizer.from_pretrained(heard.CASES[0].write(tmp_path))
    ids = tokenizer.convert_tokens_to_ids(["H", "H", "<pad>", "I", "|", "|", "O", "<pad>", "O"])
    out = tokenizer.decode(np.array(ids), output_word_offsets=True)
    assert (out.text, out["text"], out.char_offsets) == ("HI OO", "HI OO", None)
    assert out.word_offsets[1] == {"word": "OO", "start_offset": 6, "end_offset": 9}
    many = tokenizer.batch_decode([ids, ids[:2], []], output_char_offsets=True)
    assert many.text == ["HI OO", "H", ""]
    assert [len(row) for row in many.char_offsets] == [5, 1, 0]
    assert many.word_offsets is None
    assert tokenizer.convert_tokens_to_string(["A", "A", "|"])["text"] == "A"
    with pytest.raises(AttributeError, match="no field 'logits'"):
        _ = out.logits


def test_marks_are_settings(tmp_path):
    tokenizer = jf.AutoTokenizer.from_pretrained(heard.CASES[0].write(tmp_path))
    assert (tokenizer.word_delimiter_token, tokenizer.word_delimiter_token_id) == ("|", 4)
    assert (tokenizer.replace_word_delimiter_char, tokenizer.do_lower_case) == (" ", False)
    ids = tokenizer("A B").input_ids
    tokenizer.replace_word_delimiter_char = "_"
    assert tokenizer.decode(ids) == "A_B"
    tokenizer.word_delimiter_token = "'"
    assert tokenizer.tokenize("A B") == ["A", "'", "B"]
    tokenizer.save_pretrained(tmp_path / "again")
    assert jf.AutoTokenizer.from_pretrained(tmp_path / "again").decode(ids) == tokenizer.decode(ids) == "A|B"


def test_a_processor_reads_frames_with_its_tokenizer(tmp_path):
    heard.CASES[0].write(tmp_path)
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "processor_class": "Wav2Vec2Processor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(extractor))
    processor = jf.AutoProcessor.from_pretrained(tmp_path)
    ids = processor.tokenizer("A BC").input_ids
    out = processor.batch_decode(np.array([ids, ids]), output_word_offsets=True)
    assert out.text == ["A BC"] * 2
    assert [word["word"] for word in out.word_offsets[1]] == ["A", "BC"]
    assert processor.decode(ids, output_char_offsets=True).char_offsets[0]["end_offset"] == 1


def test_what_can_not_be(tmp_path):
    single, several = tmp_path / "single", tmp_path / "several"
    for directory, write in ((single, heard.CASES[0].write), (several, lambda d: heard.tongues(d).write(d))):
        directory.mkdir()
        write(directory)
    with pytest.raises(jf.InputError, match=r"vocab\.json must hold a vocabulary for each language, it holds one"):
        jf.AutoTokenizer.from_pretrained(single).set_target_lang("deu")
    with pytest.raises(jf.InputError, match="target_lang must be one of eng, deu, got 'fra'"):
        jf.AutoTokenizer.from_pretrained(several).set_target_lang("fra")
    (several / "tokenizer_config.json").write_text('{"tokenizer_class": "Wav2Vec2CTCTokenizer"}')
    with pytest.raises(jf.CheckpointError, match=r"one for each of deu, eng; name one, e\.g\. by target_lang"):
        jf.AutoTokenizer.from_pretrained(several)
    assert jf.AutoTokenizer.from_pretrained(several, target_lang="deu").vocab_size == 37
    with pytest.raises(jf.InputError, match="use batch_decode for rows"):
        jf.AutoTokenizer.from_pretrained(single).decode([[1, 2]], output_char_offsets=True)
