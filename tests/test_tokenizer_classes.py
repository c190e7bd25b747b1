"""Calls that only some classes have: the reference's values, files, and one clear error for bad input."""

import collections
import dataclasses
import json
import os
import pathlib
import pickle
import sys

import pytest
from calls.classes import GOLDENS, NAMES, code_llama, markuplm, nougat, observe
from text.case import cases

import jaxformers as jf
from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization import kinds, model_types


@pytest.fixture
def load(tmp_path):
    def made(case, **settings):
        directory = tmp_path / case.name
        directory.mkdir(exist_ok=True)
        if case.reference.endswith("Processor"):
            return jf.AutoProcessor.from_pretrained(case.write(directory))
        return jf.AutoTokenizer.from_pretrained(case.write(directory), **settings)

    return made


@pytest.mark.parametrize("name", NAMES)
def test_calls_equal_the_reference(load, name):
    wanted = json.loads((GOLDENS / f"{name}.json").read_text())
    found = json.loads(json.dumps(observe(name, load)))
    assert found.keys() == wanted.keys()
    for call, value in wanted.items():
        assert found[call] == value, call


def test_code_llama_batches_settings_and_files(load, tmp_path):
    made = load(code_llama.CASE)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert type(again) is type(made)
    assert again(code_llama.GAP) == made(code_llama.GAP)
    # The reference leaves gaps of a batch in its texts; here a batch is its rows.
    assert made([code_llama.GAP, "a<FILL_ME>b"]).input_ids == [
        made(t).input_ids for t in (code_llama.GAP, "a<FILL_ME>b")
    ]
    first = load(code_llama.CASE, suffix_first=True)  # which the reference reads and never uses
    assert first(code_llama.GAP) == made(code_llama.GAP, suffix_first=True)
    with pytest.raises(InputError, match="in every row of a batch or in none"):
        made([code_llama.GAP, "plain"])
    with pytest.raises(InputError, match="must hold <FILL_ME> once, got 2"):
        made(code_llama.GAP * 2)
    with pytest.raises(InputError, match="needs prefix_token, middle_token and suffix_token"):
        load(code_llama.CASE, middle_token=None)(code_llama.GAP)


def test_siglip2_reads_gemmas_files(tmp_path):
    case = next(case for case in cases() if case.name == "gemma")
    wanted = jf.AutoTokenizer.from_pretrained(case.write(tmp_path))
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "config.json").write_text('{"model_type": "siglip2"}')
    found = jf.AutoTokenizer.from_pretrained(tmp_path)
    assert found("A cheetah runs.") == wanted("A cheetah runs.")
    assert (found.special_tokens_map, found.padding_side) == (wanted.special_tokens_map, "left")


def test_nougat_refuses_and_is_saved(load, tmp_path):
    made = load(nougat.CASE)
    with pytest.raises(InputError, match="generation must be text, or a list, got 3"):
        made.post_process_generation(["a", 3])
    with pytest.raises(InputError, match="num_workers must be a whole number of at least 1, got 0"):
        made.post_process_generation(["a"], num_workers=0)
    made.save_pretrained(tmp_path / "again")
    assert type(jf.AutoTokenizer.from_pretrained(tmp_path / "again")) is type(made)
    assert made.post_process_generation([]) == []


def test_roformer_is_copied_saved_trained_and_needs_its_library(load, tmp_path, monkeypatch):
    case = next(case for case in cases() if case.name == "roformer")
    made, text = load(case), "我们去公园。Unquick!"
    assert made.tokenize("我们公园") == ["我们", "公园"]
    made.save_pretrained(tmp_path / "again")
    for other in (pickle.loads(pickle.dumps(made)), jf.AutoTokenizer.from_pretrained(tmp_path / "again")):
        assert (type(other), other(text)) == (type(made), made(text))
    learnt = made.train_new_from_iterator(["今天 天气 today"] * 9, 40)
    assert (type(learnt), learnt.tokenize("today")) == (type(made), ["today"])
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(
        CheckpointError, match=r"^tokenizer: this class needs the rjieba library, which is not installed"
    ):
        load(case)


def by_name(name):
    return next(case for case in cases() if case.name == name)


def test_transfo_xl_runs_no_code_of_pickles(load, tmp_path):
    made = load(by_name("transfo-xl"))
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again.get_vocab() == made.get_vocab()
    (tmp_path / "again" / "vocab.txt").unlink()
    file, tokens = tmp_path / "again" / "vocab.pkl", list(made.get_vocab())
    file.write_bytes(pickle.dumps({"idx2sym": tokens, "made": collections.deque([1]), "at": pathlib.Path("x")}))
    assert jf.AutoTokenizer.from_pretrained(tmp_path / "again").convert_tokens_to_ids("the") == tokens.index("the")
    file.write_bytes(pickle.dumps(Stranger(tmp_path / "run")))
    with pytest.raises(CheckpointError, match="must hold a list of tokens, idx2sym"):
        jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert not (tmp_path / "run").exists()


