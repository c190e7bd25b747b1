"""Processors of models that write about images: what they take, and one clear error for bad input."""

import json

import numpy as np
import pytest
from images.case import PICTURES
from processors.own import cases

import jaxformers as jf
from jaxformers.processing.joint.crossed import seen_from
from jaxformers.processing.joint.interleaved import last_image

BY_NAME = {case.name: case for _, case in cases()}


@pytest.fixture
def load(tmp_path):
    def made(name):
        return jf.AutoProcessor.from_pretrained(BY_NAME[name].write(tmp_path))

    return made


def test_questions_need_an_image(load):
    with pytest.raises(jf.InputError, match="Pix2StructProcessor: images must be given"):
        load("pix2struct-vqa")(text="Why?")


def test_prompts_about_images(load, tmp_path):
    processor, picture = load("paligemma"), PICTURES["wide"]
    with pytest.raises(jf.InputError, match="images must be given"):
        processor(text="a")
    with pytest.raises(jf.InputError, match="images must be one or a list for each text, got 1 for 2"):
        processor([picture], ["a", "b"])
    with pytest.raises(jf.InputError, match="a text's 3 tokens '<image>' must not be cut off, got 2"):
        processor(picture, "a", truncation=True, max_length=2)
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "SiglipImageProcessor"}')
    with pytest.raises(jf.CheckpointError, match=r"image_seq_length must be a whole number from 1 on, .* got None"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_prompts_of_texts_and_images(load):
    """A text alone is a prompt of one text: the reference takes it for a list of letters, and loses its spaces."""
    processor, picture = load("idefics"), PICTURES["wide"]
    np.testing.assert_array_equal(processor(text="two cats").input_ids, processor(text=["two cats"]).input_ids)
    with pytest.raises(jf.InputError, match="text must be given"):
        processor([picture])
    with pytest.raises(jf.InputError, match="images must be one or a list for each of the texts, got 1 for 2"):
        processor([picture], ["a", "b"])
    assert last_image(np.array([[1, 7, 2, 5, 3, 7]]), 7, 5).tolist() == [[-1, 0, 0, 0, -1, 1]]


def test_as_many_images_as_tokens(load):
    processor, picture = load("qwen2_vl"), PICTURES["wide"]
    with pytest.raises(jf.InputError, match=r"texts must hold '<\|image_pad\|>' for each of 1 images, got 2"):
        processor(picture, "<|image_pad|> <|image_pad|>")
    with pytest.raises(jf.InputError, match=r"a text's \d+ tokens '<\|image_pad\|>' must not be cut off, got 3"):
        processor(picture, "<|image_pad|>", truncation=True, max_length=3)
    with pytest.raises(jf.InputError, match="a side must be at most 200 times as long as the other, got 4 x 804"):
        processor(np.zeros((4, 804, 3), np.uint8))
    with pytest.raises(jf.InputError, match="sides must be multiples of 8, got 61 x 117; pass do_resize=True"):
        processor(picture, do_resize=False)
    with pytest.raises(jf.InputError, match="patch_size must be a whole number from 1 on, got"):
        processor(picture, patch_size=[4, 4])
    with pytest.raises(jf.InputError, match="text or images must be given"):
        processor()


def test_videos_are_as_many_tokens_as_their_patches(load):
    processor, clip = load("qwen2_5_vl"), [PICTURES["wide"]] * 4
    out = processor(text="<|video_pad|> two", videos=[clip], return_tensors="np", fps=4)
    index = processor.tokenizer.convert_tokens_to_ids("<|video_pad|>")
    assert (out.input_ids == index).sum() * 4 == out.video_grid_thw.prod() == len(out.pixel_values_videos)
    assert (out.video_grid_thw[0, 0], out.second_per_grid_ts) == (2, [0.5])
    with pytest.raises(jf.InputError, match="fps must be a number or one for each of 1 videos"):
        processor(text="<|video_pad|>", videos=[clip], fps=[1, 2])


def test_tiles_need_the_size_of_patches(tmp_path):
    BY_NAME["llava-next"].write(tmp_path)
    (tmp_path / "processor_config.json").write_text('{"processor_class": "LlavaNextProcessor"}')
    with pytest.raises(jf.CheckpointError, match="patch_size must be a whole number from 1 on, got 0"):
        jf.AutoProcessor.from_pretrained(tmp_path)
    held = {"processor_class": "LlavaOnevisionProcessor", "num_image_tokens": 9, "vision_aspect_ratio": "square"}
    (tmp_path / "processor_config.json").write_text(json.dumps(held))
    with pytest.raises(jf.CheckpointError, match="vision_aspect_ratio must be anyres_max_ and a number, got 'square'"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_groups_of_images(load, tmp_path):
    processor, picture = load("idefics3"), PICTURES["wide"]
    with pytest.raises(
        jf.InputError, match=r"texts must hold '<image>' once for each image, got \[1\] for \[2\] images"
    ):
        processor([[picture, picture]], "<image>")
    with pytest.raises(jf.InputError, match="images must be given for the 1 image tokens of the texts"):
        processor(text="a <image>")
    with pytest.raises(jf.InputError, match="text or images must be given"):
        processor()
    empty = processor([[picture], []], ["<image>", "a cat"], padding=True, return_tensors="np")
    assert not empty.pixel_attention_mask[1].any()
    with pytest.raises(jf.InputError, match=r"max_image_size must have longest_edge, got {'height': 9, 'width': 9}"):
        processor(picture, max_image_size={"height": 9, "width": 9})
    (tmp_path / "processor_config.json").write_text('{"processor_class": "Idefics3Processor", "image_seq_len": 1.5}')
    with pytest.raises(jf.CheckpointError, match=r"image_seq_len must be a whole number from 1 on, got 1\.5"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_tokens_around_images(load, tmp_path):
    processor, picture = load("gemma3"), PICTURES["wide"]
    with pytest.raises(jf.InputError, match="do_pan_and_scan is on"):
        processor.image_processor(picture, do_pan_and_scan=True)
    with pytest.raises(jf.InputError, match="texts must hold '<start_of_image>' once for each image"):
        processor(picture, "a cat")
    with pytest.raises(jf.InputError, match="text or images must be given"):
        processor()
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GemmaTokenizerFast"}')
    with pytest.raises(jf.CheckpointError, match="the tokenizer must name image_token, boi_token, eoi_token"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_texts_that_attend_to_images(load):
    processor, picture = load("mllama"), PICTURES["wide"]
    with pytest.raises(jf.InputError, match=r"either all texts must have images or none, got \[1, 0\]"):
        processor([[picture], []], ["<|image|>", "a cat"])
    with pytest.raises(jf.InputError, match="images must be given for the 1 image tokens of the texts"):
        processor(text="<|image|>")
    with pytest.raises(jf.InputError, match="size must be square, got"):
        processor(picture, size={"height": 9, "width": 8})
    with pytest.raises(jf.InputError, match="do_pad must be on"):
        processor(picture, do_pad=False)
    assert seen_from([7, 7, 1, 7, 2], 7) == [(0, 3), (1, 3), (3, 5)]


def test_the_qformers_tokenizer_is_needed(tmp_path):
    BY_NAME["instructblip"].write(tmp_path)
    for file in (folder := tmp_path / "qformer_tokenizer").iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(jf.CheckpointError, match="must hold the directory qformer_tokenizer"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_places_in_images(load):
    """Tags that do not belong together stay: the reference looks for their ends for ever."""
    processor, picture = load("fuyu"), PICTURES["wide"]
    ids = processor.tokenizer.convert_tokens_to_ids(["a", "<0x00>", "10", "<0x01>", "<0x02>", "a", "7", "<0x03>"])
    assert processor.post_process_box_coordinates(np.array([ids]))[0].tolist() == ids
    for place, message in {
        "<point>1, 2, 3</point>": "a box must be four numbers with commas between, a point two, got '1, 2, 3'",
        "<box>a, b, c, d</box>": "a box must be four numbers with commas between",
        "<box>1, 2, 3, 9000</box>": "the tokenizer must hold '3025'",
    }.items():
        with pytest.raises(jf.InputError, match=message):
            processor(picture, place)
    with pytest.raises(jf.InputError, match="images must be one for each text, got 1 for 2"):
        processor([picture], ["a", "b"])
    with pytest.raises(TypeError, match="unexpected keyword argument 'paddin'"):
        processor(picture, "a", paddin=True)
    with pytest.raises(jf.InputError, match=r"target_sizes must be \(height, width\) of each of 1 rows, got shape"):
        processor.post_process_box_coordinates([ids], [[1, 2, 3]])
    with pytest.raises(jf.InputError, match=r"rows must hold the token of an answer, 10, rows \[0\] do not"):
        processor.post_process_image_text_to_text([ids])


_PHRASE = "<phrase>a cat</phrase> sat"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "text or images must be given"),
        ({"text": "a", "num_image_tokens": 0}, "num_image_tokens must be a whole number from 1 on, got 0"),
        ({"text": ["a", "b"], "images": [PICTURES["wide"]]}, "must be equally many, got 2, 1 and 2"),
        ({"text": ["a"], "bboxes": (1, 2)}, "must be equally many, got 1, 1 and tuple"),
        ({"text": _PHRASE, "bboxes": (1, 2)}, r"bboxes must be a list for each text, got \(1, 2\)"),
        (
            {"text": _PHRASE, "bboxes": [None, None]},
            "bboxes must be one for each <phrase>...</phrase>, got 2 for 1 in",
        ),
        ({"text": _PHRASE, "bboxes": [(1, 2.0)]}, r"a box must be a tuple of two whole numbers, .* got \(1, 2.0\)"),
        ({"text": _PHRASE, "bboxes": [[(0.5, 0.1, 0.4, 0.2)]]}, "a box must be .* that span an area"),
    ],
)
def test_bad_boxes(load, given, message):
    with pytest.raises(jf.InputError, match=message):
        load("kosmos-2")(**given)


def test_images_in_squares(load, tmp_path):
    processor, picture = load("internvl"), PICTURES["wide"]
    assert processor(text="<IMG_CONTEXT>", images=picture, crop_to_patches=False).keys() >= {
        "pixel_values",
        "input_ids",
    }
    with pytest.raises(jf.InputError, match=r"texts must hold '<IMG_CONTEXT>' for each of 2 images, got 1"):
        processor([picture] * 2, "<IMG_CONTEXT>")
    with pytest.raises(jf.InputError, match="min_patches must be at most 6, got 7"):
        processor(picture, "<IMG_CONTEXT>", min_patches=7)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2TokenizerFast"}')
    with pytest.raises(jf.CheckpointError, match="the tokenizer must name context_image_token, start_image_token"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_patches_of_images_as_they_are(load):
    with pytest.raises(
        jf.InputError, match="an image must be of whole patches of 5, 30 at most, got 61 x 117; pass do"
    ):
        load("siglip2").image_processor(PICTURES["wide"], do_resize=False)
