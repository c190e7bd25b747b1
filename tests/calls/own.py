"""Calls of tokenizers that take more than texts: LUKE's entities, DPR's passages."""

from __future__ import annotations

import json
import pathlib
import types
from typing import Any

import numpy as np
from text.case import Case

ONE = "Beyoncé lives in Los Angeles, said the cheetah of New York."
TWO = "the quick brown fox is not in Paris"
ENTITIES = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "[MASK2]": 3, "Beyoncé": 4, "Los Angeles": 5, "Paris": 6}
_ROBERTA = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
_FAIRSEQ = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"}
LUKE, MLUKE = Case("luke", "LukeTokenizer", _ROBERTA), Case("mluke", "MLukeTokenizer", _FAIRSEQ)
READER = Case("dpr", "DPRReaderTokenizer", {"vocab.txt": "wordpiece.txt"})
SHAPES = {"[UNK]": 9, "[PAD]": 8, "the": 10, "##s": 11, "is": 12, ".": 13}
ROC = Case("roc-bert", "RoCBertTokenizer", {"vocab.txt": "wordpiece.txt"})
ALL = [LUKE, MLUKE, READER, ROC]
A, B, C = (0, 7), (17, 28), (50, 58)

CALLS: list[tuple[str | None, dict[str, Any]]] = [
    (None, {"text": ONE}),
    (None, {"text": ONE, "entity_spans": [A, B]}),
    (None, {"text": ONE, "entity_spans": [A, B], "entities": ["Beyoncé", "nobody"], "return_token_type_ids": True}),
    (None, {"text": ONE, "entity_spans": [], "padding": "max_length", "max_length": 40}),
    (None, {"text": ONE, "entity_spans": [(8, 13), (3, 5)], "add_special_tokens": False}),
    (None, {"text": ONE, "entity_spans": [A], "text_pair": TWO, "entity_spans_pair": [(30, 35)]}),
    (None, {"text": ONE, "text_pair": TWO, "return_special_tokens_mask": True, "return_length": True}),
    (None, {"text": ONE, "entity_spans": [A, B, C], "truncation": True, "max_length": 20, "max_entity_length": 1}),
    (
        None,
        {
            "text": [ONE, TWO],
            "entity_spans": [[A, B, C], [(30, 35)]],
            "entities": [["Los Angeles", "Beyoncé", "x"], ["Paris"]],
            "padding": True,
            "return_tensors": "np",
        },
    ),
    (None, {"text": [ONE, TWO], "entity_spans": [[A], [(4, 9), (30, 35)]], "padding": True, "padding_side": "left"}),
    (None, {"text": [ONE, TWO], "entity_spans": [[A], [(4, 9), (30, 35)]], "return_attention_mask": False}),
    (None, {"text": [ONE, TWO], "padding": True, "pad_to_multiple_of": 8}),
    (
        None,
        {
            "text": [ONE, TWO],
            "text_pair": [TWO, ONE],
            "entity_spans": [[A, C], [(4, 9)]],
            "entity_spans_pair": [[(4, 9)], [A, B]],
            "padding": "max_length",
            "max_length": 160,
            "max_entity_length": 2,
            "truncation": True,
            "pad_to_multiple_of": 4,
        },
    ),
    (
        None,
        {"text": ONE, "entity_spans": [A], "padding": "max_length", "max_length": 60, "max_entity_length": 3},
    ),
    ("entity_classification", {"text": ONE, "entity_spans": [B]}),
    ("entity_classification", {"text": [ONE, TWO], "entity_spans": [[B], [(30, 35)]], "padding": "longest"}),
    ("entity_pair_classification", {"text": ONE, "entity_spans": [A, C]}),
    ("entity_pair_classification", {"text": ONE, "entity_spans": [C, A], "return_tensors": "np"}),
    ("entity_pair_classification", {"text": ONE, "entity_spans": [A, A]}),
    ("entity_span_classification", {"text": ONE, "entity_spans": [A, B, C]}),
    (
        "entity_span_classification",
        {"text": [ONE, TWO], "entity_spans": [[A, B], [(0, 3)]], "padding": True, "padding_side": "left"},
    ),
]
NAMES = {"questions": "What is love?", "titles": ["Haddaway", "The fox"], "texts": ["It is a song of 1993.", TWO]}
READS: list[dict[str, Any]] = [
    {**NAMES, "padding": True, "return_tensors": "np"},
    {**NAMES, "questions": ["Why?", "Who is it then?"], "padding": "max_length", "max_length": 40},
    {**NAMES, "truncation": True, "max_length": 12},
    {"questions": "Why?", "titles": "The fox", "texts": TWO},
    {"questions": "Why?", "titles": "The fox"},
    {"questions": ["Why?", "Who is it?"], "texts": ["one", "two two"], "padding": True},
    {"questions": "Why?"},
]
SHAPED: list[dict[str, Any]] = [
    {"text": ONE},
    {"text": ONE, "text_pair": "The fox is [MASK] on it.", "return_tensors": "np"},
    {"text": [ONE, "The foxes. zzq"], "padding": True, "return_tensors": "np"},
    {"text": [ONE, "The foxes."], "padding": "max_length", "max_length": 12, "truncation": True},
    {"text": [ONE, "The foxes."], "text_pair": ["is it", "the one"], "add_special_tokens": False},
    {"text": [["the", "one"], ["is"]], "is_split_into_words": True},
]


