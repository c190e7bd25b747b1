"""Every option of a tokenizer's call, places of letters, words and tokens, added tokens, and training anew."""

import json
import warnings

import numpy as np
import pytest
import tokenizers
from calls import languages
from calls.case import BATCH, CALLS, GOLDENS, ONE, TRAINED, change, folder, observe, train
from text.case import cases

import jaxformers as jf

WANTED = json.loads((GOLDENS / "calls.json").read_text())


def fresh():
    return jf.AutoTokenizer.from_pretrained(folder())


@pytest.fixture(scope="module")
def tokenizer():
    return fresh()


def test_calls_equal_the_reference(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = observe(tokenizer)
    assert found.keys() == WANTED["calls"].keys()
    for name, wanted in WANTED["calls"].items():
        at = CALLS[int(name.split("/")[1])] if name.split("/")[0] in ("left", "right") else ""
        assert found[name] == wanted, (name, at)


def test_added_tokens_equal_the_reference():
    assert change(fresh(), tokenizers.AddedToken) == WANTED["changed"]


def test_training_anew_equals_the_reference():
    assert train(fresh()) == WANTED["trained"]


def test_languages_equal_the_reference(tmp_path):
    def load(case, **settings):
        directory = tmp_path / case.name
        directory.mkdir(exist_ok=True)
        return jf.AutoTokenizer.from_pretrained(case.write(directory), **settings)

    found = languages.observe(load)
    assert found.keys() == WANTED["languages"].keys()
    for name, wanted in WANTED["languages"].items():
        assert found[name] == wanted, name


@pytest.mark.parametrize("name", ["mbart", "m2m100", "marian", "wav2vec2", "xlm", "t5", "gpt2"])
def test_any_class_is_saved_and_read(name, tmp_path):
    case = languages.named(name)
    (tmp_path / "a").mkdir()
    made = jf.AutoTokenizer.from_pretrained(case.write(tmp_path / "a"))
    made.save_pretrained(tmp_path / "b")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "b")
    for text in (ONE, "a <mask> b</s>", ""):
        assert again(text) == made(text)
        assert again.decode(made(text)["input_ids"]) == made.decode(made(text)["input_ids"])
    assert again.special_tokens_map == made.special_tokens_map


@pytest.mark.parametrize("name", ["byt5", "wav2vec2", "xlm", "m2m100", "t5"])
def test_added_tokens_are_saved(name, tmp_path):
    case = languages.named(name)
    (tmp_path / "a").mkdir()
    made = jf.AutoTokenizer.from_pretrained(case.write(tmp_path / "a"))
    made.add_tokens(tokenizers.AddedToken("newword", lstrip=True))
    made.add_special_tokens({"additional_special_tokens": ["<other>"]})
    made.save_pretrained(tmp_path / "b")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "b")
    text = "a newword b <other>c"
    assert again(text)["input_ids"] == made(text)["input_ids"]
    assert made.convert_tokens_to_ids("<other>") in made(text)["input_ids"]


def test_llama_from_tiktoken(tmp_path):
    case = next(c for c in cases() if "tokenizer.model" in c.files and c.files["tokenizer.model"] == "ranks.tiktoken")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    made = jf.AutoTokenizer.from_pretrained(case.write(tmp_path / "a"))
    config = json.loads((case.write(tmp_path / "b") / "tokenizer_config.json").read_text())
    (tmp_path / "b" / "tokenizer_config.json").write_text(json.dumps({**config, "tokenizer_class": "LlamaTokenizer"}))
    llama = jf.AutoTokenizer.from_pretrained(
        tmp_path / "b"
    )  # whose class puts its own token in front, as the reference
    assert llama(ONE)["input_ids"] == [llama.bos_token_id, *made(ONE)["input_ids"]]


def test_clip_reads_its_tokenizer_json(tmp_path):
    made = jf.AutoTokenizer.from_pretrained(languages.named("clip").write(tmp_path))
    ids, text = made(ONE)["input_ids"], made.decode(made(ONE)["input_ids"])
    made.backend.decoder = tokenizers.decoders.ByteLevel()
    made.save_pretrained(tmp_path)
    (tmp_path / "vocab.json").unlink()
    again = jf.AutoTokenizer.from_pretrained(tmp_path)
    assert again(ONE)["input_ids"] == ids
    assert again.decode(ids) == text


def test_languages_that_are_none(tokenizer, tmp_path):
    with pytest.raises(jf.InputError, match=r"src_lang must not be set: the tokenizer, .* has no languages"):
        tokenizer.src_lang = "en_XX"
    assert tokenizer.src_lang is None
    mbart = jf.AutoTokenizer.from_pretrained(languages.named("mbart").write(tmp_path))
    with pytest.raises(jf.InputError, match="src_lang must be a language of the vocabulary, got 'english'"):
        mbart.src_lang = "english"


