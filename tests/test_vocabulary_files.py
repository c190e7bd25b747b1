"""Tokenizers built from the files of early checkpoints: what is refused, and how those in Python behave."""

import copy
import importlib
import json
import pickle
import sys

import pytest
from text.case import FILES, cases

import jaxformers as jf

CASES = {case.name: case for case in cases()}
BYTES = [
    "bert",
    "gpt2",
    "roberta",
    "clip",
    "tiktoken",
    "openai-gpt",
    "herbert",
    "ctrl",
    "phobert",
    "xlm",
    "fsmt",
    "esm",
    "mgp-str",
    "wav2vec2",
    "vits",
]


def write(directory, name, **settings):
    """The files of a case, with other settings; None takes one away, so that its class's own holds."""
    CASES[name].write(directory)
    file = directory / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return directory


def load(directory):
    return jf.AutoTokenizer.from_pretrained(directory)


def refused(directory, *words):
    with pytest.raises(jf.CheckpointError) as error:
        load(directory)
    for word in words:
        assert word in str(error.value)
    return str(error.value)


def test_every_vocabulary_has_its_maker(monkeypatch):
    folder = FILES.parents[1]
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    assert set(importlib.import_module("make_vocabularies").makers()) == {file.name for file in FILES.iterdir()}


@pytest.mark.parametrize("name", BYTES)
def test_every_file_must_be_there(name, tmp_path):
    for file in CASES[name].files:
        directory = tmp_path / file.replace(".", "-")
        directory.mkdir()
        write(directory, name)
        (directory / file).unlink()
        refused(directory, str(directory), f"must hold tokenizer.json or {file}")


JSON = ["gpt2", "roberta", "clip", "qwen2", "openai-gpt", "herbert", "ctrl", "xlm", "mgp-str", "wav2vec2", "vits"]


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"a": "b"}', '{"a": -1}', '{"a": 4294967296}', '{"a": 1.5}', "[" * 9999]
)
def test_a_vocabulary_must_be_an_object_of_ids(name, text, tmp_path):
    write(tmp_path, name)
    (tmp_path / "vocab.json").write_text(text)
    refused(tmp_path, "vocab.json", "must hold one JSON object")


@pytest.mark.parametrize("name", BYTES)
def test_files_must_be_text(name, tmp_path):
    for file in CASES[name].files:
        write(tmp_path, name)
        (tmp_path / file).write_bytes(b"\xff\xfe\x00\xd8")
        refused(tmp_path, file, "must")


@pytest.mark.parametrize("name", ["gpt2", "roberta", "clip", "qwen2", "openai-gpt", "herbert", "ctrl", "xlm", "fsmt"])
@pytest.mark.parametrize("line", ["lonely", "a b c d"])
def test_merges_must_be_pairs(name, line, tmp_path):
    file = write(tmp_path, name) / "merges.txt"
    file.write_text(f"#version: 0.2\ne n\n{line}\n") if name not in ("xlm", "fsmt") else file.write_text(f"{line}\n")
    refused(tmp_path, "merges.txt", "must be a pair of tokens", repr(line))


def test_merges_name_their_line(tmp_path):
    (write(tmp_path, "gpt2") / "merges.txt").write_text("#version: 0.2\n" + "e r\n" * 6 + "x\n")
    refused(tmp_path, "line 8 must be a pair of tokens, got 'x'")
    (write(tmp_path, "phobert") / "bpe.codes").write_text("e r\n")
    assert load(tmp_path)("here").input_ids  # the count may be missing
    (tmp_path / "bpe.codes").write_text("e\n")
    refused(tmp_path, "bpe.codes", "line 1 must be a pair of tokens, got 'e'")


