"""Seeded numbers in the place of what models say about two images."""

import numpy as np

SIZES = [(31, 45), (18, 12)]
CLASSES, QUERIES = 5, 9


def said() -> dict[str, np.ndarray]:
    """`maps` and `depth` of pixels; `classes`, `boxes` and `masks` of queries."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:10, 0:13]
    blobs = rng.uniform(0, 10, (2, QUERIES, 3))
    masks = np.stack([[6 - ((y - b[0]) ** 2 + (x - b[1] * 1.3) ** 2) / (1 + b[2]) for b in image] for image in blobs])
    return {
        "maps": rng.normal(size=(2, CLASSES, 10, 13)).astype(np.float32),
        "depth": rng.normal(size=(2, 10, 13)).astype(np.float32),
        "classes": (3 * rng.normal(size=(2, QUERIES, CLASSES + 1))).astype(np.float32),
        "boxes": rng.uniform(0.1, 0.9, (2, QUERIES, 4)).astype(np.float32),
        "masks": masks.astype(np.float32),
    }