def test_a_trained_tokenizer_is_saved(tmp_path):
    made = fresh().train_new_from_iterator([TRAINED[:20], TRAINED[20:]], 100)
    made.save_pretrained(tmp_path)
    again = jf.AutoTokenizer.from_pretrained(tmp_path)
    assert again("learn the words") == made("learn the words")
    assert again.mask_token == "[MASK]"


def test_to_arrays_later(tokenizer):
    out = tokenizer(BATCH, padding=True).convert_to_tensors("np")
    np.testing.assert_array_equal(out.input_ids, tokenizer(BATCH, padding=True, return_tensors="np").input_ids)
    assert tokenizer(ONE).convert_to_tensors("np").input_ids.ndim == 1
    assert tokenizer(ONE).convert_to_tensors("np", prepend_batch_axis=True).input_ids.ndim == 2
    padded = tokenizer.pad([{"input_ids": [1]}, {"input_ids": [2, 3]}], return_tensors="np")
    np.testing.assert_array_equal(padded.attention_mask, [[1, 0], [1, 1]])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("given", [(BATCH,), (BATCH, BATCH[::-1])], ids=["texts", "pairs"])
@pytest.mark.parametrize("overflows", [False, True])
def test_encodings_are_padded_as_the_library_pads_them(tokenizer, side, given, overflows):
    options = {"truncation": True, "max_length": 9, "pad_to_multiple_of": 3, "return_overflowing_tokens": overflows}
    options |= {"return_special_tokens_mask": True, "return_offsets_mapping": True, "return_token_type_ids": True}
    found = tokenizer(*given, padding=True, padding_side=side, **options)
    library = tokenizers.Tokenizer.from_str(tokenizer.backend.to_str())
    library.enable_truncation(9)
    token = {"pad_id": tokenizer.pad_token_id, "pad_token": tokenizer.pad_token}
    library.enable_padding(direction=side, pad_to_multiple_of=3, **token)
    rows = library.encode_batch(list(zip(*given, strict=True)) if len(given) > 1 else given[0])
    rows = [one for row in rows for one in ((row, *row.overflowing) if overflows else (row,))]
    names = {"input_ids": "ids", "token_type_ids": "type_ids", "offset_mapping": "offsets"}
    for name in found.keys() - {"overflow_to_sample_mapping"}:
        assert found[name] == [getattr(row, names.get(name, name)) for row in rows]
    arrays = tokenizer(*given, padding=True, padding_side=side, return_tensors="np", **options)
    for name, array in arrays.items():
        assert array.dtype == np.int64
        np.testing.assert_array_equal(array, found[name])
    for one, row in zip(found.encodings, rows, strict=True):
        assert [one.ids, one.tokens, one.offsets] == [row.ids, row.tokens, row.offsets]
        assert [e.tokens for e in one.overflowing] == [e.tokens for e in row.overflowing]


def test_targets_alone(tokenizer):
    assert tokenizer(text_target=ONE) == tokenizer(ONE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 9, "truncation": True, "stride": 7}, "stride must be from 0 to below the 7 tokens"),
        ({"max_length": 9, "truncation": True, "stride": -1}, "stride must be from 0 to below"),
        (
            {"max_length": 9, "truncation": True, "truncation_side": "top"},
            "truncation_side must be one of left, right",
        ),
        (
            {"max_length": 9, "truncation": True, "padding": True, "pad_to_multiple_of": 4},
            "max_length must be a multiple of pad_to_multiple_of to be cut to, got 9 and 4",
        ),
        ({"padding": True, "pad_to_multiple_of": -8}, "pad_to_multiple_of must be a positive integer, got -8"),
        ({"return_tensors": "pt"}, "return_tensors must be None, 'np' or 'jax', got 'pt'"),
    ],
)
def test_bad_options(tokenizer, options, message):
    with pytest.raises(jf.InputError, match=message):
        tokenizer(ONE, **options)


def test_bad_changes(tokenizer):
    with pytest.raises(jf.InputError, match="text or text_target must be given"):
        tokenizer()
    with pytest.raises(jf.InputError, match=r"roles must be of bos_token, .* got 'end_token'"):
        tokenizer.add_special_tokens({"end_token": "</s>"})
    for token in ("", 3):
        with pytest.raises(jf.InputError, match="a token must be a text that is not empty"):
            tokenizer.add_tokens([token])
    with pytest.raises(jf.InputError, match="input_ids must be given, got labels"):
        tokenizer.pad({"labels": [[1]]})
    with pytest.raises(TypeError, match="unexpected keyword argument 'paddin'"):
        tokenizer(ONE, paddin=True)
