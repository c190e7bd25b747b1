"""SAM's processor: points and boxes in an image, where they are once it is resized."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import transforms
from jaxformers.processing.processors import Processor


class Sam(Processor):
    """An image processor that also takes points and boxes."""

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        segmentation_maps: Any = None,
        input_points: Any = None,
        input_labels: Any = None,
        input_boxes: Any = None,
        point_pad_value: int = -10,
        return_tensors: str | None = None,
        **options: Any,
    ) -> Features:
        """The image processor's fields, and those of points and boxes, (x, y) as the model sees them.

        Args:
          images, segmentation_maps, options: as the image processor takes them.
          input_points: for each image points [N, 2] or sets of them [sets, N, 2] in its pixels -> `input_points`,
            float32 [B, sets, N, 2].
          input_labels: for each image [N] or [sets, N]: 1 is inside, 0 outside -> int64 [B, sets, N].
          input_boxes: for each image boxes [N, 4], (left, top, right, bottom) -> float32 [B, N, 4].
          point_pad_value: place and label of points that fill up images with fewer.

        Raises:
          InputError: not as many as there are images, other shapes, points of different numbers without labels.
        """
        fields: dict[str, Any] = dict(self.seen(images, segmentation_maps=segmentation_maps, **options))
        sizes = [(int(h), int(w)) for h, w in fields["original_sizes"]]
        made: dict[str, list[np.ndarray]] = {}
        for name, given in zip(_RULES, (input_points, input_labels, input_boxes), strict=True):
            if given is not None:
                made[name] = self._rows(name, given, len(sizes))
        for name in made.keys() - {"input_labels"}:
            made[name] = [self._placed(x, size) for x, size in zip(made[name], sizes, strict=True)]
        if "input_points" in made and "input_labels" in made:
            made |= self._filled(made["input_points"], made["input_labels"], point_pad_value)
        for name, rows in made.items():
            if return_tensors is not None and len({x.shape for x in rows}) > 1:
                problem = f"{name} must be equally many in all images, got shapes {[list(x.shape) for x in rows]}"
                way = "pass input_labels, so that points can be filled up" if name == "input_points" else ""
                raise InputError(self.name, [problem], way)
            fields[name] = rows
        return Features(fields, return_tensors)

    def _rows(self, name: str, given: Any, n: int) -> list[np.ndarray]:
        """One array an image, of points and labels with an axis of sets."""
        rule, last, depth = _RULES[name]
        try:
            rows = [np.asarray(one, np.float64 if last else np.int64) for one in given]
        except (TypeError, ValueError):
            raise InputError(self.name, [f"{name} must be numbers {rule} for each image, got {given!r:.80}"]) from None
        if len(rows) != n:
            raise InputError(self.name, [f"{name} must be given for each of {n} images, got {len(rows)}"])
        if name != "input_boxes":
            rows = [x[None] if x.ndim == depth - 1 else x for x in rows]
        if any(x.ndim != depth or (last and x.shape[-1] != last) for x in rows):
            raise InputError(self.name, [f"{name} must be {rule} for each image, got {given!r:.80}"])
        return rows

    def _filled(self, points: list[np.ndarray], labels: list[np.ndarray], value: int) -> dict[str, list[np.ndarray]]:
        """Points [sets, N, 2] and labels [sets, N] of all images, as many as the most."""
        if any(x.shape[:-1] != label.shape for x, label in zip(points, labels, strict=True)):
            shapes = [(list(x.shape), list(label.shape)) for x, label in zip(points, labels, strict=True)]
            raise InputError(self.name, [f"input_labels must be one a point, got shapes {shapes}"])
        most = max(x.shape[1] for x in points)
        more = [((0, 0), (0, most - x.shape[1])) for x in points]
        return {
            "input_points": [
                np.pad(x, (*m, (0, 0)), constant_values=value) for x, m in zip(points, more, strict=True)
            ],
            "input_labels": [np.pad(x, m, constant_values=value) for x, m in zip(labels, more, strict=True)],
        }

    def _placed(self, x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Places [..., 2 or 4] in an image of `size` (height, width), in the resized one."""
        h, w = transforms.longest_edge(*size, self.other.size["longest_edge"])
        scale = np.asarray([w / size[1], h / size[0]])
        return (x * np.tile(scale, x.shape[-1] // 2)).astype(np.float32)


# Of each field: its shape in words, the size of its last axis if that is fixed, and its axes with that of sets.
_RULES = {
    "input_points": ("[N, 2] or [sets, N, 2]", 2, 3),
    "input_labels": ("[N] or [sets, N]", None, 2),
    "input_boxes": ("[N, 4]", 4, 2),
}
