"""Images from anywhere, transforms, what models say made readable, and one clear error for bad input."""

import base64
import contextlib
import http.server
import io
import json
import pathlib
import threading
import time

import numpy as np
import pytest
from images.case import GOLDENS, picture
from images.said import NAMES, SIZES, everything, readings, said

import jaxformers as jf
from jaxformers.processing.download import download
from jaxformers.processing.images import interpolate, loading, transforms
from jaxformers.processing.images.kinds import KINDS, make
from jaxformers.processing.images.model_types import MODELS

Image = pytest.importorskip("PIL.Image")
X = picture(20, 30)


def encoded(kind: str, x=X, **how) -> bytes:
    out = io.BytesIO()
    (x if isinstance(x, Image.Image) else Image.fromarray(x)).save(out, kind, **how)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------ loading


def test_from_anywhere(tmp_path):
    data = encoded("PNG")
    (tmp_path / "a.png").write_bytes(data)
    text = base64.b64encode(data).decode()
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), data, text, f"data:image/png;base64,{text}", X):
        np.testing.assert_array_equal(np.asarray(jf.load_image(source)), X)


@pytest.fixture(scope="module")
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path != "/none" else 404)
            if self.path == "/cut":
                self.send_header("Content-Length", "100")
            self.end_headers()
            if self.path == "/image":
                self.wfile.write(encoded("PNG"))
            elif self.path == "/large":
                self.wfile.write(bytes(3000))
            elif self.path == "/slow":
                with contextlib.suppress(OSError):
                    for _ in range(40):
                        self.wfile.write(b"x")
                        time.sleep(0.1)

        def log_message(self, *args):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()


def test_from_a_server(server):
    np.testing.assert_array_equal(np.asarray(jf.load_image(f"{server}/image")), X)
    with pytest.raises(jf.InputError, match=r"/none must answer: .*404"):
        jf.load_image(f"{server}/none")
    with pytest.raises(jf.InputError, match="must hold at most 2000 bytes"):
        download(f"{server}/large", limit=2000)
    with pytest.raises(jf.InputError, match=r"/slow must send its bytes in 0.3 s; pass a longer timeout"):
        download(f"{server}/slow", timeout=0.3)
    with pytest.raises(jf.InputError, match=r"/cut must send all of its 100 bytes, got 0"):
        download(f"{server}/cut")
    with pytest.raises(jf.InputError, match="must answer: nonnumeric port"):
        download("http://here:there")


def test_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    turned = jf.load_image(encoded("JPEG", quality=95, exif=exif))
    plain = jf.load_image(encoded("JPEG", quality=95))
    np.testing.assert_array_equal(np.asarray(turned), np.rot90(np.asarray(plain), -1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_becomes_rgb(mode):
    image = (
        Image.fromarray(X).convert("L").convert(mode) if mode in ("I;16", "F") else Image.fromarray(X).convert(mode)
    )
    assert np.asarray(jf.load_image(image)).shape == (20, 30, 3)


def test_the_first_frame_of_an_animation():
    frames = [Image.fromarray(np.full_like(X, n)) for n in (10, 200)]
    data = encoded("GIF", frames[0], save_all=True, append_images=frames[1:])
    assert np.asarray(jf.load_image(data)).max() == 10


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "the file is empty"),
        (b"no image", "8 bytes are not an image"),
        ("nowhere.png", "no such file, and no base64 text"),
        ("cats", "no such file, and no base64 text: 'cats'; pass a path"),
        ("data:image/png,%89PNG", "a data URL must hold base64 text"),
        (pathlib.Path("/"), "must be a file to read, got '/'"),
        (3, "must be a path, bytes or a URL, got int"),
        (encoded("PNG")[:-60], "must be a whole image"),
    ],
)
def test_no_image(source, message):
    with pytest.raises(jf.InputError, match=message):
        jf.load_image(source)


def test_enormous(monkeypatch):
    monkeypatch.setattr(loading, "PIXELS", 500)
    with pytest.raises(jf.InputError, match="from 1 to 500 pixels, got 30 x 20"):
        jf.load_image(encoded("PNG"))


# ------------------------------------------------------------------------------------------------------ transforms


def test_boxes_and_ids():
    np.testing.assert_allclose(transforms.center_to_corners([0.5, 0.5, 0.2, 0.4]), [0.4, 0.3, 0.6, 0.7])
    np.testing.assert_allclose(transforms.corners_to_center([0.4, 0.3, 0.6, 0.7]), [0.5, 0.5, 0.2, 0.4])
    assert transforms.id_to_rgb(np.array(197121)).tolist() == [1, 2, 3]
    assert transforms.rgb_to_id(np.array([1, 2, 3])) == 197121


def test_a_crop_larger_than_the_image_is_padded():
    cropped = transforms.center_crop(X, (25, 11))
    assert cropped.shape == (25, 11, 3)
    np.testing.assert_array_equal(cropped[3:23], X[:, 9:20])
    assert not cropped[:3].any()
    assert not cropped[23:].any()


