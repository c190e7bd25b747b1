"""Pictures that the tests draw themselves, and the processors to compare with the reference on them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from images import extras

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "images"
SAMPLES = 200  # entries of an array that a golden holds


def picture(height: int, width: int, kind: str = "noise") -> np.ndarray:
    """uint8 [H, W, 3]: noise, a gradient, or stripes; the same in every run."""
    rng = np.random.default_rng(zlib.crc32(f"{height}x{width}{kind}".encode()))
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    if kind == "gradient":
        parts = (255 * y / max(1, height - 1), 255 * x / max(1, width - 1), (x + y) % 256)
    else:
        parts = (255 * (x % 7 < 3), 255 * (y % 5 < 2), 40 * ((x // 3 + y // 4) % 6))
    return np.stack(parts, -1).astype(np.uint8)


PICTURES = {
    "wide": picture(61, 117),
    "tall": picture(120, 43, "gradient"),
    "small": picture(17, 17, "stripes"),
    "large": picture(203, 180, "gradient"),
    "dot": picture(1, 1),
    "line": picture(2, 97, "stripes"),
    "fits": picture(40, 51),
    "page": np.pad(picture(60, 41, "stripes") // 2, ((21, 9), (11, 30), (0, 0)), constant_values=240),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A processor and how it is called.

    Args:
      name: of its golden.
      reference: the reference's class.
      settings: of preprocessor_config.json.
      extra: what is given beside pictures, a function of `extras`.
      one: call picture by picture, as the results differ in size.
      clip: are pictures the frames of a video?
      form: of the pictures: "bytes" [H, W, C], "scaled" (float32 from 0 to 1, channels first), or a mode of Pillow's.
      pictures: their names.
      call: options of the call.
    """

    name: str
    reference: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    extra: str | None = None
    one: bool = False
    clip: bool = False
    form: str = "bytes"
    pictures: tuple[str, ...] = ("wide", "tall", "small", "large")
    call: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        config = {"image_processor_type": self.reference, **self.settings}
        if "class_info_file" in config:
            config["repo_path"] = str(directory)
            (directory / config["class_info_file"]).write_text(json.dumps(extras.CLASSES))
        (directory / "preprocessor_config.json").write_text(json.dumps(config))
        return directory


def given(x: np.ndarray, form: str) -> Any:
    """A picture in one of the forms of `Case`."""
    if form == "bytes":
        return x
    if form == "scaled":
        return np.moveaxis(x, -1, 0) / np.float32(255)
    import PIL.Image

    if form == "RGBA":
        return PIL.Image.fromarray(np.concatenate([x, x[..., :1] // 2 + x[..., 1:2] // 3], -1))
    return PIL.Image.fromarray(x).convert(form)


def observe(processor, case: Case) -> dict[str, np.ndarray]:
    """What a processor of either side makes of the pictures, by name."""
    found: dict[str, np.ndarray] = {}
    groups = [[name] for name in case.pictures] if case.one else [list(case.pictures)]
    for names in groups:
        pictures = [PICTURES[n] for n in names]
        images: Any = [given(x, case.form) for x in pictures]
        if case.clip:
            images = [pictures[:1] * 2, [x[::-1] for x in pictures[:1]] * 2]
        with tempfile.TemporaryDirectory() as folder:
            more = getattr(extras, case.extra)(pictures, pathlib.Path(folder)) if case.extra else {}
            random.seed(0)  # FLAVA hides patches by it
            out = processor(images, return_tensors="np", **more, **case.call)
        out = out if isinstance(out, Mapping) else {"pixel_values": out}
        for key, value in out.items():
            found |= dict(parts("/".join((*names[: len(names) * case.one], key)), value))
    return found


def parts(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays in nested lists and dictionaries; a list of equally large ones is one array."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from parts(f"{name}.{key}", one)
    elif isinstance(value, list | tuple):
        inner = [list(parts("", one)) for one in value]
        if all(len(one) == 1 and one[0][0] == "" for one in inner) and len({one[0][1].shape for one in inner}) == 1:
            yield name, np.stack([one[0][1] for one in inner])
        else:
            for i, one in enumerate(inner):
                yield from ((f"{name}{i}{key}", x) for key, x in one)
    else:
        yield name, np.asarray(value)


def digest(x: np.ndarray) -> dict[str, Any]:
    """What a golden holds of an array: shape, dtype, mean, mean of squares and some entries."""
    if x.dtype.kind == "U":
        return {"shape": list(x.shape), "dtype": "text", "moments": [], "entries": x.reshape(-1).tolist()}
    rng = np.random.default_rng(x.size)
    at = rng.integers(0, max(1, x.size), min(SAMPLES, x.size))
    flat = x.reshape(-1).astype(np.float64)
    moments = [flat.mean(), (flat**2).mean()] if x.size else [0.0, 0.0]
    listed = [[float(f"{v:.9g}") for v in values] for values in (moments, flat[at])]
    return {"shape": list(x.shape), "dtype": str(x.dtype), "moments": listed[0], "entries": listed[1]}
