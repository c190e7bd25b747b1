"""SentencePiece model files: what is read of them, what is refused, and the languages of translation models."""

import json
import pickle
import random
import shutil

import pytest
from text.case import FILES
from text.corpus import STRINGS

import jaxformers as jf
from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.formats import sentencepiece_languages as languages
from jaxformers.tokenization.formats import sentencepiece_model as reader


def write(directory, model, name, kind, **settings):
    """A checkpoint of one model file, a path or bytes."""
    if isinstance(model, bytes):
        (directory / name).write_bytes(model)
    else:
        shutil.copy(FILES / model, directory / name)
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind, **settings}))
    return directory


def load(directory, model, name="spiece.model", kind="T5Tokenizer", **settings):
    return jf.AutoTokenizer.from_pretrained(write(directory, model, name, kind, **settings))


def test_a_model_is_read():
    model = reader.read(FILES / "gemma.model")
    assert model.texts[:5] == ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    assert model.kinds[:5] == (reader.CONTROL,) * 3 + (reader.UNKNOWN, reader.USER_DEFINED)
    assert model.kinds[model.texts.index("<0x41>")] == reader.BYTE
    assert (model.algorithm, model.byte_fallback, model.unk_id, model.unk_piece) == (reader.BPE, True, 3, "<unk>")
    assert (model.remove_extra_whitespaces, model.add_dummy_prefix, model.charsmap) == (False, True, b"")
    assert (len(model.texts), model.scores[-1]) == (1200, -932.0)


def test_a_table_of_characters_is_read():
    model = reader.read(FILES / "fairseq-nmt-nfkc.model")
    assert (model.algorithm, model.byte_fallback, model.unk_id) == (reader.UNIGRAM, False, 0)
    assert (len(model.charsmap), model.remove_extra_whitespaces) == (240007, True)
    assert round(model.scores[3], 6) == -2.251498


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path, "t5.model", "other.model", "T5Tokenizer")
    with pytest.raises(CheckpointError, match=r"must hold tokenizer.json or spiece.model; it holds other.model"):
        jf.AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("model", ["t5.model", "llama.model", "fairseq-nmt-nfkc.model"])
def test_a_file_cut_short_is_refused(tmp_path, model, share):
    data = (FILES / model).read_bytes()
    with pytest.raises(
        CheckpointError, match=r"spiece.model: must be a SentencePiece model: .*; fetch or save it again"
    ):
        load(tmp_path, data[: int(len(data) * share)])


@pytest.mark.parametrize("data", [b"version https://git-lfs.github.com/spec/v1\n", b"{}", b"\x00" * 99, b"\xff" * 99])
def test_another_file_is_refused(tmp_path, data):
    with pytest.raises(CheckpointError, match=r"spiece.model: must be a SentencePiece model: "):
        load(tmp_path, data)


def test_another_algorithm_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"spiece.model: must be trained with the unigram or the bpe algorithm"):
        load(tmp_path, "char.model")


@pytest.mark.parametrize("model", ["t5.model", "llama.model"])
def test_mutated_files_give_a_tokenizer_or_the_error(tmp_path, model):
    rng, data, refused = random.Random(0), (FILES / model).read_bytes(), 0
    for _ in range(200):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 4, 30))):
            at = rng.randrange(len(changed))
            if rng.random() < 0.3:
                at = rng.randrange(max(len(changed) - 1500, 0), len(changed))  # trainer, table of characters
            changed[at] = rng.randrange(256)
        if rng.random() < 0.2:
            start = rng.randrange(len(changed))
            del changed[start : start + rng.randrange(1, 40)]
        try:
            tokenizer = load(tmp_path, bytes(changed))
        except CheckpointError:
            refused += 1
            continue
        for text in STRINGS[:60]:
            tokenizer.decode(tokenizer(text)["input_ids"])
    assert 0 < refused < 200


def test_a_mutated_table_of_characters_gives_a_tokenizer_or_the_error(tmp_path):
    rng, data, refused = random.Random(1), (FILES / "fairseq-nmt-nfkc.model").read_bytes(), 0
    for _ in range(30):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 10, 300))):
            changed[rng.randrange(len(data) - 240_000, len(data))] = rng.randrange(256)
        try:
            tokenizer = load(tmp_path, bytes(changed))
        except CheckpointError:
            refused += 1
            continue
        for text in STRINGS[:80]:
            tokenizer(text)
    assert 0 < refused <= 30


def test_settings_are_checked(tmp_path):
    with pytest.raises(CheckpointError, match=r"extra_ids must be a whole number of at least 0, got 'many'"):
        load(tmp_path, "t5.model", extra_ids="many")
    with pytest.raises(CheckpointError, match=r"bos_token must be text, as it is added"):
        load(tmp_path, "llama.model", "tokenizer.model", "LlamaTokenizer", bos_token=None)


def test_deberta_in_lower_case(tmp_path):
    tokenizer = load(tmp_path, "deberta.model", "spm.model", "DebertaV2Tokenizer", do_lower_case=True)
    assert tokenizer("HELLO World")["input_ids"] == tokenizer("hello world")["input_ids"]


def test_what_is_built_can_be_saved(tmp_path):
    built = load(tmp_path, "fairseq-nmt-nfkc.model", "sentencepiece.bpe.model", "XLMRobertaTokenizer")
    built.save_pretrained(tmp_path / "saved")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again(STRINGS)["input_ids"] == built(STRINGS)["input_ids"]


MBART = ("identity.model", "sentencepiece.bpe.model", "MBartTokenizer")
NLLB = ("identity.model", "sentencepiece.bpe.model", "NllbTokenizer")


