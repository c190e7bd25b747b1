"""Words with boxes: the reference's fields, files that are read again, and one clear error for bad input."""

import json
import pickle

import numpy as np
import pytest
from calls import layout
from calls.case import GOLDENS
from images.case import PICTURES
from text.case import unpack

import jaxformers as jf
from jaxformers.errors import CheckpointError, InputError
from jaxformers.processing.images import documents
from jaxformers.tokenization.layout import LayoutTokenizer, UdopTokenizer

WANTED = json.loads((GOLDENS / "layouts.json").read_text())


@pytest.fixture
def load(tmp_path):
    def made(case, **settings):
        directory = tmp_path / case.name
        directory.mkdir(exist_ok=True)
        return jf.AutoTokenizer.from_pretrained(case.write(directory), **settings)

    return made


@pytest.fixture
def processor(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "words_of", lambda x, *_: layout.READ[int(x.shape[0] > x.shape[1])])

    def made(case, name, other, ocr):
        directory = tmp_path / f"{name}-{ocr}"
        directory.mkdir(exist_ok=True)
        return jf.AutoProcessor.from_pretrained(layout.write(case, name, other, ocr, directory))

    return made


def test_tokenizers_equal_the_reference(load):
    found = layout.observe(load)
    assert found.keys() == WANTED["tokenizers"].keys()
    for name, wanted in WANTED["tokenizers"].items():
        assert found[name] == wanted, name


def test_awkward_words_equal_the_reference(load):
    found, wanted = layout.corpus(load), unpack(GOLDENS / "layouts.npz")
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        assert found[name] == rows, name


def test_processors_equal_the_reference(processor):
    found = layout.observe_processors(processor)
    assert found.keys() == WANTED["processors"].keys()
    for name, wanted in WANTED["processors"].items():
        pixels = [k for k in ("image", "pixel_values") if k in wanted]
        for field in pixels:
            np.testing.assert_allclose(found[name].pop(field), wanted.pop(field), rtol=1e-5, err_msg=name)
        assert found[name] == wanted, name


@pytest.mark.parametrize("case", layout.ALL, ids=lambda case: case.name)
def test_saved_and_read(load, case, tmp_path):
    made = load(case)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    call = {**layout.PAGES, "word_labels": layout.LABELS, "padding": True}
    assert type(again) is type(made)
    assert again(**call) == made(**call) == pickle.loads(pickle.dumps(made))(**call)


def test_the_model_type_alone_tells_the_class(tmp_path):
    layout.V2.write(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "config.json").write_text('{"model_type": "layoutlmv2"}')
    made = jf.AutoTokenizer.from_pretrained(tmp_path)
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert (type(again), again.sep_token_box) == (LayoutTokenizer, [1000] * 4)


def test_trained_anew(load):
    made = load(layout.V2, only_label_first_subword=False).train_new_from_iterator(["the quick fox"] * 9, 60)
    out = made(["the", "fox"], boxes=layout.PLACES[0][:2], word_labels=[1, 2])
    assert (len(out.bbox), made.only_label_first_subword) == (len(out.input_ids), False)


def test_other_doors(load):
    page, question = layout.PAGE, layout.QUESTION
    made = load(layout.V3)
    assert made.encode(**page) == made(**page).input_ids
    assert made.encode_plus(**page) == made(**page)
    assert made.batch_encode_plus(layout.WORDS, boxes=layout.PLACES) == made(**layout.PAGES)
    pairs = list(zip(layout.ASKED, layout.WORDS, strict=True))
    assert made.batch_encode_plus(pairs, is_pair=True, boxes=layout.PLACES) == made(**layout.QUESTIONS)
    udop = load(layout.UDOP)
    assert isinstance(udop, UdopTokenizer)
    assert udop.encode_boxes(**question) == udop(**question).input_ids
    assert udop.encode("the answer") == udop(text_target="the answer").input_ids


def test_arrays_are_boxes_too(load):
    made = load(layout.V2)
    wanted = made(**layout.PAGE, word_labels=layout.LABELS[0])
    given = {"boxes": np.array(layout.PLACES[0]), "word_labels": np.array(layout.LABELS[0])}
    assert made(layout.WORDS[0], **given) == wanted
    assert made(**layout.PAGES, padding=True, return_tensors="jax").bbox.shape[-1] == 4


@pytest.mark.parametrize("case", [layout.V3, layout.UDOP], ids=lambda case: case.name)
def test_questions_have_no_labels(load, case):
    made = load(case)
    out = made(**layout.QUESTION, word_labels=layout.LABELS[0])
    alone = made(**layout.PAGE, word_labels=layout.LABELS[0])
    kept = [x for x in out.labels if x != -100]
    assert kept == [x for x in alone.labels if x != -100] != []
    asked = [x for x, s in zip(out.labels, out.sequence_ids(), strict=True) if s == 0]
    assert set(asked) == {-100}