def write(case: Case, directory: pathlib.Path) -> pathlib.Path:
    """A checkpoint's files in `directory`."""
    if case is ROC:
        for n, name in enumerate(("word_shape.json", "word_pronunciation.json")):
            (directory / name).write_text(json.dumps({token: i + 100 * n for token, i in SHAPES.items()}))
    elif case is not READER:
        (directory / "entity_vocab.json").write_text(json.dumps(ENTITIES))
    return case.write(directory)


def observe(load) -> dict[str, Any]:
    """What either side says; `load(case, **settings)` gives a tokenizer."""
    found: dict[str, Any] = {}
    for case in (LUKE, MLUKE):
        for task in dict.fromkeys(task for task, _ in CALLS):
            tokenizer = load(case, task=task, max_mention_length=16)
            for n, (wanted, call) in enumerate(CALLS):
                if task == wanted:
                    found[f"{case.name}/{n}"] = _plain(tokenizer(**call))
        found[f"{case.name}/text"] = _said(load, case)
    shaped = load(ROC)
    found |= {f"roc-bert/{n}": _plain(shaped(**call)) for n, call in enumerate(SHAPED)}
    found["roc-bert/text"] = [shaped.decode(shaped(ONE)["input_ids"])]
    rows = [shaped(ONE), shaped("The foxes.")]
    found |= {f"roc-bert/{side}": _plain(shaped.pad(rows, padding_side=side)) for side in ("left", "right")}
    reader = load(READER)
    found |= {f"dpr/{n}": _plain(reader(**call)) for n, call in enumerate(READS)}
    rows = reader(**READS[0])
    starts, ends = np.random.default_rng(0).normal(size=(2, *rows["input_ids"].shape)).round(3)
    said = types.SimpleNamespace(start_logits=starts, end_logits=ends, relevance_logits=np.array([0.25, 0.5]))
    for n, options in enumerate([{}, {"num_spans": 2, "max_answer_length": 3}, {"num_spans_per_passage": 1}]):
        output = (said.start_logits, said.end_logits, said.relevance_logits)
        found[f"spans/{n}"] = [
            [_number(x) for x in span] for span in reader.decode_best_spans(rows, output, **options)
        ]
    return found


def _said(load, case: Case) -> list[str]:
    """Decoded texts with marks of entities, and with a word that was added."""
    tokenizer = load(case, task="entity_pair_classification")
    tokenizer.add_tokens(["newword"])
    rows = [[A, C], [C, A], [A, A], [B, (29, 35)]]
    rows = [tokenizer(ONE + " newword newword", entity_spans=spans)["input_ids"] for spans in rows]
    return [tokenizer.decode(row, skip_special_tokens=skip) for row in rows for skip in (False, True)]


def _number(x: Any) -> Any:
    return x if isinstance(x, str) else round(float(x), 6)


def _plain(fields: Any) -> dict[str, Any]:
    return {name: np.asarray(v).tolist() if not isinstance(v, list) else v for name, v in sorted(fields.items())}
