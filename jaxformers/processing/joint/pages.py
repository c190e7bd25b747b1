"""Processors of models that read pages: Donut, which writes fields as tags, and Nougat, which writes Markdown."""

from __future__ import annotations

import re
from typing import Any

from jaxformers.processing.features import Features
from jaxformers.processing.processors import Processor

_BREAK = "<sep/>"


class Donut(Processor):
    """Text beside a page is what is to be written, without special tokens around it."""

    def __call__(self, images: Any = None, text: Any = None, **options: Any) -> Features:  # type: ignore[override]
        """As `Processor`; of text beside images `labels` and the same as `input_ids`."""
        if images is None or text is None:
            return super().__call__(images, text, **options)
        fields = super().__call__(images, text, **{"add_special_tokens": False, **options})
        kept = {k: v for k, v in fields.items() if k not in ("input_ids", "attention_mask", "token_type_ids")}
        return Features({**kept, "labels": fields["input_ids"], "input_ids": fields["input_ids"]})

    def token2json(self, tokens: str, is_inner_value: bool = False, added_vocab: Any = None) -> Any:
        """What a page's text says: `<s_name>...</s_name>` is a field, `<sep/>` stands between values or rows.

        Args:
          tokens: the text, with its tags.
          is_inner_value: give a list of rows in any case.
          added_vocab: tokens that may be values, as `<value/>`; the tokenizer's added ones by default.

        Returns:
          a dictionary of texts, lists and dictionaries; a list of such if there are rows; `{"text_sequence": tokens}`
          if there is no field.
        """
        known = self.tokenizer.get_added_vocab() if added_vocab is None else added_vocab
        rows, rest, listed = _rows(tokens, known)
        if is_inner_value or listed:
            return rows
        return rows[0] if rows else {"text_sequence": rest}


class Nougat(Processor):
    """Text beside a page is what is to be written; what the model writes is cleaned by the tokenizer."""

    def post_process_generation(self, *args: Any, **options: Any) -> Any:
        """As `NougatTokenizer.post_process_generation`: pages without what the model repeats, as Markdown."""
        return self.tokenizer.post_process_generation(*args, **options)


def _rows(text: str, known: Any) -> tuple[list[dict[str, Any]], str, bool]:
    """The rows of fields in a text, what is left of it, and whether rows were told apart."""
    rows: list[dict[str, Any]] = []
    row: dict[str, Any] = {}
    listed = False
    while start := re.search("<s_([^>]*)>", text, re.IGNORECASE):
        end = re.search(f"</s_{re.escape(start[1])}>", text, re.IGNORECASE)
        if end is None:
            text = text.replace(start[0], "")
            continue
        both = re.escape(start[0]) + "(.*?)" + re.escape(end[0])
        inner = re.search(both, text, re.IGNORECASE | re.DOTALL)
        value = _value(inner[1].strip(), known) if inner else []
        if value != []:
            row[start[1]] = value
        text = text[end.end() :].strip()
        if text.startswith(_BREAK):
            rows.append(row)
            row, text, listed = {}, text[len(_BREAK) :], True
    return rows + [row] * bool(row), text, listed


def _value(text: str, known: Any) -> Any:
    """What stands in a field; [] if it is fields, and none of them is whole."""
    if "<s_" in text and "</s_" in text:
        found: list[Any] = list(_rows(text, known)[0])
    else:
        parts = [part.strip() for part in text.split(_BREAK)]
        found = [p[1:-2] if p in known and p.startswith("<") and p.endswith("/>") else p for p in parts]
    return found[0] if len(found) == 1 else found
