"""Image processors: on pictures drawn here, every class gives the reference's arrays."""

import json
import sys
import types

import numpy as np
import pytest
from images import extras
from images.case import GOLDENS, PICTURES, digest, observe
from images.cases import CASES

import jaxformers as jf
from jaxformers.processing import AutoImageProcessor
from jaxformers.processing.images import interpolate, polygons, post_boxes, post_queries, sam_masks
from jaxformers.processing.images.documents import with_header
from jaxformers.processing.images.kinds import KINDS, make

Image = pytest.importorskip("PIL.Image")
WANTED = json.loads((GOLDENS / "processors.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    found = observe(AutoImageProcessor.from_pretrained(case.write(tmp_path)), case)
    wanted = WANTED[case.name]
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        got = digest(found[name])
        assert (got["shape"], got["dtype"]) == (value["shape"], value["dtype"]), name
        if value["dtype"] == "text":
            assert got["entries"] == value["entries"], name
            continue
        exact = value["dtype"].startswith(("int", "uint", "bool"))
        for part in ("entries", "moments"):
            np.testing.assert_allclose(
                got[part], value[part], rtol=0 if exact else 1e-6, atol=0 if exact else 1e-6, err_msg=name
            )


def test_every_golden_has_its_case():
    assert WANTED.keys() == {case.name for case in CASES}


# ------------------------------------------------------------------------------------------------------ settings

NAMED = {"OneFormer": {"metadata": extras.NAMES}}
X = PICTURES["fits"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_is_read_again(kind, tmp_path):
    made = make(kind, NAMED.get(kind, {}))
    made.save_pretrained(tmp_path)
    again = AutoImageProcessor.from_pretrained(tmp_path)
    assert type(again).__mro__[1] is type(made).__mro__[1]
    assert again.to_dict() == made.to_dict()


@pytest.mark.parametrize("case", {case.reference: case for case in CASES}.values(), ids=lambda case: case.reference)
def test_values_that_can_not_be_give_our_errors(case):
    """Each setting in turn: whatever it is, there is a result or an error of ours."""
    kind = case.reference.removesuffix("ImageProcessor")
    more = getattr(extras, case.extra)([X], None) if case.extra and "panoptic" not in case.extra else {}
    given = [[X]] if case.clip else [Image.fromarray(X)]
    for value in (-1, 0, "x", [], {}, float("nan"), [None, "a"], {"height": 5}, [[1, 2], [3]], 10**9):
        refused = 0
        for key in KINDS[kind][1]:
            try:
                make(kind, {**NAMED.get(kind, {}), **case.settings, key: value})(given, **more)
            except jf.InputError:
                refused += 1
        assert refused, value


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("ViT", {"rescale_factor": "x"}, "rescale_factor must be a number, got 'x'"),
        ("ViT", {"image_std": [1, 0, 1]}, "image_std must be a number or one for each channel, not 0"),
        ("ViT", {"size": 10**6}, "resize: size must be at least 1 x 1 and at most 178956970 pixels"),
        ("ViT", {"resample": None}, "resample must be given, as do_resize is on"),
        ("CLIP", {"crop_size": {"shortest_edge": 4}}, "crop_size must have height and width"),
        ("ConvNext", {"size": [3, 4]}, "size must have shortest_edge, got"),
        ("Vilt", {"size_divisor": None}, "size_divisor must be a whole number from 1 on, got None"),
        ("DPT", {"do_pad": True}, "size_divisor must be given, as do_pad is on"),
        ("Tvp", {"pad_mode": "wrap"}, "pad_mode must be one of constant, reflect, replicate, symmetric"),
        ("MaskFormer", {"size": {"shortest_edge": 9, "longest_edge": 9}}, "longest_edge must be larger than shortest"),
        ("Donut", {"do_thumbnail": False, "size": {"height": 20, "width": 10}}, "pad: must not cut"),
        ("ImageGPT", {}, "clusters must be given, as do_color_quantize is on"),
        ("Detr", {"format": "yolo"}, "format must be one of coco_detection, coco_panoptic, got 'yolo'"),
    ],
)
def test_settings_that_can_not_be(kind, settings, message):
    more = extras.annotations([X], None) if kind == "Detr" else {}
    with pytest.raises(jf.InputError, match=message):
        make(kind, settings)([X], **more)


def test_names_of_classes_are_needed(tmp_path):
    with pytest.raises(jf.InputError, match="metadata or class_info_file must be given"):
        make("OneFormer", {})
    with pytest.raises(jf.InputError, match="class_info_file must be a JSON file of classes in repo_path"):
        make("OneFormer", {"repo_path": str(tmp_path), "class_info_file": "none.json"})


# ------------------------------------------------------------------------------------------------------ calls


@pytest.mark.parametrize(
    ("kind", "settings", "more", "message"),
    [
        ("MaskFormer", {}, extras.maps([X], None), "ignore_index must be given"),
        ("MaskFormer", {"ignore_index": 255}, {"segmentation_maps": []}, "one an image, got 0 for 1 images"),
        (
            "MaskFormer",
            {"ignore_index": 255},
            {**extras.maps([X], None), "instance_id_to_semantic_id": {0: 1}},
            r"must tell the class of every number in the map, lacks \[1, 2",
        ),
        ("OneFormer", NAMED["OneFormer"], {}, "must be one of semantic, instance, panoptic for each of 1 images"),
        ("OneFormer", NAMED["OneFormer"], {"task_inputs": ["draw"]}, r"got \['draw'\]"),
        ("VitMatte", {}, {"trimaps": [np.zeros((3, 4))]}, "trimaps must be .* as large"),
        ("Detr", {"format": "coco_panoptic"}, {"annotations": {"image_id": 1, "segments_info": []}}, "masks_path"),
        ("Pix2Struct", {"is_vqa": True}, {}, "header_text must be one for each image, as is_vqa is on"),
        ("Pix2Struct", {"is_vqa": True}, {"header_text": "Why?"}, "pass font_path or font_bytes"),
        ("Pix2Struct", {"is_vqa": True}, {"header_text": "Why?", "font_bytes": b"no"}, "must be a TrueType font"),
        ("ViT", {}, {"data_format": "none"}, "data_format must be channels_first or channels_last"),
    ],
)
def test_calls_that_can_not_be(kind, settings, more, message):
    with pytest.raises(jf.InputError, match=message):
        make(kind, settings)([X], **more)


def test_images_that_can_not_be():
    vit = make("ViT", {"size": 8})
    with pytest.raises(jf.InputError, match="images must hold at least one image"):
        vit([])
    with pytest.raises(jf.InputError, match=r"got uint8\[5, 0, 3\]"):
        vit(Image.new("RGB", (0, 5)))
    with pytest.raises(jf.InputError, match="images must be one a text"):
        make("Fuyu", {})([[X, X]])
    with pytest.warns(UserWarning, match="from 0 to 1 already; pass do_rescale=False"):
        vit(X / 255)
    assert vit(Image.new("RGB", (1, 1)), return_tensors="np").pixel_values.shape == (1, 3, 8, 8)


def test_videos_that_can_not_be():
    frames = [X, X[:-1]]
    with pytest.raises(jf.InputError, match="frames of a video must be equally large"):
        make("VideoMAE", {"do_resize": False, "do_center_crop": False})(frames)
    with pytest.raises(jf.InputError, match="at most num_frames = 2, got 3"):
        make("Tvlt", {"num_frames": 2, "size": 32})([[X] * 3])
    with pytest.raises(jf.InputError, match="at least one image"):
        make("VideoMAE", {})([])


def test_shorter_videos_have_fewer_patches():
    out = make("Tvlt", {"size": 32, "crop_size": 32})([[X], [X] * 3])
    assert [mask.tolist() for mask in out.pixel_mask] == [[1] * 4 + [0] * 8, [1] * 12]


def test_a_header_is_printed_above_the_image():
    font = pytest.importorskip("PIL.ImageFont").load_default(36)
    font.path.seek(0)
    file = font.path.read()
    made = with_header(X, "What is this?", file)
    scale = made.shape[1] / X.shape[1]
    height = int(X.shape[0] * scale)
    image = Image.fromarray(X).resize((made.shape[1], height))
    np.testing.assert_array_equal(made[-height:], np.asarray(image))
    header = made[:-height]
    assert (header[:3] == 255).all()
    assert 0.02 < (header < 128).mean() < 0.5
    vqa = make("Pix2Struct", {"is_vqa": True, "max_patches": 12})
    out = vqa([X, X], "What is this?", return_tensors="np", font_bytes=file)
    plain = make("Pix2Struct", {"max_patches": 12})([made, made], return_tensors="np")
    np.testing.assert_array_equal(out.flattened_patches, plain.flattened_patches)


def test_words_are_read_by_tesseract(monkeypatch):
    seen = {}

    def image_to_data(image, **options):
        seen.update(options, size=image.size)
        places = {"left": [0, 5, 10], "top": [0, 4, 20], "width": [51, 10, 41], "height": [40, 9, 20]}
        return {"text": [" ", "Hello", "world"], **places}

    fake = types.SimpleNamespace(image_to_data=image_to_data, TesseractError=RuntimeError)
    monkeypatch.setitem(sys.modules, "pytesseract", fake)
    out = make("LayoutLMv3", {"ocr_lang": "deu"})(X, return_tensors="np")
    assert out.words == [["Hello", "world"]]
    assert out.boxes == [[[98, 100, 294, 325], [196, 500, 1000, 1000]]]
    assert seen == {"lang": "deu", "output_type": "dict", "config": "", "size": (51, 40)}
    assert out.pixel_values.shape == (1, 3, 224, 224)


def test_patches_of_fuyu():
    fuyu = make("Fuyu", {"patch_size": [2, 3]})
    image = np.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
    patches = fuyu.patchify_image(image)
    assert fuyu.get_num_patches(4, 6) == patches.shape[1] == 4
    np.testing.assert_array_equal(patches[0, 1].reshape(2, 3, 2), np.moveaxis(image[0, :, :2, 3:], 0, -1))
    with pytest.raises(jf.InputError, match="height must be a multiple of 2, got 5"):
        fuyu.get_num_patches(5, 6)


# ------------------------------------------------------------------------------------------------------ parts


def test_polygons():
    square = polygons.fill([[1, 1, 4, 1, 4, 3, 1, 3]], 5, 6)
    assert square.sum() == 6
    assert square[1:3, 1:4].all()
    for wrong in ([[1, 2]], [[1, 2, 3, 4, 5]], ["abc"], [[1, 2, float("nan"), 3, 4, 5]], [[0, 0, 1e9, 0, 1, 1]]):
        with pytest.raises(jf.InputError, match="segmentation must be polygons of three or more points"):
            polygons.fill(wrong, 5, 6)


def test_boxes_of_one_class_that_overlap_are_one_object():
    boxes = np.array([[[0.5, 0.5, 0.4, 0.4], [0.52, 0.5, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1]]], np.float32)
    logits = np.array([[[2.0, -3.0], [1.0, -2.0], [0.5, -9.0]]], np.float32)
    outputs = {"logits": logits, "pred_boxes": boxes}
    found = make("Deta", {}).post_process_object_detection(outputs, 0.1, [(10, 20)])[0]
    np.testing.assert_allclose(found["scores"], 1 / (1 + np.exp(-np.array([2.0, 0.5, -2.0]))), rtol=1e-6)
    assert found["labels"].tolist() == [0, 0, 1]
    np.testing.assert_allclose(found["boxes"][0], [6, 3, 14, 7], rtol=1e-6)
    assert len(post_boxes.apart(outputs, 0.1, nms_threshold=0.95)[0]["scores"]) == 4
    np.testing.assert_allclose(post_boxes.overlap(np.array([0, 0, 2, 2]), np.array([[1, 1, 3, 3]])), [1 / 7])


def test_masks_whose_boxes_overlap_are_one():
    masks = np.zeros((3, 8, 9), bool)
    masks[0, 1:6, 1:6] = masks[1, 1:6, 1:7] = masks[2, 5:, 6:] = True
    lengths = [sam_masks.encoded(m) for m in masks]
    assert lengths[2] == {"size": [8, 9], "counts": [53, 3, 5, 3, 5, 3]}
    assert sam_masks.encoded(~masks[2])["counts"][:2] == [0, 53]
    boxes = np.array([[1, 1, 5, 5], [1, 1, 6, 5], [6, 5, 8, 7]])
    kept, scores, same, left = make("Sam", {}).post_process_for_mask_generation(lengths, [0.7, 0.9, 0.95], boxes, 0.5)
    assert scores.tolist() == [0.95, 0.9]
    assert same == [lengths[2], lengths[1]]
    np.testing.assert_array_equal(left, boxes[[2, 1]])
    np.testing.assert_array_equal(kept, masks[[2, 1]])
    with pytest.raises(jf.InputError, match="counts must sum to 8 x 9, got 5"):
        sam_masks.decoded({"size": [8, 9], "counts": [5]})
    with pytest.raises(jf.InputError, match="crops must have equally many points"):
        make("Sam", {}).generate_crop_boxes(X, 64, crop_n_layers=1, crop_n_points_downscale_factor=2)


def test_texts_of_what_is_found():
    outputs = {"logits": np.array([[[0.0, 3.0], [-9.0, -9.0]]]), "pred_boxes": np.full((1, 2, 4), 0.5)}
    found = make("OwlViT", {}).post_process_grounded_object_detection(outputs, 0.5, text_labels=[["a cat", "a dog"]])
    assert found[0]["text_labels"] == ["a dog"]


def test_run_lengths():
    assert post_queries.run_lengths(np.array([[0, 1, 1], [1, 0, 2]])) == [[1, 1, 5, 1], [2, 3], [6, 1]]


def test_smooth_keeps_means():
    x = np.arange(24.0).reshape(1, 4, 6)
    np.testing.assert_allclose(interpolate.smooth(x, (2, 3)).mean(), x.mean(), rtol=1e-6)
    np.testing.assert_allclose(interpolate.smooth(x, (4, 6)), x)


@pytest.mark.parametrize("sizes", [[(3, 4, 5)], [3], [[[3, 4]]]])
def test_sizes_that_can_not_be(sizes):
    outputs = {"logits": np.zeros((1, 2, 3)), "pred_boxes": np.zeros((1, 2, 4))}
    with pytest.raises(jf.InputError, match=r"sizes must be \(height, width\) an image"):
        post_boxes.surest_class(outputs, 0.5, sizes)