@pytest.mark.parametrize("name", ["gpt2", "roberta", "clip", "qwen2", "openai-gpt", "herbert"])
def test_merges_must_be_of_the_vocabulary(name, tmp_path):
    (write(tmp_path, name) / "merges.txt").write_text("#version: 0.2\nqq zz\n")
    refused(
        tmp_path, "merges.txt", "merge 'qq' 'zz' needs 'qq', 'zz', 'qqzz' in the vocabulary", "the same checkpoint"
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("bert", "[UNK], [SEP], [CLS]"),
        ("splinter", "[UNK], [SEP], [CLS], [QUESTION], ."),
        ("whisper", "<|startoftranscript|>, <|notimestamps|>, <|endoftext|>"),
        ("herbert", "<unk>, </s>, <s>"),
        ("deberta", "[CLS], [SEP]"),
        ("roberta", "</s>, <s>"),
        ("clip", "<|endoftext|>, <|startoftext|>"),
        ("ctrl", "<unk>"),
        ("xlm", "<unk>"),
        ("esm", "<unk>, <cls>"),
        ("mgp-str", "[GO]"),
        ("wav2vec2", "<unk>"),
        ("vits", "<unk>"),
    ],
)
def test_special_tokens_must_be_in_the_vocabulary(name, missing, tmp_path):
    write(tmp_path, name, additional_special_tokens=[])
    if "vocab.json" in CASES[name].files:
        (tmp_path / "vocab.json").write_text(json.dumps({"a": 0}))
        (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    else:
        (tmp_path / "vocab.txt").write_text("a\n")
    refused(tmp_path, f"must hold the special tokens; {missing} are missing")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("bert", "cls"), ("roberta", "sep"), ("clip", "bos"), ("blenderbot", "eos"), ("herbert", "unk"),
        ("xlm", "bos"), ("phobert", "pad"), ("byt5", "eos"), ("perceiver", "mask"), ("canine", "cls"),
        ("esm", "cls"), ("vits", "unk"),
    ],
)  # fmt: skip
def test_a_class_has_the_special_tokens_that_it_needs(name, role, tmp_path):
    write(tmp_path, name, **{f"{role}_token": None})
    refused(tmp_path, "tokenizer_config.json", f"must not set {role}_token to null")
    write(tmp_path, name, **{f"{role}_token": 5})
    refused(tmp_path, "tokenizer_config.json", "a special token must be a text", "got 5")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("bertweet", {"normalization": True}, "normalization must be false"),
        ("fsmt", {"langs": ["en"]}, "langs must be the source and the target language, got ['en']"),
        ("byt5", {"extra_ids": -1}, "extra_ids must be a whole number of at least 0, got -1"),
        ("wav2vec2-german", {"target_lang": "fra"}, "must hold an entry 'fra'; it has deu, eng"),
        ("bert", {"do_lower_case": "yes"}, "do_lower_case must be true or false, got 'yes'"),
        ("bert", {"strip_accents": 1}, "strip_accents must be true or false, got 1"),
        ("roberta", {"trim_offsets": []}, "trim_offsets must be true or false, got []"),
        ("wav2vec2", {"replace_word_delimiter_char": True}, "replace_word_delimiter_char must be a text, got True"),
        ("gpt2", {"additional_special_tokens": "<x>"}, "additional_special_tokens must be a list, got '<x>'"),
        ("gpt2", {"added_tokens_decoder": [1]}, "added_tokens_decoder must be an object of id: token"),
        ("xlm", {"added_tokens_decoder": {"x": "y"}}, "added_tokens_decoder must be an object of id: token"),
    ],
)
def test_settings_that_can_not_be(name, settings, words, tmp_path):
    refused(write(tmp_path, name, **settings), words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IQ==\n", "line 1 must be a token in base 64, new, and its rank, got 'IQ=='"),
        ("I$== 0\n", "line 1 must be a token in base 64"),
        ("IQ== x\n", "line 1 must be a token in base 64"),
        ("IQ== 0\nIQ== 1\n", "line 2 must be a token in base 64, new"),
        ("IQ== 0\n", "must hold every single byte, 0 is missing"),
    ],
)
def test_a_list_of_ranks_must_be_one(text, words, tmp_path):
    (write(tmp_path, "tiktoken") / "tokenizer.model").write_text(text)
    refused(tmp_path, "tokenizer.model", words)


