"""Processors of text beside images or sound: the reference's fields, files, and one clear error for bad input."""

import json
import warnings

import numpy as np
import pytest
from images.case import PICTURES
from processors.case import CASES, GOLDENS, digest, observe

import jaxformers as jf

WANTED = json.loads((GOLDENS / "processors.json").read_text())
BY_NAME = {case.name: case for case in CASES}
PICTURE = PICTURES["wide"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    processor = jf.AutoProcessor.from_pretrained(case.write(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = observe(processor, case)
    assert found.keys() == WANTED[case.name].keys()
    for name, wanted in WANTED[case.name].items():
        got = digest(found[name])
        assert got["shape"] == wanted["shape"], name
        np.testing.assert_allclose(got["entries"], wanted["entries"], rtol=1e-6, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(got["moments"], wanted["moments"], rtol=1e-6, atol=1e-6, err_msg=name)


def test_every_golden_has_its_case():
    assert WANTED.keys() == BY_NAME.keys()


@pytest.fixture
def clip(tmp_path):
    return jf.AutoProcessor.from_pretrained(BY_NAME["clip"].write(tmp_path))


def test_saved_and_read(clip, tmp_path):
    clip.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    a, b = (p(images=PICTURE, text="two cats", return_tensors="np") for p in (clip, again))
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
    assert json.loads((tmp_path / "again" / "processor_config.json").read_text())["processor_class"] == "CLIPProcessor"


def test_without_a_class_the_model_type_tells(tmp_path):
    BY_NAME["blip"].write(tmp_path)
    (tmp_path / "processor_config.json").unlink()
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(BY_NAME["blip"].other))
    assert type(jf.AutoProcessor.from_pretrained(tmp_path)).__name__ == "BlipImageProcessor"
    (tmp_path / "config.json").write_text('{"model_type": "blip"}')
    assert jf.AutoProcessor.from_pretrained(tmp_path).name == "BlipProcessor"
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "config.json").unlink()
    assert isinstance(jf.AutoProcessor.from_pretrained(tmp_path), jf.tokenization.FastTokenizer)


def test_options_find_their_part(clip):
    out = clip(images=[PICTURE], text=["a cat", "two cats sat"], padding=True, do_resize=False, return_tensors="np")
    assert out.pixel_values.shape == (1, 3, 24, 24)
    assert out.input_ids.shape[0] == 2
    assert clip(images=PICTURE, images_kwargs={"do_center_crop": False}).pixel_values[0].shape[-2:] != (24, 24)
    assert clip.batch_decode(out.input_ids, skip_special_tokens=True)[0].strip() == "a cat"


def test_bad_input(clip, tmp_path):
    with pytest.raises(jf.InputError, match="text or images must be given"):
        clip()
    with pytest.raises(TypeError, match="unexpected keyword argument 'paddin'"):
        clip(text="a", paddin=True)
    with pytest.raises(AttributeError, match="WhisperProcessor has no image_processor"):
        _ = jf.AutoProcessor.from_pretrained(BY_NAME["whisper"].write(tmp_path)).image_processor
    (tmp_path / "processor_config.json").write_text('{"processor_class": "NoProcessor"}')
    with pytest.raises(jf.CheckpointError, match=r"processor_class must be one of .* got 'NoProcessor'"):
        jf.AutoProcessor.from_pretrained(tmp_path)
    BY_NAME["llava"].write(tmp_path)
    (tmp_path / "processor_config.json").write_text('{"processor_class": "LlavaProcessor"}')
    with pytest.raises(jf.CheckpointError, match="patch_size must be a whole number from 1 on, got 0"):
        jf.AutoProcessor.from_pretrained(tmp_path)


@pytest.fixture
def donut(tmp_path):
    return jf.AutoProcessor.from_pretrained(BY_NAME["donut"].write(tmp_path))


def test_fields_of_a_page(donut):
    rows = "<s_menu><s_name>tea</s_name><s_price>2</s_price><sep/><s_name>pie</s_name></s_menu><s_sum>5<sep/>6</s_sum>"
    menu = [{"name": "tea", "price": "2"}, {"name": "pie"}]
    assert donut.token2json(rows) == {"menu": menu, "sum": ["5", "6"]}
    assert donut.token2json("<s_a>1</s_a><sep/><s_a>2</s_a>") == [{"a": "1"}, {"a": "2"}]
    assert donut.token2json("<s_a>no end") == {"text_sequence": "no end"}
    assert donut.token2json("<s_a><yes/></s_a>", added_vocab={"<yes/>": 1}) == {"a": "yes"}


def test_queries(tmp_path):
    owl = jf.AutoProcessor.from_pretrained(BY_NAME["owlvit"].write(tmp_path))
    out = owl(images=[PICTURE, PICTURE], text=[["a cat", "a dog"], ["two"]])
    flat = owl(text=["a cat", "a dog", "two", " "])
    np.testing.assert_array_equal(out.input_ids, flat.input_ids)
    found = owl(images=PICTURE, query_images=PICTURE)
    np.testing.assert_array_equal(found.query_pixel_values, found.pixel_values)
    assert callable(owl.post_process_object_detection)
    with pytest.raises(jf.InputError, match="text, images or query_images must be given"):
        owl()
    segmenter = jf.AutoProcessor.from_pretrained(BY_NAME["clipseg"].write(tmp_path))
    assert "conditional_pixel_values" in segmenter(images=PICTURE, visual_prompt=PICTURE)
    with pytest.raises(jf.InputError, match="text or visual_prompt must be given, not both"):
        segmenter(text="a", visual_prompt=PICTURE)
    with pytest.raises(jf.InputError, match="text, images or visual_prompt must be given"):
        segmenter()


@pytest.fixture
def sam(tmp_path):
    return jf.AutoProcessor.from_pretrained(BY_NAME["sam"].write(tmp_path))


def test_uneven_points_are_filled_up(sam):
    points, labels = [[[3, 4]] * 4, [[7, 8]]], [[1, 0, 1, 1], [1]]
    out = sam([PICTURE, PICTURE], input_points=points, input_labels=labels, return_tensors="np")
    assert out.input_points.shape == (2, 1, 4, 2)
    np.testing.assert_array_equal(out.input_labels[1], [[1, -10, -10, -10]])
    np.testing.assert_array_equal(out.input_points[1, 0, 1:], np.full((3, 2), -10))
    listed = sam([PICTURE, PICTURE], input_points=points)
    assert [x.shape for x in listed.input_points] == [(1, 4, 2), (1, 1, 2)]


def test_saved_without_a_tokenizer(sam, tmp_path):
    sam.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert (again.name, again.image_processor.to_dict()) == ("SamProcessor", sam.image_processor.to_dict())
    assert callable(again.post_process_masks)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input_points": [[3, 4]]}, r"input_points must be \[N, 2\] or \[sets, N, 2\] for each image, got"),
        ({"input_points": [[[3, 4]]] * 2}, "input_points must be given for each of 1 images, got 2"),
        ({"input_points": [["a"]]}, "input_points must be numbers"),
        ({"input_boxes": [[[1, 2, 3]]]}, r"input_boxes must be \[N, 4\] for each image, got"),
        ({"input_points": [[[3, 4]]], "input_labels": [[1, 0]]}, "input_labels must be one a point, got shapes"),
    ],
)
def test_bad_prompts(sam, given, message):
    with pytest.raises(jf.InputError, match=message):
        sam(PICTURE, **given)


