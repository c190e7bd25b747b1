"""Fuyu's processor: patches of an image among the ids of a text, and places in it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint import coordinates
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor

_MORE = 10  # indices behind those of a text, for what is to be written
_LONGEST = 16384
_PAD, _NO_PATCH = 0, -1


class Fuyu(Processor):
    """Reads a text about an image."""

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.image_token_id = coordinates.known(self.tokenizer, "|SPEAKER|")
        self.image_newline_id = coordinates.known(self.tokenizer, "|NEWLINE|")

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        return_tensors: str | None = None,
        return_mm_token_type_ids: bool = False,
        **options: Any,
    ) -> Features:
        """`input_ids` and `attention_mask`, int64 [B, S], padded at their left; what the model needs of the images.

        `image_patches` is a list of float32 [1, patches, values], of one image that array; `image_patches_indices`
        int64 [B, S + 10], the number of the patch in each place, -1 where there is none. A text alone gives the
        tokenizer's fields.

        Args:
          images: an image, or one for each text.
          text: a text or a list. `<box>top, left, bottom, right</box>` and `<point>x, y</point>` are places in pixels.
          return_tensors: "np" or "jax"; beside images there are always arrays.
          options: of the image processor's call, and of the tokenizer's, which hold for a text alone.
          return_mm_token_type_ids: also `mm_token_type_ids`, 1 for the image.

        Raises:
          InputError: neither is given, numbers of images and texts differ, a place can not be, a text is too long.
        """
        if images is None and text is None:
            raise InputError(self.name, ["text or images must be given"])
        theirs, rest = shares(self, options)
        kinds = rest.pop("return_mm_token_type_ids", return_mm_token_type_ids)
        if images is None:
            usual = {"return_attention_mask": True, "return_token_type_ids": False, **rest}
            return Features(self.read(text, return_tensors=return_tensors, **usual))
        if wrong := rest.keys() - inspect.signature(type(self.tokenizer)._call).parameters:
            raise TypeError(f"{self.name} got an unexpected keyword argument {min(wrong)!r}")
        kind = return_tensors or "np"
        seen = self.seen(images, **theirs)
        n = len(seen["images"])
        texts = [""] * n if text is None else [text] if isinstance(text, str) else list(text)
        if len(texts) != n:
            raise InputError(self.name, [f"images must be one for each text, got {n} for {len(texts)}"])
        rows = [self._row(one, seen, k) for k, one in enumerate(texts)]
        ids = _left([row for row, _, _ in rows], _PAD)
        fields: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": _left([np.ones_like(row) for row, _, _ in rows], 0),
            "image_patches_indices": _left([places for _, places, _ in rows], _NO_PATCH),
        }
        if kinds:
            fields["mm_token_type_ids"] = np.isin(ids, (self.image_token_id, self.image_newline_id)).astype(np.int64)
        made = Features({k: list(v) for k, v in fields.items()}, kind)
        patches = [Features({"image_patches": [one]}, kind)["image_patches"] for _, _, one in rows]
        return Features({**made, "image_patches": patches[0] if n == 1 else patches})

    def _row(self, text: str, seen: Features, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The ids of an image and a text, the patches' places among them, and the patches."""
        image = self.image_processor.preprocess_with_tokenizer_info(
            [seen["images"][k]],
            [[True]],
            [seen["image_unpadded_heights"][k]],
            [seen["image_unpadded_widths"][k]],
            self.image_token_id,
            self.image_newline_id,
            variable_sized=True,
        )
        words = coordinates.read(text, float(seen["image_scale_factors"][k][0]), self.tokenizer)
        begin, answer = (coordinates.known(self.tokenizer, token) for token in ("<s>", coordinates.ANSWER))
        words = [begin, *words, answer]
        front = image["image_input_ids"][0][0].astype(np.int64)
        if len(words) > _LONGEST:
            raise InputError(self.name, [f"a text must have at most {_LONGEST} tokens, got {len(words)}"])
        ids = np.concatenate([front, words])
        places = np.full(min(len(ids) + _MORE, _LONGEST), _NO_PATCH, np.int64)
        places[: len(front)] = image["image_patch_indices_per_batch"][0][0][: len(places)]
        return ids, places, image["image_patches"][0][0]

    def post_process_box_coordinates(self, outputs: Any, target_sizes: Any = None) -> list[np.ndarray]:
        """Ids with boxes and points put in words: "<box>top, left, bottom, right</box>", "<point>x, y</point>".

        Args:
          outputs: rows of ids [B, S].
          target_sizes: (height, width) of each image, for places in its pixels; None: in those of the resized one.

        Raises:
          InputError: there are more or fewer sizes than rows, or they are something else.
        """
        whole = self.image_processor.size["height"], self.image_processor.size["width"]
        rows = [np.asarray(row) for row in outputs]
        sizes = np.asarray([whole] * len(rows) if target_sizes is None else target_sizes)
        if sizes.shape != (len(rows), 2):
            problem = (
                f"target_sizes must be (height, width) of each of {len(rows)} rows, got shape {list(sizes.shape)}"
            )
            raise InputError(self.name, [problem])
        out = []
        for row, size in zip(rows, sizes.astype(np.float32), strict=True):
            scale = min(np.float32(1), *(np.float32(most) / n for most, n in zip(whole, size, strict=True)))
            for numbers in coordinates.FORMS:
                row = coordinates.written(row, scale, self.tokenizer, numbers)
            out.append(row)
        return out

    def post_process_image_text_to_text(
        self, generated_outputs: Any, skip_special_tokens: bool = True, **options: Any
    ) -> list[str]:
        """The answers in rows of ids [B, S], whose texts are followed by the token of the answer.

        Raises:
          InputError: a row lacks that token.
        """
        answer = coordinates.known(self.tokenizer, coordinates.ANSWER)
        rows = [np.asarray(row) for row in generated_outputs]
        if lacking := [k for k, row in enumerate(rows) if answer not in row]:
            raise InputError(self.name, [f"rows must hold the token of an answer, {answer}, rows {lacking} do not"])
        said = [row[int((row == answer).argmax()) + 1 :].tolist() for row in rows]
        longest = max(map(len, said), default=0)
        filled = [row + [_PAD] * (longest - len(row)) for row in said]
        return self.batch_decode(filled, skip_special_tokens=skip_special_tokens, **options)


def _left(rows: list[np.ndarray], value: int) -> np.ndarray:
    """Rows [S] of different lengths as one array [B, S], int64, filled up at their left."""
    longest = max(map(len, rows))
    return np.stack([np.pad(row, (longest - len(row), 0), constant_values=value) for row in rows]).astype(np.int64)
