"""`LukeTokenizer`: texts with marked entities, for LUKE and mLUKE.

Paper: https://arxiv.org/abs/2010.01057.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.formats.python_rows import cut
from jaxformers.tokenization.inputs import one_of
from jaxformers.tokenization.lengths import LARGE, filled
from jaxformers.tokenization.luke_entities import TASKS, Marked, check_spans, marked, names_of, places
from jaxformers.tokenization.own_files import OwnFiles
from jaxformers.tokenization.settings import text_of
from jaxformers.tokenization.tensors import check_kind, kind_of, plain

ENTITIES = "entity_vocab.json"


class LukeTokenizer(OwnFiles):
    """A tokenizer whose calls also take entities; made by `AutoTokenizer`.

    `entity_vocab` is `{entity: id}`, `task` None or one of `TASKS`, `max_entity_length` the most entities of a row
    that is cut or padded to a fixed length, `max_mention_length` the most tokens of a mention.
    """

    vocabulary_files = ("vocab.json", "merges.txt", "sentencepiece.bpe.model")
    own_files = (ENTITIES,)

    def __init__(self, backend: Any, settings: Mapping[str, Any], kind: str, held: Mapping[str, bytes]):
        super().__init__(backend, settings, kind, held)
        self.entity_vocab: dict[str, int] = json.loads(held[ENTITIES])
        self.task = settings.get("task")
        if self.task is not None:
            one_of("task", self.task, tuple(TASKS))
        self.max_entity_length = TASKS.get(self.task) or int(settings.get("max_entity_length") or 32)
        self.max_mention_length = int(settings.get("max_mention_length") or 30)
        usual = {"unk": "[UNK]", "pad": "[PAD]", "mask": "[MASK]", "mask2": "[MASK2]"}
        named = {role: text_of(settings.get(f"entity_{role}_token")) or text for role, text in usual.items()}
        if absent := [text for text in named.values() if text not in self.entity_vocab]:
            raise CheckpointError(ENTITIES, [f"must hold the special entities; {', '.join(absent)} are missing"])
        ids = {role: self.entity_vocab[text] for role, text in named.items()}
        self.entity_unk_token_id, self.entity_pad_token_id = ids["unk"], ids["pad"]
        self.entity_mask_token_id, self.entity_mask2_token_id = ids["mask"], ids["mask2"]

    def __call__(  # type: ignore[override]
        self,
        text: Any,
        text_pair: Any = None,
        entity_spans: Any = None,
        entity_spans_pair: Any = None,
        entities: Any = None,
        entities_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        max_entity_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
    ) -> BatchEncoding:
        """Ids and masks of texts [B, S] and of their entities [B, E], as for any tokenizer.

        Args:
          text, text_pair: a string, or a list of them.
          entity_spans, entity_spans_pair: the entities of a text, `[(start, end), ...]` in letters; for a list of
            texts a list of those. With the task "entity_classification" there is one, with
            "entity_pair_classification" there are two.
          entities, entities_pair: their names; those that `entity_vocab` lacks are unknown. None makes all of them
            the masked entity.
          max_entity_length: the most entities of a row that is cut, and how many one is padded to with `max_length`;
            the rows of a list are padded to the tokenizer's own `max_entity_length`, as in the reference.

        Other arguments are as for any tokenizer. With entities there are also `entity_ids`, `entity_attention_mask`
        [B, E], `entity_position_ids` [B, E, M] (the tokens of each, filled up with -1) and, with the task
        "entity_span_classification", `entity_start_positions` and `entity_end_positions`.

        Raises:
          InputError: spans that do not fit the text or the task, names without spans, or what a tokenizer refuses.
        """
        if return_tensors is not None:
            check_kind(return_tensors)
        many = isinstance(text, list | tuple)
        columns = [text, text_pair, entity_spans, entity_spans_pair, entities, entities_pair]
        if many:
            columns = [[None] * len(text) if column is None else column for column in columns]
            if any(not isinstance(c, list | tuple) or len(c) != len(text) for c in columns):
                raise InputError("tokenizer", [f"pairs, spans and entities must be lists of {len(text)}, as text is"])
            rows = list(zip(*columns, strict=True))
        else:
            rows = [tuple(columns)]
        if truncation is None:
            truncation = max_length is not None and padding is False
        types = "token_type_ids" in self.model_input_names if return_token_type_ids is None else return_token_type_ids
        wanted = {"token_type_ids": types, "special_tokens_mask": return_special_tokens_mask}
        made = [self._entry(r, add_special_tokens, truncation, max_length, max_entity_length, wanted) for r in rows]
        if len({frozenset(row) for row in made}) > 1:
            raise InputError("tokenizer", ["entity_spans must be given for every text or for none, got some"])
        fields = {name: [row[name] for row in made] for name in made[0]} if made else {"input_ids": []}
        most = None if many else max_entity_length
        how = (padding, max_length, most, pad_to_multiple_of, padding_side, return_attention_mask)
        out = self.pad(fields, *how)
        if return_length:
            out["length"] = [len(row) for row in out["input_ids"]]
        if not many and return_tensors is None:
            return BatchEncoding({name: rows[0] for name, rows in out.items()})
        return out.convert_to_tensors(return_tensors)

    def _entry(
        self, row: tuple, special: bool, truncation: Any, longest: int | None, most: int | None, wanted: Mapping
    ) -> dict[str, list]:
        """The fields of a row, neither padded nor masked."""
        text, pair, spans, spans_pair, names, names_pair = row
        if self.task is not None and (pair, spans_pair, names, names_pair) != (None,) * 4:
            raise InputError("tokenizer", [f"task {self.task!r} takes text and entity_spans alone, got more"])
        first = self._marked("text", text, spans, names)
        second = None if pair is None else self._marked("text_pair", pair, spans_pair, names_pair)
        if pair is None and spans_pair is not None:
            raise InputError("tokenizer", ["entity_spans_pair must come with text_pair, got no text_pair"])
        a, b = first.ids, None if second is None else second.ids
        fixed = self.num_special_tokens_to_add(b is not None) if special else 0
        how = self._truncation(truncation, longest, fixed, 0, self.truncation_side)
        marks = spans is not None or spans_pair is not None
        if how is not None:
            if marks and self.truncation_side == "left":
                rule = "truncation_side must be 'right' with entities, whose places count from the start"
                raise InputError("tokenizer", [f"{rule}, got 'left'"])
            a, b = _cut(a, b, how["max_length"] - fixed, how)
        ids, _, mask = self._around(a, b) if special else (a + (b or []), [], [])
        fields = {"input_ids": ids}
        fields |= {"token_type_ids": [0] * len(ids)} if wanted["token_type_ids"] else {}
        fields |= {"special_tokens_mask": mask or [0] * len(ids)} if wanted["special_tokens_mask"] else {}
        if not marks:
            return fields
        begin, again = (1, len(a) + 3) if special else (0, len(a))
        kept = first.within(len(a), begin)
        kept_pair = None if second is None else second.within(len(b or []), again)
        most = most or self.max_entity_length
        if how is not None and len(kept) + len(kept_pair or []) > most:
            kept, kept_pair = _cut(kept, kept_pair, most, how)
        fields |= places(kept + (kept_pair or []), self.max_mention_length, self.task)
        typed = {"entity_token_type_ids": [0] * len(fields["entity_ids"])} if wanted["token_type_ids"] else {}
        return fields | typed

    def _marked(self, what: str, text: Any, spans: Any, names: Any) -> Marked:
        if not isinstance(text, str):
            raise InputError("tokenizer", [f"{what} must be a string, got {text!r:.60}"])
        check_spans(what, text, spans, names, self.task)

        def ids(pieces: list[str]) -> list[list[int]]:
            found = self._run(pieces, None, self.split_special_tokens, add_special_tokens=False)
            return [e.ids for e in found]

        known = (self.entity_mask_token_id, self.entity_mask2_token_id)
        entities = names_of(spans or [], names, self.entity_vocab, self.entity_unk_token_id, known, self.task)
        return marked(text, spans or [], entities, ids, self.task, self.additional_special_tokens_ids)

    def _text(self, ids: list[int], skip_special_tokens: bool, between: str = " ") -> str:
        """Added tokens, marks of entities among them, stand apart from what is around them."""
        usual = {*self.all_special_ids} - {*self.additional_special_tokens_ids}
        apart = self.added_tokens_decoder.keys() - usual
        kept = [i for i in ids if not skip_special_tokens or i not in self.all_special_ids]
        rows: list[list[int]] = []
        for alone, group in itertools.groupby(kept, apart.__contains__):
            held = list(group)
            rows += [[i] for i in held] if alone else [held]
        parts = [self.backend.decode(row, skip_special_tokens=False) for row in rows]
        if self.kind == "mluke":  # whose tokens are joined without the spaces at either end
            parts = [part.strip(" ") for part in parts]
        return between.join(part for part in parts if part)

    def pad(  # type: ignore[override]
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        max_entity_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchEncoding:
        """Rows that were encoded one by one, padded to one length of tokens and one of entities."""
        how = (padding, max_length, pad_to_multiple_of, padding_side, return_attention_mask)
        fields = super().pad(encoded_inputs, *how)
        return_tensors = return_tensors or kind_of(fields["input_ids"])
        fields = BatchEncoding({name: plain(value) for name, value in fields.items()})
        if "entity_ids" in fields and fields["input_ids"]:
            single = not isinstance(fields["input_ids"][0], list)
            rows = {n: [v] if single else v for n, v in fields.items() if n.startswith("entity_")}
            if "attention_mask" in fields:
                rows.setdefault("entity_attention_mask", [[1] * len(row) for row in rows["entity_ids"]])
            fixed = padding == "max_length"
            if padding not in (False, "do_not_pad") and not (
                fixed and max_length is None and self.model_max_length > LARGE
            ):
                length = max_entity_length or self.max_entity_length
                length = length if fixed else max(map(len, rows["entity_ids"]))
                self._fill_entities(rows, length, pad_to_multiple_of or 1, padding_side or self.padding_side)
            fields.update({n: v[0] for n, v in rows.items()} if single else rows)
        return fields.convert_to_tensors(return_tensors)

    def _fill_entities(self, rows: dict[str, list], length: int, multiple: int, side: str) -> None:
        length = -(-length // multiple) * multiple
        fillers = {"entity_ids": self.entity_pad_token_id, "entity_position_ids": [-1] * self.max_mention_length}
        for name, held in rows.items():
            rows[name] = filled(held, length, fillers.get(name, 0), side)


def _cut(a: list, b: list | None, room: int, how: Mapping[str, Any]) -> tuple[list, list | None]:
    try:
        return cut(a, b, room, how)[0]
    except ValueError as e:
        raise InputError("tokenizer", [str(e)]) from None
