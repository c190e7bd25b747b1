"""`DPRReaderTokenizer`: a question beside passages with titles, and the answers that DPR's reader finds in them.

Paper: https://arxiv.org/abs/2004.04906.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer


class DPRSpanPrediction(NamedTuple):
    """An answer: its score, that of its passage, the passage's row, the answer's first and last token, its text."""

    span_score: float
    relevance_score: float
    doc_id: int
    start_index: int
    end_index: int
    text: str


class DPRReaderTokenizer(FastTokenizer):
    """A tokenizer whose calls take questions, titles and texts; made by `AutoTokenizer`."""

    def __call__(  # type: ignore[override]
        self,
        questions: Any,
        titles: Any = None,
        texts: Any = None,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
        **options: Any,
    ) -> BatchEncoding:
        """Rows `[CLS] question [SEP] title [SEP] text`, [B, S].

        Args:
          questions: a string, which is asked of every passage, or one for each.
          titles, texts: the passages: a string each, or lists of B. With one of them alone the rows are pairs as of
            any tokenizer, and without either the questions alone.
          truncation: anything but False cuts rows at `max_length`, from their end.

        Other arguments are as for any tokenizer; `options` are for pairs and questions alone.

        Raises:
          InputError: there are not as many titles as texts and questions, or what a tokenizer refuses.
        """
        more: dict[str, Any] = {"return_tensors": return_tensors, "return_attention_mask": return_attention_mask}
        how: dict[str, Any] = {"padding": padding, "max_length": max_length}
        if titles is None or texts is None:
            pair = titles if texts is None else texts
            return super().__call__(questions, pair, truncation=truncation, **how, **more, **options)
        titles, texts = ([given] if isinstance(given, str) else list(given) for given in (titles, texts))
        questions = [questions] * len(titles) if isinstance(questions, str) else list(questions)
        if not len(questions) == len(titles) == len(texts):
            counts = f"{len(questions)}, {len(titles)} and {len(texts)}"
            raise InputError("tokenizer", [f"questions, titles and texts must be equally many, got {counts}"])
        if options:
            name = next(iter(options))
            raise InputError("tokenizer", [f"{name} is for questions or pairs alone, got it with titles and texts"])
        cut = how["max_length"] if truncation else None
        heads = super().__call__(questions, titles, truncation=False)["input_ids"]
        tails = super().__call__(texts, truncation=False, add_special_tokens=False)["input_ids"]
        rows = [(head + tail)[:cut] for head, tail in zip(heads, tails, strict=True)]
        fields: dict[str, Any] = {"input_ids": rows}
        if return_attention_mask is not False:
            fields["attention_mask"] = [[int(i != self.pad_token_id) for i in row] for row in rows]
        return self.pad(fields, **how, **more)

    def decode_best_spans(
        self,
        reader_input: Any,
        reader_output: Any,
        num_spans: int = 16,
        max_answer_length: int = 64,
        num_spans_per_passage: int = 4,
    ) -> list[DPRSpanPrediction]:
        """The best answers, those of the most relevant passage first.

        Args:
          reader_input: what a call with titles and texts gave, of B rows.
          reader_output: what the reader says of it: `start_logits` [B, S], `end_logits` [B, S] and
            `relevance_logits` [B], as fields or as a tuple in this order.
          num_spans: answers, at most.
          max_answer_length: tokens of an answer, at most.
          num_spans_per_passage: answers from one passage, at most; none holds another.
        """
        names = ("start_logits", "end_logits", "relevance_logits")
        held = reader_output if isinstance(reader_output, tuple | list) else [getattr(reader_output, n) for n in names]
        starts, ends, relevance = (np.asarray(one) for one in held[:3])
        found: list[DPRSpanPrediction] = []
        for row in np.argsort(-relevance, kind="stable").tolist():
            ids = np.asarray(reader_input["input_ids"][row]).tolist()
            if self.sep_token_id not in ids or ids.count(self.sep_token_id) < 2:
                raise InputError("decode_best_spans", [f"row {row} of input_ids must hold a question, title and text"])
            first = ids.index(self.sep_token_id, 2) + 1
            last = ids.index(self.pad_token_id) if ids[-1] == self.pad_token_id else len(ids)
            spans = _best(starts[row, first:last], ends[row, first:last], max_answer_length, num_spans_per_passage)
            for i, j in spans:
                i, j = i + first, j + first
                score, text = starts[row, i] + ends[row, j], self.decode(ids[i : j + 1])
                found.append(DPRSpanPrediction(float(score), float(relevance[row]), row, i, j, text))
            if len(found) >= num_spans:
                break
        return found[:num_spans]


def _best(starts: np.ndarray, ends: np.ndarray, longest: int, most: int) -> list[tuple[int, int]]:
    """The spans of the highest sums, none of which lies within another."""
    spans = [(i, j) for i in range(len(starts)) for j in range(i, min(i + longest, len(ends)))]
    scores = np.array([starts[i] + ends[j] for i, j in spans])
    chosen: list[tuple[int, int]] = []
    for n in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == most:
            break
        i, j = spans[n]
        if not any((i <= a and b <= j) or (a <= i and j <= b) for a, b in chosen):
            chosen.append(spans[n])
    return chosen