class Stranger:
    """A pickle that would make a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize(
    ("name", "file", "text", "says"),
    [
        ("bartpho", "dict.txt", "the 3\n\n", "line 2 must be a token and its count"),
        ("transfo-xl", "vocab.txt", "the\n\n", "line 2 must be a token, got nothing"),
        ("transfo-xl", "vocab.txt", "the\n", "must hold <UNK> or <unk>"),
        ("prophetnet", "prophetnet.tokenizer", "the\n", r"\[UNK\], \[SEP\] are missing"),
        ("ernie-m", "vocab.txt", "the\n", r"\[UNK\], \[SEP\], \[CLS\] are missing"),
    ],
)
def test_damaged_lists_are_told(name, file, text, says, tmp_path):
    by_name(name).write(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(CheckpointError, match=says):
        jf.AutoTokenizer.from_pretrained(tmp_path)


def test_ernie_m_needs_its_letters(load):
    with pytest.raises(InputError, match="text must hold its tokens as they are"):
        load(by_name("ernie-m")).get_offset_mapping("e\u0301")


def test_markuplm_is_saved_read_and_refuses(load, tmp_path, monkeypatch):
    both = load(markuplm.PROCESSOR)
    both.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert (type(again), type(again.tokenizer)) == (type(both), type(both.tokenizer))
    assert again(markuplm.PAGES[0]) == both(markuplm.PAGES[0])
    made, nodes, xpaths = again.tokenizer, markuplm.NODES[0], markuplm.PATHS[0]
    # The reference gives a question's first token the label of the page's first node.
    asked = made("Why?", nodes, xpaths=xpaths, node_labels=[1, 2, 3])
    first = asked.sequence_ids().index(1)
    assert asked.labels[:first] == [-100] * first
    assert 1 in asked.labels
    for says, call in {
        "xpaths must be given": {"text": nodes},
        "text must be a list of nodes, got 'a'": {"text": "a", "xpaths": xpaths},
        "xpaths must be one for each of 3 nodes, got 1": {"text": nodes, "xpaths": ["/p"]},
        "text must be a question's string": {"text": 3, "text_pair": nodes, "xpaths": xpaths},
        r"an xpath must be elements with their places.*got '/p\[x\]'": {"text": ["a"], "xpaths": ["/p[x]"]},
    }.items():
        with pytest.raises(InputError, match=says):
            made(**call)
    for says, call in {
        "html_strings must be given while parse_html is on": {},
        "nodes can not be given while parse_html is on": {"html_strings": "<p>a", "nodes": nodes},
        "html_strings must be text, or a list of them, got 3": {"html_strings": 3},
    }.items():
        with pytest.raises(InputError, match=says):
            again(**call)
    again.parse_html = False
    with pytest.raises(InputError, match="nodes must be given while parse_html is off"):
        again(html_strings="<p>a")
    with pytest.raises(InputError, match="tags_dict must be an object of element: number, got None"):
        load(markuplm.CASE, tags_dict=None)
    with pytest.raises(CheckpointError, match="trim_offsets must be false"):
        load(dataclasses.replace(markuplm.CASE, settings={**markuplm.CASE.settings, "trim_offsets": True}))
    monkeypatch.setitem(sys.modules, "bs4", None)
    with pytest.raises(InputError, match="needs the beautifulsoup4 library"):
        both("<p>a")


def test_what_surrounds_texts_can_be_switched_and_is_saved(load, tmp_path):
    made = load(by_name("llama"))
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again", add_eos_token=True, add_bos_token=False)
    bos, *ids = made("a fox").input_ids
    assert again("a fox").input_ids == [*ids, again.eos_token_id]
    again.add_bos_token = True
    again.save_pretrained(tmp_path / "last")
    assert jf.AutoTokenizer.from_pretrained(tmp_path / "last")("a fox").input_ids == [bos, *ids, again.eos_token_id]
    with pytest.raises(InputError, match="add_eos_token needs eos_token in the vocabulary, got None"):
        jf.AutoTokenizer.from_pretrained(tmp_path / "last", eos_token=None)
    with pytest.raises(InputError, match="texts that are words already need add_prefix_space=True"):
        load(by_name("cohere"))(["a", "b"], is_split_into_words=True)


@pytest.mark.parametrize(("model", "case"), [("llava", "llama"), ("mpt", "gpt-neox"), ("flava", "bert")])
def test_model_types_have_the_tokenizers_of_others(model, case, tmp_path):
    by_name(case).write(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model}))
    found = jf.AutoTokenizer.from_pretrained(tmp_path)
    assert found.tokenize("A cheetah runs.") == load_case(case, tmp_path / "other").tokenize("A cheetah runs.")
    assert found.kind == model_types.class_of(model) != model
    assert kinds.find(found.kind) is not None


def test_every_class_of_a_model_type_is_known():
    assert [name for name in set(model_types._CLASS_OF.values()) if kinds.find(name) is None] == []


def load_case(name, directory):
    directory.mkdir()
    return jf.AutoTokenizer.from_pretrained(by_name(name).write(directory))


def test_bytes_and_translations_refuse(load, tmp_path):
    case = by_name("speech2text2")
    reader = load(dataclasses.replace(case, files={"vocab.json": case.files["vocab.json"]}))
    with pytest.raises(InputError, match=r"text must not be given to a tokenizer without merges\.txt"):
        reader("a fox")
    by_name("myt5").write(tmp_path)
    for text, says in {
        "[]": "must hold decompose_map and merge_map",
        "{": "must hold decompose_map and merge_map",
    }.items():
        (tmp_path / "byte_maps.json").write_text(text)
        with pytest.raises(CheckpointError, match=says):
            jf.AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "byte_maps.json").write_text('{"decompose_map": {"é": "65"}, "merge_map": {}}')
    with pytest.raises(CheckpointError, match="must hold bytes in hexadecimal digits"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="offset must be a whole number of at least 0, got -1"):
        load(dataclasses.replace(by_name("dia"), settings={"offset": -1}))