@pytest.mark.parametrize(
    ("stem", "files", "language", "settings", "target", "wanted"),
    [
        ("mbart", MBART, "ro_RO", {}, False, "{text} </s> ro_RO"),
        ("mbart", MBART, "ro_RO", {}, True, "{text} </s> ro_RO"),
        ("mbart50", (*MBART[:2], "MBart50Tokenizer"), "gl_ES", {}, True, "gl_ES {text} </s>"),
        ("nllb", NLLB, "zul_Latn", {}, False, "zul_Latn {text} </s>"),
        ("nllb", NLLB, "zul_Latn", {"legacy_behaviour": True}, True, "{text} </s> zul_Latn"),
    ],
)
def test_languages_are_switched(tmp_path, stem, files, language, settings, target, wanted):
    tokenizer = load(tmp_path, *files, **settings)
    plain = " ".join(tokenizer.tokenize("Hello world!"))
    languages.switch(tokenizer.backend, stem, language, settings, target)
    assert " ".join(tokenizer.tokenize("Hello world!", add_special_tokens=True)) == wanted.format(text=plain)


def test_seamless_marks_what_the_decoder_writes(tmp_path):
    more = {"additional_special_tokens": ["__eng__", "__fra__"]}
    tokenizer = load(tmp_path, *MBART[:2], "SeamlessM4TTokenizer", **more)
    assert tokenizer.tokenize("a", add_special_tokens=True)[0] == "__eng__"
    languages.switch(tokenizer.backend, "seamlessm4t", "fra", more, target=True)
    assert tokenizer.tokenize("a", add_special_tokens=True)[:2] == ["</s>", "__fra__"]


def test_unknown_languages_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"src_lang must be a language of the vocabulary, got 'de'; nearest: de_DE"):
        load(tmp_path, *MBART, src_lang="de")


MARIAN = {"source.spm": "fairseq-nmt-nfkc.model", "target.spm": "identity.model", "vocab.json": "marian.json"}
M2M100 = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model", "vocab.json": "m2m100.json"}


def slow(directory, files, kind, **settings):
    for name, held in files.items():
        shutil.copy(FILES / held, directory / name)
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind, **settings}))
    return jf.AutoTokenizer.from_pretrained(directory)


@pytest.mark.parametrize("name", MARIAN)
def test_marian_needs_all_its_files(tmp_path, name):
    with pytest.raises(CheckpointError, match=f"must hold tokenizer.json or {name}"):
        slow(tmp_path, {k: v for k, v in MARIAN.items() if k != name}, "MarianTokenizer")


def test_what_classes_do_not_compute_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="separate_vocabs must be false"):
        slow(tmp_path, MARIAN, "MarianTokenizer", separate_vocabs=True)
    with pytest.raises(CheckpointError, match="normalize must be false"):
        slow(tmp_path, {"spm_char.model": "char.model"}, "SpeechT5Tokenizer", normalize=True)
    with pytest.raises(CheckpointError, match=r"lang_codes must be mustc, and tgt_lang one of pt, .*'mustc' and 'xx'"):
        slow(tmp_path, M2M100, "Speech2TextTokenizer", lang_codes="mustc", tgt_lang="xx")
    with pytest.raises(CheckpointError, match="language_codes must be one of m2m100, wmt21, got 'all'"):
        slow(tmp_path, M2M100, "M2M100Tokenizer", language_codes="all")
    with pytest.raises(CheckpointError, match="must hold the special tokens; <PAD> are missing"):
        slow(tmp_path, M2M100, "M2M100Tokenizer", pad_token="<PAD>")


@pytest.mark.parametrize(
    ("number", "message", "what"),
    [(2, b"\xc0\x01\x01", "put spaces behind words"), (5, b"\x12\x01A", "change the characters of decoded text")],
)
def test_models_that_work_otherwise_are_refused(tmp_path, number, message, what):
    data = (FILES / "identity.model").read_bytes() + bytes([number << 3 | 2, len(message)]) + message
    with pytest.raises(CheckpointError, match=f"spiece.model: must not {what}"):
        load(tmp_path, data, kind="BertGenerationTokenizer")


def test_m2m100_switches_languages(tmp_path):
    tokenizer = slow(tmp_path, M2M100, "M2M100Tokenizer")
    plain = tokenizer.tokenize("Hello world!")
    for language, target in (("de", False), ("zu", True)):
        languages.switch(tokenizer.backend, "m2m100", language, {}, target)
        wanted = [f"__{language}__", *plain, "</s>"]
        assert tokenizer.tokenize("Hello world!", add_special_tokens=True) == wanted
    with pytest.raises(InputError, match="tgt_lang must be a language of the vocabulary, got 'xx'"):
        languages.switch(tokenizer.backend, "m2m100", "xx", {}, target=True)


def test_marian_cuts_translations_with_their_own_model(tmp_path):
    tokenizer = slow(tmp_path, MARIAN, "MarianTokenizer")
    text = "\ufb01ne  text"  # a ligature, which only the model of the source takes apart
    assert tokenizer.tokenize(text)[:2] == ["\u2581", "fi"]
    languages.switch(tokenizer.backend, "marian", None, {}, target=True)
    assert tokenizer.tokenize(text)[:2] == ["\u2581", "\ufb01"]
    languages.switch(tokenizer.backend, "marian", None, {})
    assert tokenizer.tokenize(text)[:2] == ["\u2581", "fi"]


def test_exact_models_can_be_sent_to_other_processes(tmp_path):
    tokenizer = slow(tmp_path, MARIAN, "MarianTokenizer")
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again(STRINGS[:90])["input_ids"] == tokenizer(STRINGS[:90])["input_ids"]
    assert tokenizer.backend.files["source.spm"] == (FILES / "fairseq-nmt-nfkc.model").read_bytes()
