"""`MarkupLMTokenizer`: the texts of a web page, with the paths of elements that lead to each.

Paper: https://arxiv.org/abs/2110.08518.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.layout_words import told_of
from jaxformers.tokenization.tensors import arrays, check_kind

_UNIT = re.compile(r"([^\[]*)(?:\[(\d+)\])?")


class MarkupLMTokenizer(FastTokenizer):
    """A tokenizer of nodes, the texts of a page's elements, and their xpaths; made by `AutoTokenizer`.

    `tags_dict` numbers the names of elements. `max_depth` elements of a path are told, each with its place among its
    like, `max_width` at most; `pad_width` stands where there is no element. `pad_token_label` is the label of tokens
    without one; `only_label_first_subword` labels a node's first token alone.
    """

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str = ""):
        super().__init__(backend, settings, kind)
        tags = settings.get("tags_dict")
        if not isinstance(tags, Mapping) or not all(type(number) is int for number in tags.values()):
            raise InputError("tokenizer", [f"tags_dict must be an object of element: number, got {tags!r:.60}"])
        if settings.get("trim_offsets"):
            raise InputError("tokenizer", ["trim_offsets must be false: nodes keep the spaces of their tokens"])
        self.tags_dict = dict(tags)
        self.max_depth, self.max_width = int(settings["max_depth"]), int(settings["max_width"])
        self.pad_width, self.pad_token_label = int(settings["pad_width"]), int(settings["pad_token_label"])
        self.only_label_first_subword = bool(settings["only_label_first_subword"])
        self.unk_tag_id = len(self.tags_dict)
        self.pad_tag_id = self.unk_tag_id + 1
        self.pad_xpath_tags_seq = [self.pad_tag_id] * self.max_depth
        self.pad_xpath_subs_seq = [self.pad_width] * self.max_depth

    def get_xpath_seq(self, xpath: str) -> tuple[list[int], list[int]]:
        """The numbers of a path's elements, and their places among their like, `max_depth` of each.

        Args:
          xpath: such as "/html/body/div[2]/p"; an element without a place has place 0.

        Raises:
          InputError: it is none.
        """
        units = [u.strip() for u in xpath.split("/") if u.strip()] if isinstance(xpath, str) else [None]
        found = [None if unit is None else _UNIT.fullmatch(unit) for unit in units]
        parts = [match for match in found if match is not None]
        if len(parts) != len(found):
            problem = f"an xpath must be elements with their places, as in /html/body/div[2], got {xpath!r:.60}"
            raise InputError("tokenizer", [problem])
        tags = [self.tags_dict.get(part[1], self.unk_tag_id) for part in parts[: self.max_depth]]
        subs = [min(self.max_width, int(part[2] or 0)) for part in parts[: self.max_depth]]
        return tags + self.pad_xpath_tags_seq[len(tags) :], subs + self.pad_xpath_subs_seq[len(subs) :]

    def __call__(  # type: ignore[override]
        self, text: Any, text_pair: Any = None, xpaths: Any = None, node_labels: Any = None, **options: Any
    ) -> BatchEncoding:
        """Ids, masks, `xpath_tags_seq` and `xpath_subs_seq` [B, S, max_depth] of nodes; also `labels` [B, S].

        Args:
          text: the nodes of a page, or a list of pages; with `text_pair` a question, or a list of them.
          text_pair: the nodes of the page that the question is about, or a list of pages.
          xpaths: the path to every node.
          node_labels: an integer for every node; a question has none.
          options: as for any tokenizer.

        Raises:
          InputError: nodes that are no lists of strings, or not as many paths or labels as nodes; or what a tokenizer
            refuses.
        """
        if xpaths is None:
            raise InputError("tokenizer", ["xpaths must be given, a path such as /html/body/p for every node"])
        given = told_of(text, text_pair, {"xpaths": xpaths, "node_labels": node_labels}, "node")
        kind, overflows = options.pop("return_tensors", None), options.get("return_overflowing_tokens", False)
        if kind is not None:
            check_kind(kind)
        asked = None if given.questions is None else [[question] for question in given.questions]
        first, second = (given.words, None) if asked is None else (asked, given.words)
        out = self._call(first, second, is_split_into_words=True, **options)
        read = 0 if asked is None else 1  # the sequence that the page's nodes are
        whose = out["overflow_to_sample_mapping"] if overflows else range(len(out.encodings))
        of_page = [[self.get_xpath_seq(xpath) for xpath in page] for page in given.told["xpaths"]]
        rows = [(row, of_page[i], i) for row, i in zip(out.encodings, whose, strict=True)]
        empty = (self.pad_xpath_tags_seq, self.pad_xpath_subs_seq)
        for name, part in (("xpath_tags_seq", 0), ("xpath_subs_seq", 1)):
            out[name] = [
                [empty[part] if node is None else paths[node][part] for node in self._nodes(row, read)]
                for row, paths, _ in rows
            ]
        if node_labels is not None:
            out["labels"] = [self._labels(row, given.told["node_labels"][i], read) for row, _, i in rows]
        if kind is not None:
            out.update(arrays(out, kind))
        elif not given.many and not overflows:
            out.update({name: held[0] for name, held in out.items() if isinstance(held[0], list)})
        return out

    @staticmethod
    def _nodes(row: Any, read: int) -> list[int | None]:
        """The node of every token; None of special ones and of a question's."""
        places = zip(row.word_ids, row.sequence_ids, strict=True)
        return [node if sequence == read else None for node, sequence in places]

    def _labels(self, row: Any, labels: list[int], read: int) -> list[int]:
        first = [not self.only_label_first_subword or start == 0 for start, _ in row.offsets]
        places = zip(self._nodes(row, read), first, strict=True)
        return [labels[node] if node is not None and kept else self.pad_token_label for node, kept in places]

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The `input_ids` of a call."""
        return self(text, text_pair, **options)["input_ids"]

    def encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        """What a call gives."""
        return self(text, text_pair, **options)

    def batch_encode_plus(
        self, batch_text_or_text_pairs: Any, is_pair: bool | None = None, **options: Any
    ) -> BatchEncoding:
        """What a call gives for a list of pages or, with `is_pair`, of questions with pages."""
        given = list(batch_text_or_text_pairs)
        text, pair = map(list, zip(*given, strict=True)) if is_pair and given else (given, None)
        return self(text, pair, **options)

    def _fillers(self) -> dict[str, Any]:
        paths = {"xpath_tags_seq": self.pad_xpath_tags_seq, "xpath_subs_seq": self.pad_xpath_subs_seq}
        return {**super()._fillers(), **paths, "labels": self.pad_token_label}