def test_uneven_points_without_labels_are_refused(sam):
    with pytest.raises(jf.InputError, match="input_points must be equally many in all images"):
        sam([PICTURE, PICTURE], input_points=[[[3, 4]], [[1, 2], [3, 4]]], return_tensors="np")


def test_text_and_sound_of_one_side_are_refused(tmp_path):
    speech = jf.AutoProcessor.from_pretrained(BY_NAME["speecht5"].write(tmp_path))
    with pytest.raises(jf.InputError, match="audio or text must be given, not both"):
        speech(audio=np.zeros(800), text="a")
    with pytest.raises(jf.InputError, match="audio_target or text_target must be given, not both"):
        speech(audio_target=np.zeros(800), text_target="a")
    with pytest.raises(jf.InputError, match="audio, text, audio_target or text_target must be given"):
        speech()
    with pytest.raises(jf.InputError, match="input_values or input_ids must be given, not both"):
        speech.pad(input_values=[], input_ids=[])
    with pytest.raises(jf.InputError, match="input_values, input_ids or labels must be given"):
        speech.pad()


def test_image_tokens_stand_in_front(tmp_path):
    blip = jf.AutoProcessor.from_pretrained(BY_NAME["blip-2"].write(tmp_path))
    out = blip(images=PICTURE, text="a cat", return_tensors="np", max_length=8, padding="max_length")
    assert (out.input_ids.shape, set(out.input_ids[0, :3])) == (
        (1, 8),
        {blip.tokenizer.convert_tokens_to_ids("<image>")},
    )
    blip.save_pretrained(tmp_path / "again")
    assert jf.AutoProcessor.from_pretrained(tmp_path / "again").settings["num_query_tokens"] == 3
    (tmp_path / "processor_config.json").write_text('{"processor_class": "Blip2Processor", "num_query_tokens": 0}')
    with pytest.raises(jf.CheckpointError, match="num_query_tokens must be a positive number, got 0"):
        jf.AutoProcessor.from_pretrained(tmp_path)