def test_channels_are_told_apart():
    first = np.moveaxis(X, -1, 0)
    np.testing.assert_array_equal(loading.to_array(first), X)
    with pytest.warns(UserWarning, match="may be read both ways"):
        loading.to_array(picture(3, 3))
    with pytest.raises(jf.InputError, match="first or last axis must be 1 or 3 channels, got shape"):
        loading.to_array(np.zeros((4, 5, 6)))
    assert loading.to_array(np.zeros((4, 5, 6)), "channels_first").shape == (5, 6, 4)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 4)), r"must be an array of numbers with shape"),
        (np.full((4, 4, 3), np.nan), "finite numbers"),
        (np.full((4, 4, 3), -1.0), "whole numbers must be from 0 to 255"),
        (np.full((4, 4, 3), 1.5), "not whole must be from 0 to 1"),
        (np.zeros((0, 4, 3)), "must be an array of numbers"),
    ],
)
def test_no_picture(x, message):
    with pytest.raises(jf.InputError, match=message):
        make("ViT", {"size": 8})(x)


# ----------------------------------------------------------------------------------------------------- what models say


def test_what_models_say_equals_the_reference():
    x, wanted = said(), np.load(GOLDENS / "post.npz")

    def processor(kind):
        return make(kind, {"metadata": NAMES} if kind == "OneFormer" else {})

    def outputs(**names):
        return jf.Output(**{k: x[v] for k, v in names.items()})

    found = readings(processor, outputs, np.asarray)
    for binary in (True, False):
        sizes = {"original_sizes": SIZES, "reshaped_input_sizes": [(20, 24), (24, 13)]}
        pad = {"height": 24, "width": 24}
        masks = make("Sam", {}).post_process_masks(
            [m[None] for m in x["masks"]], **sizes, binarize=binary, pad_size=pad
        )
        found |= {f"masks/{binary}/{i}": one for i, one in enumerate(masks)}
    found |= everything(make("Sam", {}), make("Fuyu", {}), np.asarray)
    assert found.keys() == set(wanted.files)
    for name in wanted.files:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_bad_sizes():
    with pytest.raises(jf.InputError, match="one an image, got 1 for 2 images"):
        make("Segformer", {}).post_process_semantic_segmentation({"logits": said()["maps"]}, [(3, 3)])
    with pytest.raises(jf.InputError, match="outputs must hold logits"):
        make("Segformer", {}).post_process_semantic_segmentation({})


def test_interpolation_of_one_line():
    x = np.arange(4, dtype=np.float32)[None]
    np.testing.assert_allclose(interpolate.bilinear(x, (1, 8))[0], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])


# ------------------------------------------------------------------------------------------------------ files


def test_files(tmp_path):
    made = make("CLIP", {"size": 20, "crop_size": 16})
    made.save_pretrained(tmp_path)
    again = jf.AutoImageProcessor.from_pretrained(tmp_path)
    np.testing.assert_array_equal(again(X)["pixel_values"][0], made(X)["pixel_values"][0])
    assert again.size == {"shortest_edge": 20}
    held = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert held["image_processor_type"] == "CLIPImageProcessor"
    assert jf.AutoImageProcessor.from_pretrained(tmp_path, do_resize=False).do_resize is False


def test_the_model_type_tells(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 20}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "swin"}))
    assert jf.AutoImageProcessor.from_pretrained(tmp_path)(X).pixel_values[0].shape == (3, 20, 20)


def test_old_and_fast_names(tmp_path):
    for entry in (
        {"feature_extractor_type": "ViTFeatureExtractor"},
        {"image_processor_type": "ViTImageProcessorFast"},
    ):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({**entry, "size": 10}))
        assert jf.AutoImageProcessor.from_pretrained(tmp_path).name == "ViTImageProcessor"


def test_every_kind_is_made():
    assert set(MODELS.values()) <= set(KINDS)
    for kind in KINDS:
        own = {"metadata": {"0": "sky", "class_names": ["sky"], "thing_ids": []}} if kind == "OneFormer" else {}
        assert make(kind, own).to_dict()["image_processor_type"] == f"{kind}ImageProcessor"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": -3}, "size must be a positive number"),
        ({"size": {"height": 3}}, "size must be a positive number, a pair or a dictionary of"),
        ({"size": {"height": 0, "width": 4}}, "size must be a positive number"),
        ({"resample": 9}, "resample must be one of"),
        ({"image_mean": [0.5]}, "image_mean must have 3 entries, one a channel, got 1"),
    ],
)
def test_settings_that_can_not_be(settings, message):
    with pytest.raises(jf.InputError, match=message):
        make("ViT", settings)(X)


def test_bad_calls():
    vit = make("ViT", {"size": 8})
    with pytest.raises(jf.InputError, match="unknown setting 'sise'; nearest: size"):
        vit(X, sise=3)
    with pytest.raises(jf.InputError, match="must be an image or a list of images, got int"):
        vit(3)
    with pytest.raises(jf.InputError, match="pixel_values must be equally large"):
        vit([X, picture(9, 9)], do_resize=False, return_tensors="np")
    with pytest.raises(jf.InputError, match="return_tensors must be None, 'np' or 'jax'"):
        vit(X, return_tensors="pt")
    with pytest.raises(jf.InputError, match="apply_ocr: needs pytesseract"):
        make("LayoutLMv3", {})(X)
    with pytest.raises(jf.InputError, match="must be in COCO's form for detection"):
        make("Detr", {})(X, annotations={"image_id": 3})


@pytest.mark.parametrize("text", ["{", "[]", '{"image_processor_type": "NoImageProcessor"}', '{"size": -1}'])
def test_damaged_file(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(jf.CheckpointError, match=r"preprocessor_config\.json: "):
        jf.AutoImageProcessor.from_pretrained(tmp_path)


def test_jax_arrays():
    import jax

    out = make("ViT", {"size": 8})([X, X], return_tensors="jax")
    assert isinstance(out.pixel_values, jax.Array)
    assert out.pixel_values.shape == (2, 3, 8, 8)
