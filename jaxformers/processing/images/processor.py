"""`ImageProcessor`: the steps that most checkpoints take from a picture to `pixel_values`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import rules, transforms
from jaxformers.processing.images.loading import flat, load_image, to_array
from jaxformers.processing.settings import Configured

SIZES = (
    {"height", "width"},
    {"shortest_edge"},
    {"shortest_edge", "longest_edge"},
    {"longest_edge"},
    {"max_height", "max_width"},
)
BOTH = ("height", "width")
SIZES_OF = ("size", "crop_size", "pad_size", "mask_size", "mask_pad_size", "codebook_size", "codebook_crop_size")


class ImageProcessor(Configured):
    """Resizes, crops, rescales and normalises images, as the settings say.

    Args:
      settings: as in preprocessor_config.json; what is left out is as in `defaults`. Keys that the class does not
        know are kept for `save_pretrained`.

    Raises:
      InputError: a size, filter or mean that can not be.
    """

    steps: ClassVar[tuple[str, ...]] = ("resize", "center_crop", "rescale", "normalize")
    square: ClassVar[bool] = True  # is one number as `size` both sides? Otherwise it is the shorter one
    sizes: ClassVar[tuple[str, ...]] = SIZES_OF  # settings that are sizes
    renamed: ClassVar[Mapping[str, str]] = {}  # keys of old files
    sides: ClassVar[tuple[str, ...]] = ()  # what `size` must name, if not just any of SIZES
    counts: ClassVar[tuple[str, ...]] = ()  # settings that are counts here, and not in other classes
    may_lack: ClassVar[tuple[str, ...]] = ()  # settings that a step needs as a rule, and not here
    name = "ImageProcessor"

    def __init__(self, **settings: Any):
        super().__init__(**self.upgraded(settings))
        for key in self.sizes:
            if self.settings.get(key) is not None:
                self.settings[key] = size_dict(key, self.settings[key], self.square or key != "size")
        self._check()

    def upgraded(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings as today's files have them: old keys renamed; sizes, means and deviations left out where null."""
        settings = {self.renamed.get(k, k): v for k, v in settings.items()}
        return {k: v for k, v in settings.items() if v is not None or not k.endswith(("size", "_mean", "_std"))}

    def _check(self) -> None:
        """Raises InputError for values that can not be, and for a step that lacks what it needs."""
        needs = {
            "resize": ("size", "resample"),
            "center_crop": ("crop_size",),
            "rescale": ("rescale_factor",),
            "normalize": ("image_mean", "image_std"),
            "pad": ("size_divisor",),
        }
        problems = rules.broken(self.settings, self.defaults, self.counts)
        problems += [
            f"{key} must be given, as do_{step} is on"
            for step in self.steps
            if self.does(step)
            for key in needs.get(step, ())
            if key in self.defaults and key not in self.may_lack and self.settings.get(key) is None
        ]
        for key, sides in {"size": self.sides, "crop_size": BOTH, "pad_size": BOTH, "mask_pad_size": BOTH}.items():
            given = self.settings.get(key)
            if given is not None and sides and key not in self.may_lack and given.keys() != set(sides):
                problems.append(f"{key} must have {' and '.join(sides)}, got {given}")
        if problems:
            raise InputError(self.name, problems)

    def does(self, step: str) -> bool:
        """Is a step on?"""
        return bool(self.settings.get(f"do_{step}"))

    # -------------------------------------------------------------------------------------------- images -> arrays

    def __call__(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """`pixel_values`, float32 [C, H, W] an image.

        Args:
          images: an image or a list of them: Pillow images, arrays [H, W, C] or [C, H, W], paths, bytes, URLs; or an
            array of images [B, ...].
          return_tensors: None (a list), "np" or "jax" (one array [B, C, H, W]).
          data_format: "channels_first" or "channels_last", of what is returned.
          input_data_format: of arrays; see `to_array`.
          changes: settings for this call.

        Raises:
          InputError: something is no image, a setting is unknown or can not be, or sizes differ in one array.
        """
        own = self.changed(changes)
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        return Features({"pixel_values": [own.out(x, data_format) for x in pixels]}, return_tensors)

    def preprocess(self, images: Any, *more: Any, **options: Any) -> Features:
        """The call, by another name."""
        return self(images, *more, **options)

    def arrays(self, images: Any, input_data_format: str | None = None) -> list[np.ndarray]:
        """Images as arrays [H, W, C].

        Raises:
          InputError: there is none, or something is no image.
        """
        whole = [load_image(x) if isinstance(x, str | bytes | os.PathLike) else x for x in flat(images)]
        if not whole:
            raise InputError(self.name, ["images must hold at least one image, got none"])
        found = [to_array(x, input_data_format) for x in whole]
        if self.does("rescale") and found[0].dtype.kind == "f" and found[0].min() >= 0 and found[0].max() <= 1:
            warnings.warn("numbers are from 0 to 1 already; pass do_rescale=False to keep them", stacklevel=3)
        return found

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """Takes one image [H, W, C] through the steps."""
        for step in self.steps:
            if self.does(step):
                x = getattr(self, f"do_{step}_to")(x)
        return x

    def out(self, x: np.ndarray, data_format: str = "channels_first") -> np.ndarray:
        """x [H, W, C] in the format asked for."""
        if data_format not in ("channels_first", "channels_last"):
            raise InputError(self.name, [f"data_format must be channels_first or channels_last, got {data_format!r}"])
        return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if data_format == "channels_first" else x

    # -------------------------------------------------------------------------------------------- steps

    def target(self, h: int, w: int) -> tuple[int, int]:
        """The size (height, width) that an image of h x w is resized to."""
        size = self.size
        if "height" in size:
            return size["height"], size["width"]
        if "max_height" in size:
            return transforms.within(h, w, size["max_height"], size["max_width"])
        if "shortest_edge" not in size:
            return transforms.longest_edge(h, w, size["longest_edge"])
        if "longest_edge" in size:
            return transforms.between_edges(h, w, size["shortest_edge"], size["longest_edge"])
        return transforms.shortest_edge(h, w, size["shortest_edge"])

    def do_resize_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.resize(x, self.target(*x.shape[:2]), self.resample)

    def do_center_crop_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.center_crop(x, (self.crop_size["height"], self.crop_size["width"]))

    def do_rescale_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.rescale(x, self.rescale_factor)

    def do_normalize_to(self, x: np.ndarray) -> np.ndarray:
        return transforms.normalize(x, self.image_mean, self.image_std)


def size_dict(name: str, size: Any, square: bool) -> dict[str, int]:
    """A size in the form that files use: a number, a pair (height, width) or a dictionary.

    Args:
      name: of the setting, for errors.
      square: is one number both sides? Otherwise it is the shorter one.
    """
    if isinstance(size, list | tuple) and len(size) == 2:
        size = {"height": size[0], "width": size[1]}
    elif not isinstance(size, Mapping):
        size = {"height": size, "width": size} if square else {"shortest_edge": size}
    known = set(size) in SIZES
    if not known or not all(isinstance(n, int | np.integer) and n is not True and n > 0 for n in size.values()):
        forms = " or ".join("+".join(sorted(s)) for s in SIZES)
        raise InputError(
            "processor", [f"{name} must be a positive number, a pair or a dictionary of {forms}, got {size}"]
        )
    return {k: int(n) for k, n in size.items()}