def test_ranks_must_differ(tmp_path):
    (write(tmp_path, "tiktoken") / "tokenizer.model").write_text((FILES / "ranks.tiktoken").read_text() + "AAAA 5\n")
    refused(tmp_path, "must give each token a rank of its own")


def test_added_tokens_json_is_read(tmp_path):
    write(tmp_path, "gpt2")
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<pad>": 902, "wide": 901}))
    tokenizer = load(tmp_path)
    added = tokenizer.backend.get_added_tokens_decoder()
    vocab = len(json.loads((FILES / "gpt2.json").read_text()))
    assert [added[i].content for i in (vocab, vocab + 1)] == ["wide", "<pad>"]
    (tmp_path / "added_tokens.json").write_text("[]")
    refused(tmp_path, "added_tokens.json", "must hold one JSON object")


def test_line_ends_do_not_matter(tmp_path):
    text = "Größenmaßstäbe über don't 😀"
    wanted = load(write(tmp_path, "bert"))(text).input_ids
    (tmp_path / "vocab.txt").write_bytes((tmp_path / "vocab.txt").read_bytes().replace(b"\n", b"\r\n"))
    assert load(tmp_path)(text).input_ids == wanted


# ------------------------------------------------------------------------------------------------------ in Python

PYTHON = [
    "byt5",
    "perceiver",
    "canine",
    "esm",
    "mgp-str",
    "wav2vec2",
    "vits",
    "ctrl",
    "blenderbot-small",
    "phobert",
    "xlm",
    "biogpt",
    "fsmt",
]
TEXT = "The quick brown fox don't jump <mask> over é 日本"


@pytest.mark.parametrize("name", PYTHON)
def test_pickled_and_copied_ones_are_the_same(name, tmp_path):
    tokenizer = load(write(tmp_path, name))
    ids = tokenizer(TEXT).input_ids
    for other in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert other(TEXT).input_ids == ids
        assert other.decode(ids) == tokenizer.decode(ids)
        assert len(other) == len(tokenizer) == len(tokenizer.get_vocab())


@pytest.mark.parametrize("name", ["canine", "phobert", "esm", "byt5"])
def test_rows_are_cut_and_padded(name, tmp_path):
    tokenizer = load(write(tmp_path, name, model_max_length=1000))
    bare = tokenizer(TEXT, add_special_tokens=False).input_ids
    whole = tokenizer(TEXT).input_ids
    start, end = whole[: whole.index(bare[0])], whole[-1:]
    room = 12 - len(start) - len(end)
    assert tokenizer(TEXT, truncation=True, max_length=12).input_ids == [*start, *bare[:room], *end]
    rows = tokenizer([TEXT, "a"], padding=True, pad_to_multiple_of=8)
    assert {len(row) % 8 for row in rows.input_ids} == {0} == {len(row) % 8 for row in rows.attention_mask}
    assert rows.input_ids[0][: len(whole)] == whole
    short = tokenizer("a").input_ids
    assert rows.input_ids[1] == short + [tokenizer.pad_token_id] * (len(rows.input_ids[1]) - len(short))
    assert rows.attention_mask[1] == [1] * len(short) + [0] * (len(rows.input_ids[1]) - len(short))
    left = tokenizer([TEXT, "a"], padding=True, padding_side="left")
    assert left.input_ids[1][-len(short) :] == short
    assert left.attention_mask[1][: -len(short)] == [0] * (len(left.input_ids[0]) - len(short))


@pytest.mark.parametrize(
    ("rule", "lengths"),
    [("only_first", (4, 6)), ("only_second", (8, 2)), ("longest_first", (5, 5))],
)
@pytest.mark.parametrize("side", ["right", "left"])
def test_pairs_are_cut(rule, lengths, side, tmp_path):
    """10 of 14 letters are kept; which, the strategy says."""
    tokenizer = load(write(tmp_path, "canine", truncation_side=side))
    first, second = "abcdefgh", "uvwxyz"
    kept = [t[:n] if side == "right" else t[len(t) - n :] for t, n in zip((first, second), lengths, strict=True)]
    out = tokenizer(first, second, truncation=rule, max_length=13)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert out.input_ids == [cls, *map(ord, kept[0]), sep, *map(ord, kept[1]), sep]
    assert out.token_type_ids == [0] * (len(kept[0]) + 2) + [1] * (len(kept[1]) + 1)