def test_a_question_about_an_empty_page(load):
    out = load(layout.V2)("Who?", [], boxes=[])
    assert out.bbox == [[1000 * (token == "[SEP]")] * 4 for token in out.tokens()]
    assert out.tokens().count("[SEP]") == 2


_BAD = [
    ({"boxes": None}, "boxes must be given"),
    ({"boxes": layout.PLACES[0][:2]}, "boxes must be one for each of 9 words, got 2"),
    ({"boxes": 3}, "boxes must be one for each of 9 words, got 3"),
    ({"boxes": [[1, 2, 3]] * 9}, r"boxes must be \[left, top, right, bottom\], got"),
    ({"word_labels": [1]}, "word_labels must be one for each of 9 words, got 1"),
    ({"text": "words"}, "text must be a list of words, got 'words'"),
    ({"text": [1] * 9}, "text must be a list of words"),
    ({"text": 5, "text_pair": layout.WORDS[0]}, "text must be a question's string, got 5"),
    ({"text": "a", "text_pair": "words"}, "text_pair must be a list of words"),
    ({"text": ["a"], "text_pair": layout.WORDS}, "text must be a list for each of 2 pages, got 1"),
    ({"text": ["a"], "text_pair": "words"}, "text_pair must be a list for each of 5 pages, got"),
    ({"text": layout.WORDS}, "boxes must be a list for each of 2 pages, got 9"),
    ({"text": layout.WORDS, "boxes": layout.PLACES[::-1]}, r"boxes\[0\] must be one for each of 9 words, got 8"),
    ({"text": [], "text_pair": [], "boxes": []}, "text must hold a page at least"),
    ({"return_tensors": "pt"}, "return_tensors"),
    ({"truncation": True, "max_length": 1}, "max_length must be at least"),
]


@pytest.mark.parametrize(("given", "says"), _BAD)
def test_bad_words(load, given, says):
    with pytest.raises(InputError, match=says):
        load(layout.V3)(**{**layout.PAGE, **given})


def test_bad_settings(load):
    with pytest.raises(InputError, match="sep_token_box must be"):
        load(layout.V3, sep_token_box=[1, 2])
    with pytest.raises(CheckpointError, match="pad_token_box must be"):
        load(layout.Case("bad", layout.V3.reference, layout.V3.files, {"pad_token_box": "none"}))
    made = load(layout.V3)
    made.cls_token = "<unk>"
    with pytest.raises(InputError, match="must be of cls, sep or pad to have a box, got <s>"):
        made(**layout.PAGE)


@pytest.mark.parametrize(("case", "name", "other"), layout.PROCESSORS, ids=lambda x: x if isinstance(x, str) else "")
def test_processors_refuse_and_are_saved(processor, case, name, other, tmp_path):
    image = PICTURES["wide"]
    reads, told = processor(case, name, other, True), processor(case, name, other, False)
    with pytest.raises(InputError, match="boxes can not be given where the image processor reads the words"):
        reads(image, **layout.PAGE)
    with pytest.raises(InputError, match="word_labels can not be given"):
        reads(image, word_labels=[1])
    with pytest.raises(InputError, match="text must be given, as the image processor does not read"):
        told(image)
    with pytest.raises(InputError, match="images must be given"):
        told(**layout.PAGE)
    with pytest.raises(InputError, match="boxes must be given"):
        told(image, layout.WORDS[0])
    told.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    a, b = (p(image, **layout.PAGE, return_tensors="np", do_resize=False) for p in (told, again))
    assert (type(again), a.keys()) == (type(told), b.keys())
    pixels = "image" if "image" in a else "pixel_values"
    assert a[pixels].shape == (1, 3, *image.shape[:2])
    np.testing.assert_array_equal(a[pixels], b[pixels])
    assert a.word_ids() == b.word_ids()


def test_bros_reads_words_alone(tmp_path):
    case = layout.Case("bros", "BertTokenizerFast", layout.V2.files)
    case.write(tmp_path)
    (tmp_path / "processor_config.json").write_text('{"processor_class": "BrosProcessor"}')
    made = jf.AutoProcessor.from_pretrained(tmp_path)
    out = made(text=["the fox", "is"], padding=True, return_tensors="np")
    np.testing.assert_array_equal(out.input_ids, made.tokenizer(["the fox", "is"], padding=True)["input_ids"])
    made.save_pretrained(tmp_path / "again")
    assert jf.AutoProcessor.from_pretrained(tmp_path / "again").name == "BrosProcessor"
    for given in ({}, {"images": PICTURES["wide"], "text": "a"}):
        with pytest.raises(InputError, match="text must be given, and no images"):
            made(**given)
