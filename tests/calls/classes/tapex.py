"""Questions and tables as one text."""

import random
from typing import Any

from calls.case import plain
from text.case import Case
from text.corpus import STRINGS

_FILES = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
CASE = Case("tapex", "TapexTokenizer", _FILES)
ACTORS = [
    ["Actor", "Born", "Films"],
    ["Brad Pitt", "18 December 1963", "87"],
    ["Leonardo DiCaprio antidisestablishmentarianism", "<mask> 11 November 1974", "53"],
    ["naïve 日本", " ", ""],
    ["?", "1961-05", "fifty  "],
]
LONG = [
    ["id", "words"],
    *([str(i), f"fox number {i} is antidisestablishmentarianism"] for i in range(30)),
    ["x", "FOX"],
]
BARE = [["name", "year"]]
TABLES = {"actors": ACTORS, "long": LONG, "bare": BARE}
ONE, TWO = "Who made more than 53 Films?", "where is the FOX 12 ?"
# (tables, options)
CALLS: list[tuple[Any, dict[str, Any]]] = [
    ("actors", {"query": ONE}),
    ("actors", {}),
    ("actors", {"query": "", "return_special_tokens_mask": True, "return_token_type_ids": True}),
    ("bare", {"query": ONE}),
    ("actors", {"query": ONE, "add_special_tokens": False}),
    ("actors", {"query": ONE, "answer": ["Brad Pitt"], "max_length": 30, "truncation": True, "return_length": True}),
    ("actors", {"query": ONE, "padding": "max_length", "max_length": 200, "return_tensors": "np"}),
    ("actors", {"query": [ONE, TWO], "padding": True}),
    (["actors", "long", "bare"], {"query": TWO, "padding": True, "pad_to_multiple_of": 8, "return_tensors": "np"}),
    (["actors", "long"], {"query": [ONE, TWO], "answer": ["87", "FOX"], "return_attention_mask": False}),
    (None, {"answer": "Brad Pitt, FOX"}),
    (None, {"answer": ["Brad Pitt", "FOX and <mask>"], "padding": True, "return_tensors": "np"}),
    (None, {"answer": ["Brad Pitt", "FOX"], "truncation": True, "max_length": 3}),
]
# Tables of which rows are dropped: (table, query, answer, max_length).
DROPS = [
    ("long", TWO, None, 10_000),
    ("long", TWO, None, 200),
    ("long", TWO, ["3", "20"], 300),
    ("long", "FOX", ["fox number 17 is antidisestablishmentarianism"], 120),
    ("long", TWO, None, 10),
    ("actors", ONE, None, 60),
    ("actors", ONE, ["Leonardo DiCaprio antidisestablishmentarianism"], 90),
]


def make(rows: list[list[str]]) -> Any:
    """A table as the reference takes it or, without its library, its rows."""
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows[1:], columns=rows[0])


def observe(load) -> dict[str, Any]:
    """What either side makes of tables."""

    def table(name):
        return [table(n) for n in name] if isinstance(name, list) else None if name is None else make(TABLES[name])

    found: dict[str, Any] = {}
    for label, settings in {"plain": {}, "cells": {"max_cell_length": 4, "do_lower_case": False}}.items():
        made = load(CASE, **settings)
        found |= {f"{label}/{n}": plain(made(table(name), **call)) for n, (name, call) in enumerate(CALLS)}
        found[f"{label}/encode"] = [made.encode(table("actors"), ONE), made.target_encode("FOX")]
        for n, (name, query, answer, length) in enumerate(DROPS):
            random.seed(0)
            strategy = {"truncation_strategy": "drop_rows_to_fit", "max_length": length}
            answers = None if answer is None else list(answer)
            found[f"{label}/drop/{n}"] = made.prepare_table_query(table(name), query, answers, **strategy)
        cells = [STRINGS[i : i + 4] for i in range(0, len(STRINGS) - 4, 4)]
        found[f"{label}/text"] = made.prepare_table_query(make([list("abcd"), *cells]), ONE)
    return found
