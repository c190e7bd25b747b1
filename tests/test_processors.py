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
    with pytest.raises(jf.CheckpointError, match="patch_size must be given, to count the tokens of an image"):
        jf.AutoProcessor.from_pretrained(tmp_path)
