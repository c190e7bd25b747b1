"""Images from wherever they are, as Pillow images in RGB, and any image as an array [H, W, C]."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.download import SECONDS, read_bytes

PIXELS = 178_956_970  # of a file, as Pillow's own limit is; more is taken for an attack on memory


def pillow():
    """The module PIL.Image."""
    try:
        import PIL.Image
    except ImportError:
        todo = "pip install 'jaxformers[images]'"
        raise InputError("images", ["reading and resizing images needs Pillow"], todo) from None
    return PIL.Image


def load_image(source: Any, timeout: float = SECONDS):
    """A Pillow image in RGB, turned upright as its EXIF data say; of an animation the first frame.

    Args:
      source: a path, the file's bytes, an http(s) or data URL, base64 text, a Pillow image, or an array as
        `to_array` takes it (uint8).
      timeout: seconds that a server may take for its first answer, and again for all of the bytes.

    Raises:
      InputError: there is no such file, it is no image or damaged, or larger than PIXELS.
    """
    module = pillow()
    if isinstance(source, np.ndarray):
        x = to_array(source)
        if x.dtype != np.uint8:
            raise InputError("load_image", [f"an array must be uint8, got {x.dtype}"])
        return module.fromarray(x.squeeze(-1) if x.shape[-1] == 1 else x).convert("RGB")
    image = source if isinstance(source, module.Image) else _open(read_bytes("load_image", source, timeout), module)
    if not all(image.size) or image.size[0] * image.size[1] > PIXELS:
        raise InputError("load_image", [f"an image must have from 1 to {PIXELS} pixels, got {_size(image)}"])
    import PIL.ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PIL.ImageOps.exif_transpose(image).convert("RGB")
    except Exception as e:  # Pillow's readers raise whatever a damaged file leads them to
        raise InputError("load_image", [f"must be a whole image: {e or type(e).__name__}"]) from None


def _size(image) -> str:
    return f"{image.size[0]} x {image.size[1]}"


def _open(data: bytes, module):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images: the limit is ours
            return module.open(io.BytesIO(data))
    except Exception as e:
        reason = "the file is empty" if not data else f"{len(data)} bytes are not an image that Pillow reads"
        detail = "" if isinstance(e, module.UnidentifiedImageError) else f": {e}"
        raise InputError("load_image", [reason + detail]) from None


# ------------------------------------------------------------------------------------------------------ arrays


def to_array(image: Any, input_data_format: str | None = None, channels: tuple[int, ...] = (1, 3)) -> np.ndarray:
    """An image as an array [H, W, C].

    Args:
      image: a Pillow image (made RGB) or an array [H, W, C] or [C, H, W].
      input_data_format: "channels_first" or "channels_last"; None tells by which axis has as many entries as
        `channels` says, the first if both have.

    Raises:
      InputError: the array has not three axes, is empty, holds NaN, or no axis can be the channels.
    """
    if not isinstance(image, np.ndarray) and hasattr(image, "convert"):
        image, input_data_format = _rgb(image), "channels_last"
    x = np.asarray(image)
    if x.dtype.kind not in "uifb" or x.ndim != 3 or not x.size:
        problem = (
            f"an image must be an array of numbers with shape [H, W, C] or [C, H, W], got {x.dtype}{list(x.shape)}"
        )
        raise InputError("image", [problem])
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise InputError("image", ["an image must hold finite numbers, got NaN or infinity"])
    if input_data_format is None:
        sides = [n for n, axis in (("channels_first", 0), ("channels_last", 2)) if x.shape[axis] in channels]
        if not sides:
            what = " or ".join(map(str, channels))
            problem = f"the first or last axis must be {what} channels, got shape {list(x.shape)}"
            raise InputError("image", [problem], "pass input_data_format='channels_first' or 'channels_last'")
        if len(sides) == 2:
            warnings.warn(f"shape {list(x.shape)} may be read both ways; read as channels first", stacklevel=3)
        input_data_format = sides[0]
    if input_data_format not in ("channels_first", "channels_last"):
        raise InputError(
            "image", [f"input_data_format must be channels_first or channels_last, got {input_data_format!r}"]
        )
    return np.moveaxis(x, 0, -1) if input_data_format == "channels_first" else x


def _rgb(image: Any) -> np.ndarray:
    """The pixels of a Pillow image, uint8 [H, W, 3]."""
    try:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except Exception as e:  # Pillow reads a file's pixels only now
        raise InputError("image", [f"must be a whole image: {e or type(e).__name__}"]) from None


def is_image(x: Any) -> bool:
    """May `x` be one image, as far as its type tells: a Pillow image, an array, a path, bytes or URL?"""
    return isinstance(x, str | bytes | os.PathLike) or hasattr(x, "convert") or hasattr(x, "ndim")


def flat(images: Any) -> list[Any]:
    """The images of one image, an array [B, ...] of them, a list, or a list of lists, one behind the other."""
    if isinstance(images, list | tuple):
        return [one for part in images for one in flat(part)]
    if not is_image(images):
        raise InputError("images", [f"must be an image or a list of images, got {type(images).__name__}"])
    if getattr(images, "ndim", 0) == 4:
        return list(np.asarray(images))
    return [images]
