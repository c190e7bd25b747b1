"""Processors of pages: Donut, Nougat, Pix2Struct, LayoutLM."""

from __future__ import annotations

import io
import math
import textwrap
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.images.interpolate import smooth
from jaxformers.processing.images.loading import pillow
from jaxformers.processing.images.processor import BOTH, SIZES_OF, ImageProcessor

_BICUBIC = 3


class Donut(ImageProcessor):
    """Pages are turned, made to fit into `size` in two steps, and padded around."""

    sides = BOTH
    steps: ClassVar[tuple[str, ...]] = ("align_long_axis", "resize", "thumbnail", "pad", "rescale", "normalize")

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        settings = super().upgraded(settings)
        if isinstance(size := settings.get("size"), list | tuple):
            settings["size"] = size[::-1]  # files that hold a pair mean (width, height)
        return settings

    @property
    def whole(self) -> tuple[int, int]:
        """`size` as (height, width)."""
        return self.size["height"], self.size["width"]

    def target(self, h: int, w: int) -> tuple[int, int]:
        return transforms.shortest_edge(h, w, min(self.whole))

    def do_align_long_axis_to(self, x: np.ndarray) -> np.ndarray:
        """A quarter turn clockwise, for an image that is wide where `size` is tall, or the other way round."""
        (h, w), (rows, columns) = self.whole, x.shape[:2]
        return np.rot90(x, 3) if (w < h and columns > rows) or (w > h and columns < rows) else x

    def do_thumbnail_to(self, x: np.ndarray) -> np.ndarray:
        """Made smaller if a side is larger than `size`; the form stays, but for squares."""
        rows, columns = x.shape[:2]
        h, w = min(rows, self.whole[0]), min(columns, self.whole[1])
        if (h, w) == (rows, columns):
            return x
        if rows > columns:
            w = int(columns * h / rows)
        elif columns > rows:
            h = int(rows * w / columns)
        return transforms.resize(x, (h, w), _BICUBIC, gap=2.0)

    def do_pad_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.pad_around(x, self.whole)


class Nougat(Donut):
    """Donut's steps behind a crop to what is printed."""

    steps: ClassVar[tuple[str, ...]] = ("crop_margin", *Donut.steps)

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        return ImageProcessor.upgraded(self, settings)

    def do_crop_margin_to(self, x: np.ndarray) -> np.ndarray:
        """The smallest part that holds all pixels darker than 200 of 255, once gray goes from 0 to 255."""
        image = transforms.to_pillow(x)
        gray = np.asarray(image.convert("L"))
        low, high = gray.min(), gray.max()
        whole = np.asarray(image).reshape(x.shape)
        if low == high:
            return whole
        rows, columns = np.nonzero((gray - low) / (high - low) * 255 < 200)
        return whole[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


class Pix2Struct(ImageProcessor):
    """Images are scaled to fill `max_patches` patches, and become rows of patches with their places."""

    sizes = (*SIZES_OF, "patch_size")

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        header_text: Any = None,
        return_tensors: str | None = None,
        input_data_format: str | None = None,
        font_path: str | None = None,
        font_bytes: bytes | None = None,
        **changes: Any,
    ) -> Features:
        """`flattened_patches`, float32 [max_patches, 2 + h * w * C] an image, and `attention_mask`, float32.

        A patch has its row and column, from 1 on, in front. Rows behind the last patch are zero, and so is their mask.

        Args:
          images: as `ImageProcessor` takes them.
          header_text: with `is_vqa` a question, or one for each image, which is printed above it.
          font_path, font_bytes: a TrueType font for it. The published checkpoints were trained with Arial.

        Raises:
          InputError: `is_vqa` is on and there is no text or no font.
        """
        own = self.changed(changes)
        pixels = own.arrays(images, input_data_format)
        if own.is_vqa:
            texts = [header_text] * len(pixels) if isinstance(header_text, str) else list(header_text or ())
            if len(texts) != len(pixels):
                problem = (
                    f"header_text must be one for each image, as is_vqa is on, got {len(texts)} for {len(pixels)}"
                )
                raise InputError(self.name, [problem])
            font = font_path if font_bytes is None else font_bytes
            pixels = [with_header(x, text, font) for x, text in zip(pixels, texts, strict=True)]
        patches = [own.patches(own.do_normalize_to(x) if own.does("normalize") else x) for x in pixels]
        masks = [(p.sum(-1) != 0).astype(np.float32) for p in patches]
        return Features({"flattened_patches": patches, "attention_mask": masks}, return_tensors)

    def do_normalize_to(self, x: np.ndarray) -> np.ndarray:
        """To mean 0 and deviation 1 over the whole image."""
        x = x.astype(np.float32) if x.dtype == np.uint8 else x
        least = 1 / math.sqrt(x.size)
        return transforms.normalize(x, x.mean(), max(x.std(), least))

    def patches(self, x: np.ndarray) -> np.ndarray:
        """x [H, W, C] as rows of row, column and patch."""
        h, w, most = self.patch_size["height"], self.patch_size["width"], self.max_patches
        scale = math.sqrt(most * (h / x.shape[0]) * (w / x.shape[1]))
        rows = max(min(math.floor(scale * x.shape[0] / h), most), 1)
        columns = max(min(math.floor(scale * x.shape[1] / w), most), 1)
        size = rows * h, columns * w
        transforms.bounded("patch_size", size)
        transforms.bounded("max_patches", (most, h * w))
        y = np.moveaxis(smooth(np.moveaxis(x, -1, 0), size), 0, -1)
        y = y.reshape(rows, h, columns, w, -1).swapaxes(1, 2).reshape(rows * columns, -1)
        places = np.stack(np.divmod(np.arange(rows * columns), columns), 1) + 1
        out = np.zeros((most, 2 + y.shape[1]), np.float32)
        out[: len(y)] = np.concatenate([places, y], 1)
        return out


