"""Japanese tokenizers: what they refuse, libraries that not everyone has, and Juman++, which is a program."""

import copy
import json
import pickle
import re
import sys

import pytest
from text.case import cases

import jaxformers as jf

CASES = {case.name.removeprefix("bert-japanese-"): case for case in cases() if "japanese" in case.name}
TEXT = "こんにちは世界！ 日本語 Hello"
JUMAN = """#!{python}
import sys
for line in sys.stdin:
    for c in line.strip():  # every letter is a word
        print(c, c, c, "名詞 6 普通名詞 1 * 0 * 0 NIL")
    print("EOS", flush=True)
"""


def load(directory, name, **settings):
    directory.mkdir(exist_ok=True)
    file = CASES[name].write(directory) / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return jf.AutoTokenizer.from_pretrained(directory)


@pytest.mark.parametrize("name", ["basic-lower", "mecab", "sudachi", "pieces-mecab", "gptsan-japanese"])
def test_pickled_and_copied_ones_are_the_same(name, tmp_path):
    tokenizer = load(tmp_path, name)
    ids = tokenizer(TEXT).input_ids
    for other in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert other(TEXT).input_ids == ids
        assert other.decode(ids) == tokenizer.decode(ids)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        (
            "basic",
            {"word_tokenizer_type": "kytea"},
            "word_tokenizer_type must be one of basic, mecab, sudachi, jumanpp",
        ),
        ("basic", {"subword_tokenizer_type": "bpe"}, "must be one of wordpiece, character, sentencepiece, got 'bpe'"),
        ("basic", {"subword_tokenizer_type": "sentencepiece"}, "must hold tokenizer.json or spiece.model"),
        ("basic", {"never_split": "x"}, "never_split must be a list of words, got 'x'"),
        ("mecab", {"mecab_kwargs": [1]}, "mecab_kwargs must be an object, got [1]"),
        ("mecab", {"mecab_kwargs": {"dic": 1}}, "must be of normalize_text, mecab_dic, mecab_option, got 'dic'"),
        ("mecab", {"mecab_kwargs": {"mecab_dic": "juman"}}, "null or one of ipadic, unidic_lite, unidic, got 'juman'"),
        (
            "mecab",
            {"mecab_kwargs": {"mecab_dic": None, "mecab_option": "-d /no"}},
            "must name a dictionary that MeCab",
        ),
        ("sudachi", {"sudachi_kwargs": {"sudachi_split_mode": "D"}}, "must be one of A, B, C, got 'D'"),
        ("sudachi", {"sudachi_kwargs": {"sudachi_dict_type": "/no"}}, "must name a dictionary that Sudachi reads"),
        ("basic", {"word_tokenizer_type": "jumanpp"}, "needs the program jumanpp, which does not run"),
    ],
)
def test_settings_that_can_not_be(name, settings, words, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(jf.CheckpointError, match=re.escape(words)):
        load(tmp_path / "made", name, **settings)


@pytest.mark.parametrize(("kind", "library"), [("mecab", "fugashi"), ("sudachi", "sudachipy"), ("jumanpp", "rhoknp")])
def test_the_extra_is_named(kind, library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(jf.InputError, match=rf"{library} package.*pip install 'jaxformers\[japanese\]'"):
        load(tmp_path, "basic", word_tokenizer_type=kind)


def test_a_dictionary_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "unidic_lite", None)
    with pytest.raises(jf.InputError, match=r"unidic_lite package.*pip install unidic_lite, or set mecab_dic to null"):
        load(tmp_path, "mecab", mecab_kwargs={})


def test_words_of_juman_are_taken(tmp_path, monkeypatch):
    program = tmp_path / "jumanpp"
    program.write_text(JUMAN.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    tokenizer = load(tmp_path / "made", "whole", word_tokenizer_type="jumanpp", do_lower_case=True)
    assert tokenizer.tokenize(" 世界ＡＢ ") == ["世", "界", "a", "b"]


def test_batches_of_gptsan_are_its_rows(tmp_path):
    """The reference's own batches end in a TypeError."""
    made = load(tmp_path, "gptsan-japanese")
    rows = made(["世界", "日本語のa"], prefix_text="b", padding=True)
    singles = [made(text, prefix_text="b") for text in ("世界", "日本語のa")]
    assert [
        [i for i, m in zip(*row, strict=True) if m] for row in zip(rows.input_ids, rows.attention_mask, strict=True)
    ] == [single.input_ids for single in singles]
    pairs = [("こんにちは", "世界"), ("日本", "")]
    wanted = [made(second, prefix_text=first).input_ids for first, second in pairs]
    assert made([first for first, _ in pairs], [second for _, second in pairs]).input_ids == wanted
    assert made(pairs).input_ids == wanted
    assert made([list(pair) for pair in pairs]).input_ids == [made(*pair).input_ids for pair in pairs]
    assert made(pairs, padding=True, return_tensors="np").token_type_ids[0].tolist() == [1] * 4 + [0] * 2
    with pytest.raises(jf.InputError, match="prefix_text must be a string, got 3"):
        made("世界", prefix_text=3)
    with pytest.raises(jf.InputError, match="text must be a string, got 3"):
        made(3)


@pytest.mark.parametrize("text", ["[]", "{", '{"emoji": {}}', '{"emoji": {"a": 1}, "emoji_inv": {}}'])
def test_emoji_must_be_pictures_and_tokens(text, tmp_path):
    load(tmp_path, "gpt-neox-japanese")
    (tmp_path / "emoji.json").write_text(text)
    with pytest.raises(jf.CheckpointError, match=r"emoji\.json: must hold an object of emoji"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "emoji.json").unlink()
    with pytest.raises(jf.CheckpointError, match=r"must hold tokenizer\.json or emoji\.json"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
