"""Which values the settings of image processors may have, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from jaxformers.processing.images.transforms import FILTERS, PADDINGS

Rule = tuple[str, Callable[[Any], bool]]  # in words, and whether a value (not None) keeps it
TEXTS = 2**16  # of an image; more is taken for a mistake
_STEPS = ("resample", "rescale_factor", "crop_pct")  # may be null where their steps are off, or go without


def _number(x: Any) -> bool:
    return isinstance(x, int | float | np.number) and not isinstance(x, bool) and math.isfinite(x)


def _whole(x: Any) -> bool:
    return _number(x) and not isinstance(x, float | np.floating)


def _numbers(x: Any) -> bool:
    return _number(x) or (isinstance(x, list | tuple | np.ndarray) and len(x) > 0 and all(map(_number, x)))


def _colors(x: Any) -> bool:
    rows = list(x) if isinstance(x, list | tuple | np.ndarray) else []
    return bool(rows) and all(np.ndim(row) == 1 and _numbers(row) and len(row) == len(rows[0]) for row in rows)


def _pairs(x: Any) -> bool:
    return isinstance(x, list | tuple) and len(x) > 0 and all(map(_pair, x))


def _pair(x: Any) -> bool:
    values = list(x.values()) if isinstance(x, Mapping) else list(x) if isinstance(x, list | tuple) else []
    return len(values) == 2 and all(_whole(n) and n > 0 for n in values)


_POSITIVE: Rule = ("a positive number", lambda x: _number(x) and x > 0)
_COUNT: Rule = ("a whole number from 1 on", lambda x: _whole(x) and x > 0)
_NUMBER: Rule = ("a number", _number)
_PADDING: Rule = (f"one of {', '.join(PADDINGS)}", lambda x: isinstance(x, str) and x in PADDINGS)

RULES: dict[str, Rule] = {
    "resample": (f"one of {FILTERS}", lambda x: _whole(x) and x in FILTERS.values()),
    "rescale_factor": _NUMBER,
    "image_mean": ("a number or one for each channel", _numbers),
    "image_std": ("a number or one for each channel, not 0", lambda x: _numbers(x) and bool(np.all(np.asarray(x)))),
    "crop_pct": _POSITIVE,
    "padding_value": _NUMBER,
    "constant_values": _NUMBER,
    "padding_mode": _PADDING,
    "pad_mode": _PADDING,
    "ignore_index": ("a whole number", _whole),
    "clusters": ("colors [N, C]", _colors),
    "patch_size": ("two whole numbers from 1 on", _pair),
    "image_grid_pinpoints": ("sizes (height, width) of whole numbers from 1 on", _pairs),
    **dict.fromkeys(
        (
            "ensure_multiple_of",
            "size_divisor",
            "max_patches",
            "image_size",
            "num_frames",
            "input_size_patches",
            "total_mask_patches",
            "mask_group_min_patches",
            "mask_group_max_patches",
        ),
        _COUNT,
    ),
    "num_text": (f"a whole number from 1 to {TEXTS}", lambda x: _COUNT[1](x) and x <= TEXTS),
    "mask_group_min_aspect_ratio": _POSITIVE,
    "mask_group_max_aspect_ratio": _POSITIVE,
}


def broken(settings: Mapping[str, Any], known: Mapping[str, Any], counts: Collection[str] = ()) -> list[str]:
    """What is wrong with the settings that are `known`; those of FLAVA's codebook keep the same rules.

    Args:
      known: by name what settings are when left out. One that is then given must not be null.
      counts: names of those that are counts, whatever the rule of that name is.
    """
    out = []
    for name, value in settings.items():
        rule = _COUNT if name in counts else RULES.get(name.removeprefix("codebook_"))
        if rule is None or name not in known or (value is None and (known[name] is None or name in _STEPS)):
            continue
        if value is None or not rule[1](value):
            out.append(f"{name} must be {rule[0]}, got {value!r:.80}")
    return out