def with_header(x: np.ndarray, text: str, font: str | bytes | None) -> np.ndarray:
    """x [H, W, C] below `text`, black on white; both are scaled to the wider's width.

    font: a TrueType font, as a path or the file's bytes.
    """
    module = pillow()
    import PIL.ImageDraw
    import PIL.ImageFont

    if font is None:
        raise InputError("header_text", ["needs a TrueType font"], "pass font_path or font_bytes")
    try:
        file = io.BytesIO(font) if isinstance(font, bytes) else font
        face = PIL.ImageFont.truetype(file, encoding="UTF-8", size=36)
    except OSError as e:
        raise InputError("header_text", [f"font_path or font_bytes must be a TrueType font: {e}"]) from None
    lines = "\n".join(textwrap.wrap(text, 80))
    box = PIL.ImageDraw.Draw(module.new("RGB", (1, 1))).textbbox((0, 0), lines, face)
    header = module.new("RGB", (int(box[2]) + 10, int(box[3]) + 10), "white")
    PIL.ImageDraw.Draw(header).text((5, 5), lines, "black", face)
    image = transforms.to_pillow(x)
    width = max(header.width, image.width)
    height, above = (int(part.height * (width / part.width)) for part in (image, header))
    whole = module.new("RGB", (width, height + above), "white")
    whole.paste(header.resize((width, above)), (0, 0))
    whole.paste(image.resize((width, height)), (0, above))
    return np.asarray(whole)


class LayoutLM(ImageProcessor):
    """Pages of documents. With `apply_ocr` their words are read by Tesseract."""

    steps: ClassVar[tuple[str, ...]] = ("resize", "rescale", "normalize")

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `ImageProcessor`; with `apply_ocr` also `words` and `boxes`, lists of each image's.

        A box is (left, top, right, bottom) in thousandths of the page.

        Raises:
          InputError: `apply_ocr` is on and Tesseract is not installed.
        """
        own = self.changed(changes)
        pages = own.arrays(images, input_data_format)
        read = [words_of(x, own.ocr_lang, own.tesseract_config) for x in pages] if own.apply_ocr else []
        fields: dict[str, list] = {"pixel_values": [own.out(own.prepare(x), data_format) for x in pages]}
        if own.apply_ocr:
            fields |= {"words": [words for words, _ in read], "boxes": [boxes for _, boxes in read]}
        return Features(fields, return_tensors, ragged=("words", "boxes"))


class LayoutLMv2(LayoutLM):
    """Bytes of a page, blue first."""

    steps: ClassVar[tuple[str, ...]] = ("resize",)

    def prepare(self, x: np.ndarray) -> np.ndarray:
        return super().prepare(x)[..., ::-1]


def words_of(x: np.ndarray, language: str | None, config: str | None) -> tuple[list[str], list[list[int]]]:
    """The words on a page [H, W, C], and their boxes in thousandths, as Tesseract reads them."""
    todo = "pass apply_ocr=False and give words and boxes to the tokenizer"
    try:
        import pytesseract
    except ImportError:
        raise InputError("apply_ocr", ["needs pytesseract"], f"pip install 'jaxformers[ocr]', or {todo}") from None
    h, w = x.shape[:2]
    try:
        found = pytesseract.image_to_data(
            transforms.to_pillow(x), lang=language, output_type="dict", config=config or ""
        )
    except (OSError, pytesseract.TesseractError) as e:
        raise InputError(
            "apply_ocr", [f"Tesseract must be installed and know ocr_lang {language!r}: {e}"], todo
        ) from None
    words, boxes = [], []
    for text, left, top, width, height in zip(
        *(found[k] for k in ("text", "left", "top", "width", "height")), strict=True
    ):
        if text.strip():
            words.append(text)
            edges = (left / w, top / h, (left + width) / w, (top + height) / h)
            boxes.append([int(1000 * edge) for edge in edges])
    return words, boxes
