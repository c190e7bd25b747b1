"""Mistral's tekken.json, of which the reference has neither pairs nor offsets."""

from text.case import Case

CASES = [
    Case(
        "tekken",
        "MistralCommonTokenizer",
        {"tekken.json": "tekken.json"},
        offsets=False,
        pairs=False,
        needs="mistral_common",
    ),
    Case(
        "tekken-named",
        "MistralCommonTokenizer",
        {"tekken.json": "tekken-named.json"},
        offsets=False,
        pairs=False,
        needs="mistral_common",
    ),
]
