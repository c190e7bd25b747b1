"""Prompts that bring images: as many as their tokens speak of, however the rows are repeated and padded."""

import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.case import GOLDENS, load_cases
from test_contract import Subject

import jaxformers as jf


def llava(case="two_images"):
    found = next(c for c in load_cases("llava").CASES if c.name == case)
    return Subject("llava", found, "LlavaForConditionalGeneration")


def prompts(s):
    """Prompts of two images and of one, padded on the left."""
    ids, images = s.inputs["input_ids"][:, :13], s.inputs["pixel_values"]
    mask = np.ones(ids.shape, np.int32)
    mask[-1, :3] = 0
    return {"input_ids": ids, "attention_mask": mask, "pixel_values": images}


SETTINGS = {"max_new_tokens": 4, "eos_token_id": None}


def test_rows_keep_their_images():
    s = llava()
    given = prompts(s)
    both = s.model.generate(**given, **SETTINGS)
    first = {**{n: x[:1] for n, x in given.items()}, "pixel_values": given["pixel_values"][:2]}
    second = {**{n: x[1:] for n, x in given.items()}, "pixel_values": given["pixel_values"][2:]}
    for row, one in enumerate((first, second)):
        np.testing.assert_array_equal(s.model.generate(**one, **SETTINGS)[0], both[row])
    swapped = {n: x[::-1] for n, x in given.items()} | {"pixel_values": given["pixel_values"][[2, 0, 1]]}
    np.testing.assert_array_equal(s.model.generate(**swapped, **SETTINGS), both[::-1])
    other = {**given, "pixel_values": given["pixel_values"][[1, 0, 2]]}
    changed = s.model.generate(**other, **SETTINGS)
    assert (changed[0] != both[0]).any()
    np.testing.assert_array_equal(changed[1], both[1])


def test_three_prompts_and_repeated_rows():
    s = llava()
    given = prompts(s)
    order = [0, 1, 0]  # three rows are padded to four, whose last brings its two images as well
    three = {n: x[order] for n, x in given.items() if n != "pixel_values"}
    three["pixel_values"] = given["pixel_values"][[0, 1, 2, 0, 1]]
    both = s.model.generate(**given, **SETTINGS)
    np.testing.assert_array_equal(s.model.generate(**three, **SETTINGS), both[order])
    drawn = s.model.generate(**given, **SETTINGS, do_sample=True, top_k=1, num_return_sequences=2)
    np.testing.assert_array_equal(drawn, np.repeat(both, 2, 0))
    first = {**{n: x[:1] for n, x in given.items()}, "pixel_values": given["pixel_values"][:2]}
    beams = s.model.generate(**given, **SETTINGS, num_beams=2)
    np.testing.assert_array_equal(beams[:1], s.model.generate(**first, **SETTINGS, num_beams=2))


def test_images_and_tokens_that_do_not_match_are_refused():
    s = llava()
    given = prompts(s)
    fewer = {**given, "pixel_values": given["pixel_values"][:2]}
    with pytest.raises(jf.InputError, match="the 3 images that input_ids speak of, got 2"):
        s.model(**fewer)
    with pytest.raises(jf.InputError, match="the 3 images that the prompts speak of, got 2"):
        s.model.generate(**fewer)
    part = {**given, "input_ids": np.where(np.arange(13) == 1, 5, given["input_ids"])}
    with pytest.raises(jf.InputError, match="must hold 4 image tokens"):
        s.model(**part)
    with pytest.raises(jf.InputError, match="must hold 4 image tokens"):
        s.model.generate(**part)


def test_files_with_the_names_that_newer_programs_use(tmp_path):
    s = llava()
    s.model.save(tmp_path)
    held = load_file(tmp_path / "model.safetensors")
    moved = {}
    for name, value in held.items():
        name = name.replace("language_model.lm_head", "lm_head").replace("language_model.model", "language_model")
        moved[name if name.startswith("lm_head") else f"model.{name}"] = value
    save_file(moved, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(jf.load(tmp_path)(**s.inputs).logits, s.model(**s.inputs).logits)


@pytest.mark.reference
@pytest.mark.parametrize(  # the reference's beams mix up the images of a row that has several
    ("case", "beams"), [("two_images", 1), ("mistral", 1), ("mistral", 3), ("full", 1), ("full", 3)]
)
def test_the_reference_writes_the_same(case, beams):
    import torch

    s = llava(case)
    sys.path.insert(0, str(GOLDENS))
    import record

    sys.path.remove(str(GOLDENS))
    reference = record.build(s.model_type, s.case, s.head)
    given = prompts(s) if case == "two_images" else {n: x for n, x in s.inputs.items() if n != "labels"}
    if case != "two_images":
        given["attention_mask"] = np.ones_like(given["attention_mask"])
    settings = {"max_new_tokens": 8, "num_beams": beams, "pad_token_id": 0}
    theirs = reference.generate(**{n: torch.from_numpy(np.ascontiguousarray(x)) for n, x in given.items()}, **settings)
    np.testing.assert_array_equal(s.model.generate(**given, **settings), theirs.numpy())