def test_what_is_cut_off_follows_in_windows(tmp_path):
    backend = load(write(tmp_path, "canine")).backend
    backend.enable_truncation(6, stride=1)
    row = backend.encode_batch(["abcdefghi"])[0]
    texts = ["".join(map(chr, e.ids[1:-1])) for e in (row, *row.overflowing)]
    assert texts == ["abcd", "defg", "ghi"]
    backend.enable_truncation(6, stride=4)
    with pytest.raises(ValueError, match="stride must be less than the 4 tokens of a window, got 4"):
        backend.encode_batch(["abcdefghi"])


def test_a_text_may_be_too_short_to_be_cut(tmp_path):
    tokenizer = load(write(tmp_path, "canine"))
    with pytest.raises(jf.InputError, match="must have at least the 7 tokens too many, got 2"):
        tokenizer("ab", "c" * 10, truncation="only_first", max_length=8)


def test_places_in_text_are_not_known(tmp_path):
    tokenizer = load(write(tmp_path, "canine"))
    with pytest.raises(jf.InputError, match="offsets must not be asked"):
        tokenizer("ab", return_offsets_mapping=True)
    with pytest.raises(jf.InputError, match="word_ids must not be asked"):
        tokenizer("ab").word_ids()
    assert tokenizer("ab", "c").sequence_ids() == [None, 0, 0, None, 1, None]


def test_words_may_be_given(tmp_path):
    tokenizer = load(write(tmp_path, "wav2vec2"))
    words = tokenizer(["AB", "C"], is_split_into_words=True).input_ids
    assert words == tokenizer(" AB C").input_ids
    assert tokenizer.decode(words) == "AB C"


def test_pairs_of_proteins_need_an_end(tmp_path):
    tokenizer = load(write(tmp_path, "esm", eos_token=None))
    assert tokenizer.convert_ids_to_tokens(tokenizer("LAG").input_ids) == ["<cls>", "L", "A", "G"]
    with pytest.raises(jf.InputError, match="eos_token"):
        tokenizer("LAG", "V")


def test_a_text_that_ends_in_its_end_gets_no_other(tmp_path):
    tokenizer = load(write(tmp_path, "byt5"))
    assert tokenizer("a</s>").input_ids == tokenizer("a").input_ids == [100, 1]
    assert tokenizer("a</s>", "b</s>").input_ids == [100, 1, 101, 1]


def test_tokens_may_be_added(tmp_path):
    tokenizer = load(write(tmp_path, "phobert"))
    before = len(tokenizer)
    assert tokenizer.add_tokens(["New York", "<mask>"]) == 1
    assert len(tokenizer) == before + 1
    assert tokenizer.convert_tokens_to_ids("New York") == before
    ids = tokenizer("a New York b", add_special_tokens=False).input_ids
    assert ids[1] == before
    assert tokenizer.decode(ids) == "a New York b"


def test_runs_are_one_letter_and_blanks_part_them(tmp_path):
    tokenizer = load(write(tmp_path, "wav2vec2"))
    heard = [*"HH", "<pad>", *"ELL", "<pad>", "L", *"OO", *"||", "W", "<pad>", "O"]
    ids = tokenizer.convert_tokens_to_ids(heard)
    assert tokenizer.decode(ids) == "HELLO WO"
    assert tokenizer.batch_decode([ids, ids[:3]]) == ["HELLO WO", "H"]


def test_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    with pytest.raises(jf.InputError, match=r"sacremoses.*pip install 'jaxformers\[moses\]'"):
        load(write(tmp_path, "xlm"))
