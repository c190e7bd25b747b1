"""`LayoutTokenizer`, `UdopTokenizer`: words of a page with the boxes they stand in.

Papers: https://arxiv.org/abs/2012.14740 (LayoutLMv2), https://arxiv.org/abs/2104.08836 (LayoutXLM),
https://arxiv.org/abs/2204.08387 (LayoutLMv3), https://arxiv.org/abs/2212.02623 (UDOP).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.layout_words import box_of, pages_of
from jaxformers.tokenization.tensors import arrays, check_kind


class Boxed(FastTokenizer):
    """What tokenizers of words with boxes share.

    `cls_token_box`, `sep_token_box` and `pad_token_box` are the boxes `[left, top, right, bottom]` of special tokens,
    `pad_token_label` the label of tokens without one; `only_label_first_subword` labels a word's first token alone.
    """

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str = ""):
        super().__init__(backend, settings, kind)
        for role in ("cls", "sep", "pad"):
            if f"{role}_token_box" in settings:
                setattr(self, f"{role}_token_box", box_of(f"{role}_token_box", settings[f"{role}_token_box"]))
        self.pad_token_label = settings["pad_token_label"]
        self.only_label_first_subword = bool(settings["only_label_first_subword"])

    def call_boxes(
        self, text: Any, text_pair: Any = None, boxes: Any = None, word_labels: Any = None, **options: Any
    ) -> BatchEncoding:
        """Ids, masks and `bbox` [B, S, 4] of words; with `word_labels` also `labels` [B, S].

        Args:
          text: the words of a page, or a list of pages; with `text_pair` a question, or a list of them.
          text_pair: the words of the page that the question is about, or a list of pages.
          boxes: `[left, top, right, bottom]` of every word, each from 0 to 1000 of the page's width or height.
          word_labels: an integer for every word.
          options: as for any tokenizer.

        Raises:
          InputError: words that are no lists of strings, or not as many boxes or labels as words; or what a tokenizer
            refuses.
        """
        pages = pages_of(text, text_pair, boxes, word_labels)
        kind, overflows = options.pop("return_tensors", None), options.get("return_overflowing_tokens", False)
        if kind is not None:
            check_kind(kind)
        out = super()._call(pages.first, pages.second, is_split_into_words=True, **options)
        whose = out["overflow_to_sample_mapping"] if overflows else range(len(out.encodings))
        rows = list(zip(out.encodings, whose, strict=True))
        read = 0 if pages.second is None else 1  # the sequence that the page's words are
        out["bbox"] = [self._boxes(e, pages.boxes[i], read) for e, i in rows]
        if pages.labels is not None:
            out["labels"] = [self._labels(e, pages.labels[i], read) for e, i in rows]
        if kind is not None:
            out.update(arrays(out, kind))
        elif not pages.many and not overflows:
            out.update({name: rows[0] for name, rows in out.items() if isinstance(rows[0], list)})
        return out

    def _boxes(self, row: Any, boxes: list[list[int]], read: int) -> list[list[int]]:
        """The box of every token; a question's is that of padding."""
        special = {
            getattr(self, f"{r}_token_id"): getattr(self, f"{r}_token_box", None) for r in ("pad", "sep", "cls")
        }
        found = []
        for index, word, sequence in zip(row.ids, row.word_ids, row.sequence_ids, strict=True):
            box = special.get(index) if word is None else boxes[word] if sequence == read else self.pad_token_box
            if box is None:
                token = self.backend.id_to_token(index)
                raise InputError(
                    "tokenizer", [f"special tokens must be of cls, sep or pad to have a box, got {token}"]
                )
            found.append(box)
        return found

    def _labels(self, row: Any, labels: list[int], read: int) -> list[int]:
        """The label of every token; only words of the page have one."""
        found, empty = [], False  # empty: is the token before a space alone, which stands for no word's beginning?
        for index, offset, word, sequence in zip(row.ids, row.offsets, row.word_ids, row.sequence_ids, strict=True):
            kept = word is not None and sequence == read
            if kept and self.only_label_first_subword:
                kept = offset[0] == 0 and not empty
            found.append(labels[word] if kept else self.pad_token_label)
            if word is not None:
                empty = self._is_empty(index, offset)
        return found

    def _is_empty(self, index: int, offset: tuple[int, int]) -> bool:
        return self.kind == "layoutlmv3" and offset == (0, 0)

    def _fillers(self) -> dict[str, Any]:
        return {**super()._fillers(), "bbox": self.pad_token_box, "labels": self.pad_token_label}


class LayoutTokenizer(Boxed):
    """The tokenizer of LayoutLMv2, LayoutLMv3 and LayoutXLM; made by `AutoTokenizer`."""

    def __call__(  # type: ignore[override]
        self, text: Any, text_pair: Any = None, boxes: Any = None, word_labels: Any = None, **options: Any
    ) -> BatchEncoding:
        """See `call_boxes`."""
        return self.call_boxes(text, text_pair, boxes, word_labels, **options)

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The `input_ids` of a call."""
        return self.call_boxes(text, text_pair, **options)["input_ids"]

    def encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        """What a call gives."""
        return self.call_boxes(text, text_pair, **options)

    def batch_encode_plus(
        self, batch_text_or_text_pairs: Any, is_pair: bool | None = None, **options: Any
    ) -> BatchEncoding:
        """What a call gives for a list of pages or, with `is_pair`, of questions with pages."""
        given = list(batch_text_or_text_pairs)
        text, pair = map(list, zip(*given, strict=True)) if is_pair and given else (given, None)
        return self.call_boxes(text, pair, **options)


class UdopTokenizer(Boxed):
    """UDOP's tokenizer, which also takes what the model is to write; made by `AutoTokenizer`."""

    def __call__(  # type: ignore[override]
        self,
        text: Any = None,
        text_pair: Any = None,
        boxes: Any = None,
        word_labels: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        **options: Any,
    ) -> BatchEncoding:
        """As `call_boxes`; the ids of `text_target`, which has no boxes, are `labels` or, alone, `input_ids`."""
        if text is None:
            return super().__call__(text_target=text_target, text_pair_target=text_pair_target, **options)
        out = self.call_boxes(text, text_pair, boxes, word_labels, **options)
        if text_target is not None:
            out["labels"] = self._call(text_target, text_pair_target, **options)["input_ids"]
        return out

    def encode_boxes(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The `input_ids` of words with boxes."""
        return self.call_boxes(text, text_pair, **options)["input_ids"]

    def _is_empty(self, index: int, offset: tuple[int, int]) -> bool:
        return self.decode([index]) == ""
