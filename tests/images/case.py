"""Pictures that the tests draw themselves, and the processors to compare with the reference on them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

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
}


def labels(x: np.ndarray) -> np.ndarray:
    """A map of classes 0 to 6 and 255 for a picture."""
    h, w = x.shape[:2]
    y, x = np.mgrid[0:h, 0:w]
    out = ((x // 9 + y // 6) % 8).astype(np.uint8)
    return np.where(out == 7, 255, out).astype(np.uint8)


def annotation(x: np.ndarray, number: int) -> dict[str, Any]:
    """COCO's form for detection: four boxes, one of them a crowd, one that reaches out of the picture."""
    h, w = x.shape[:2]
    boxes = [[1, 2, w / 2, h / 3], [w / 4, h / 4, w, h / 2], [0.5, 0.25, 6.5, 7.75], [2, 2, 3, 3]]
    things = [
        {"bbox": box, "category_id": 3 + i, "area": box[2] * box[3], "iscrowd": int(i == 3), "id": i}
        for i, box in enumerate(boxes)
    ]
    return {"image_id": number, "annotations": things}


@dataclasses.dataclass(frozen=True)
class Case:
    """A processor and how it is called.

    Args:
      name: of its golden.
      reference: the reference's class.
      settings: of preprocessor_config.json.
      extra: also give "maps" or "annotations".
      one: call picture by picture, as the results differ in size.
      clip: are pictures the frames of a video?
      scaled: give pictures as float32 from 0 to 1, channels first.
    """

    name: str
    reference: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    extra: str | None = None
    one: bool = False
    clip: bool = False
    scaled: bool = False

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        config = {"image_processor_type": self.reference, **self.settings}
        (directory / "preprocessor_config.json").write_text(json.dumps(config))
        return directory


def observe(processor, case: Case) -> dict[str, np.ndarray]:
    """What a processor of either side makes of the pictures, by name."""
    found: dict[str, np.ndarray] = {}
    groups = [[name] for name in PICTURES] if case.one else [list(PICTURES)]
    for names in groups:
        pictures = [PICTURES[n] for n in names]
        given: Any = [np.moveaxis(x, -1, 0) / np.float32(255) for x in pictures] if case.scaled else pictures
        if case.clip:
            given = [pictures[:1] * 2, [x[::-1] for x in pictures[:1]] * 2]
        more: dict[str, Any] = {}
        if case.extra == "maps":
            more["segmentation_maps"] = [labels(x) for x in pictures]
        if case.extra == "annotations":
            more["annotations"] = [annotation(x, i) for i, x in enumerate(pictures)]
        out = processor(given, return_tensors="np", **more)
        for key, value in out.items():
            if key == "labels" and case.extra == "annotations":
                parts = {f"{key}{i}.{k}": v for i, one in enumerate(value) for k, v in one.items()}
            else:
                parts = {key: value}
            found |= {"/".join((*names[: len(names) * case.one], k)): np.asarray(v) for k, v in parts.items()}
    return found


def digest(x: np.ndarray) -> dict[str, Any]:
    """What a golden holds of an array: shape, dtype, mean, mean of squares and some entries."""
    rng = np.random.default_rng(x.size)
    at = rng.integers(0, max(1, x.size), min(SAMPLES, x.size))
    flat = x.reshape(-1).astype(np.float64)
    moments = [float(flat.mean()), float((flat**2).mean())] if x.size else [0.0, 0.0]
    return {"shape": list(x.shape), "dtype": str(x.dtype), "moments": moments, "entries": flat[at].tolist()}
