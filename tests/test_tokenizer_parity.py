"""Every class of tokenizer, on more than 500 awkward texts: ids, offsets and texts are the reference's."""

import itertools
import warnings

import pytest
from text.case import GOLDENS, cases, observe, unpack
from text.corpus import PAIRS, STRINGS

import jaxformers as jf


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    same(jf.AutoTokenizer.from_pretrained(case.write(tmp_path)), case)


def same(tokenizer, case):
    wanted = unpack(GOLDENS / f"{case.name}.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = observe(tokenizer, case)
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        texts = PAIRS if name in ("pairs", "types") else STRINGS
        assert len(rows) == len(texts)
        differ = [(t, g, w) for t, g, w in zip(texts, found[name], rows, strict=True) if g != w]
        shown = "\n".join(f"{t!r}\n   got    {g!r}\n   wanted {w!r}" for t, g, w in itertools.islice(differ, 5))
        assert not differ, f"{name} of {len(differ)} of {len(rows)} texts:\n{shown}"


def test_every_golden_has_its_case():
    assert {p.stem for p in GOLDENS.glob("*.npz")} == {case.name for case in cases()}


@pytest.mark.parametrize(
    ("first", "name"),
    [
        ("bert", "bert-cased"),
        ("cohere", "cohere-space"),
        ("gemma", "gemma-ends"),
        ("gpt-neox", "gpt-neox-ends"),
        ("gpt2", "gpt2-space"),
        ("llama", "llama-ends"),
        ("mbart", "mbart-german"),
        ("roberta", "roberta-space"),
    ],
)
def test_settings_go_before_tokenizer_json(first, name, tmp_path):
    """As the reference gives it for older files and settings, tokenizer.json and those settings give it, too."""
    by_name = {case.name: case for case in cases()}
    (tmp_path / "older").mkdir()
    jf.AutoTokenizer.from_pretrained(by_name[first].write(tmp_path / "older")).save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "tokenizer.json").is_file()
    same(jf.AutoTokenizer.from_pretrained(tmp_path / "saved", **by_name[name].settings), by_name[name])


@pytest.mark.parametrize(
    ("first", "name", "file"), [("t5", "t5-bare", "spiece"), ("llama", "llama-bare", "tokenizer")]
)
def test_spaces_in_front_are_of_the_older_files(first, name, file, tmp_path):
    by_name = {case.name: case for case in cases()}
    (tmp_path / "older").mkdir()
    jf.AutoTokenizer.from_pretrained(by_name[first].write(tmp_path / "older")).save_pretrained(tmp_path / "saved")
    model = f"{file}.model"
    (tmp_path / "saved" / model).write_bytes((tmp_path / "older" / model).read_bytes())
    settings = {k: v for k, v in by_name[name].settings.items() if k != "added_tokens_decoder"}
    found = jf.AutoTokenizer.from_pretrained(tmp_path / "saved", **settings)
    (tmp_path / "other").mkdir()
    by_name[first].write(tmp_path / "other")
    wanted = jf.AutoTokenizer.from_pretrained(tmp_path / "other", **settings)
    assert found("A cheetah runs.") == wanted("A cheetah runs.")
    assert found.tokenize("A cheetah runs.") != jf.AutoTokenizer.from_pretrained(tmp_path / "saved").tokenize(
        "A cheetah runs."
    )


def test_classes_have_settings_where_tokenizer_json_is_alone(tmp_path):
    """BERT's class makes letters small unless it is told otherwise, as the reference's does."""
    by_name = {case.name: case for case in cases()}
    (tmp_path / "older").mkdir()
    cased = jf.AutoTokenizer.from_pretrained(by_name["bert-cased"].write(tmp_path / "older"))
    cased.save_pretrained(tmp_path / "saved")
    same(jf.AutoTokenizer.from_pretrained(tmp_path / "saved"), by_name["bert-cased"])
    (tmp_path / "saved" / "tokenizer_config.json").unlink()
    (tmp_path / "saved" / "config.json").write_text('{"model_type": "bert"}')
    found = jf.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert found(STRINGS).input_ids == unpack(GOLDENS / "bert.npz")["ids"]
