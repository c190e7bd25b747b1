"""Added tokens in decoded text, with spaces around them and without, of classes in Python."""

import random
from typing import Any

from text.case import cases

NAMES = [
    "byt5-few",
    "canine-mask",
    "xlm-added",
    "marian-added",
    "m2m100",
    "plbart",
    "ctrl",
    "esm",
    "mgp-str",
    "bert-plain",
]
CASES = [case for case in cases() if case.name in NAMES]


def observe(load) -> dict[str, Any]:
    """The texts on either side."""
    found: dict[str, Any] = {}
    for case in CASES:
        tokenizer, rng = load(case), random.Random(0)
        tokenizer.add_tokens(["newword", "another"])
        tokenizer.add_tokens(["<more>"], special_tokens=True)
        texts = ["a fox newword the", "another<more> naïve", "newword another"]
        ids = [[int(i) for i in tokenizer(text)["input_ids"]] for text in texts]
        whole = [i for row in ids for i in row] + tokenizer.convert_tokens_to_ids(["newword", "another", "<more>"])
        ids += [[rng.choice(whole) for _ in range(9)] for _ in range(12)]
        found[case.name] = [
            tokenizer.decode(row, skip_special_tokens=skip, spaces_between_special_tokens=spaces)
            for row in ids
            for skip in (False, True)
            for spaces in (False, True)
        ]
    return found
