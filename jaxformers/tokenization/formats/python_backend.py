"""A tokenizer in Python, for classes whose text is cut in ways that the `tokenizers` library has not.

`PythonBackend` has those methods of `tokenizers.Tokenizer` that a tokenizer is used by. How text becomes tokens and
back is a `Scheme`; what is alike in all classes is here: added tokens are cut out of a text first, special tokens
surround it, rows are cut and padded.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tokenizers

from jaxformers.tokenization.formats import specials
from jaxformers.tokenization.formats.python_rows import Encoding, Template, cut
from jaxformers.tokenization.formats.scheme import Scheme


class PythonBackend:
    """A tokenizer over a scheme.

    Args:
      scheme: cuts and joins.
      template: the special tokens around texts.
      roles: the special tokens that have a role.
      files: the checkpoint's own files by name: what saving it writes.
    """

    normalizer = pre_tokenizer = post_processor = decoder = padding = None
    encode_special_tokens = False  # is text cut as if there were no added tokens?

    def __init__(
        self, scheme: Scheme, template: Template, roles: Iterable[str] = (), files: Mapping[str, bytes] | None = None
    ):
        self.scheme, self.template, self.files = scheme, template, dict(files or {})
        self.roles, self.special = set(roles), set(roles)
        self.added: dict[str, int] = {}
        self.entries: dict[int, tokenizers.AddedToken] = {}
        self.truncation: dict[str, Any] | None = None
        self._cut = any_of(())

    # -------------------------------------------------------------------------------------------- vocabulary

    def add_tokens(self, tokens: Sequence[tokenizers.AddedToken | str], ids: Sequence[int] | None = None) -> int:
        """Adds tokens, or gives held ones new flags; returns how many are new. `ids`: theirs, if not the next ones."""
        before = self.get_vocab_size()
        for i, token in enumerate(tokens):
            token = tokenizers.AddedToken(token) if isinstance(token, str) else token
            if not token.content:
                continue
            if self.scheme.lower and token.normalized and not token.special and ids is None:
                token.content = token.content.lower()
            index = self.token_to_id(token.content) if ids is None else ids[i]
            index = self.get_vocab_size() if index is None else index
            self.added[token.content], self.entries[index] = index, token
            if token.special and ids is None:  # those that a file numbers are special by their role only
                self.special.add(token.content)
        self._cut = any_of([*(t.content for t in self.entries.values()), *self.scheme.cuts()])
        return self.get_vocab_size() - before

    add_special_tokens = add_tokens

    def get_added_tokens_decoder(self) -> dict[int, tokenizers.AddedToken]:
        """`{id: token}` of the added ones."""
        return dict(sorted(self.entries.items()))

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """`{token: id}`."""
        return {**self.scheme.all(), **(self.added if with_added_tokens else {})}

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        more = sum(self.scheme.find(token) is None for token in self.added) if with_added_tokens else 0
        return self.scheme.size() + more

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, or None."""
        return self.added[token] if token in self.added else self.scheme.find(token)

    def id_to_token(self, index: int) -> str | None:
        """The token of an id."""
        return self.entries[index].content if index in self.entries else self.scheme.name(index)

    # -------------------------------------------------------------------------------------------- text -> ids

    def enable_truncation(
        self, max_length: int, stride: int = 0, strategy: str = "longest_first", direction: str = "right"
    ) -> None:
        """Cuts rows to `max_length` tokens, special ones included."""
        self.truncation = dict(max_length=max_length, stride=stride, strategy=strategy, direction=direction)

    def no_truncation(self) -> None:
        """Leaves rows as long as they are."""
        self.truncation = None

    def no_padding(self) -> None:
        """Rows keep their lengths, as they always do here: the tokenizer pads."""

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """How many special tokens surround a text, or a pair."""
        return self.template.fixed(is_pair)

    def encode_batch(
        self, rows: Sequence[Any], is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> list[Encoding]:
        """The rows of texts, or of tuples of two.

        Raises:
          ValueError: a text is too short to be cut as the truncation wants it.
        """
        return [self._row(row, is_pretokenized, add_special_tokens) for row in rows]

    def post_process(self, encoding: Any, pair: Any = None, add_special_tokens: bool = True) -> Encoding:
        """The row of one or two encodings' ids with special tokens around them."""
        second = None if pair is None else list(pair.ids)
        return self.template.around(list(encoding.ids), second, add_special_tokens, self.id_to_token)

    def tokenize(self, text: str, word: bool = False) -> list[str]:
        """The tokens of a text; added ones are cut out first."""
        text = self.scheme.prepare(text, word)
        if self.scheme.lower:
            text = self._lower(text)
        if self.encode_special_tokens:
            return self.scheme.whole(self.scheme.split(text) if text else [])
        pieces = self._pieces(text)
        found = [token for p in pieces if p for token in ([p] if p in self.added else self.scheme.split(p))]
        return self.scheme.whole(found)

    def _lower(self, text: str) -> str:
        kept = {*self.special, *(t.content for t in self.entries.values() if t.normalized and not t.special)}
        return re.sub(f"({any_of(kept).pattern})|(.)", lambda m: m[1] or m[2].lower(), text)

    def _pieces(self, text: str) -> list[str]:
        """The text cut at added tokens; these take the white space along that their flags say."""
        pieces, at = [], 0
        for match in self._cut.finditer(text):
            pieces += [text[at : match.start()], match[0]]
            at = match.end()
        pieces = [p for p in [*pieces, text[at:]] if p]
        for i, piece in enumerate(pieces):
            if piece not in self.added:
                continue
            entry = self.entries[self.added[piece]]
            left = pieces[i - 1] if i else ""
            right = pieces[i + 1] if i + 1 < len(pieces) else ""
            if entry.rstrip and right:
                pieces[i + 1] = right.lstrip()
            if entry.lstrip and left:
                pieces[i - 1] = left.rstrip()
            if entry.single_word and left and left[-1] != " ":
                pieces[i - 1], pieces[i] = pieces[i - 1] + piece, ""
            elif entry.single_word and right and right[0] != " ":
                pieces[i + 1], pieces[i] = piece + pieces[i + 1], ""
        return pieces

    def _ids(self, text: Any, words: bool) -> list[int]:
        tokens = [t for word in text for t in self.tokenize(word, True)] if words else self.tokenize(text)
        found = [self.token_to_id(token) for token in tokens]
        unk = self.scheme.unk or ""
        unknown = self.scheme.find(unk)
        unknown = (self.token_to_id(unk) or 0) if unknown is None else unknown
        return [unknown if index is None else index for index in found]

    def _row(self, row: Any, words: bool, special: bool) -> Encoding:
        first, second = row if isinstance(row, tuple) else (row, None)
        a, b = self._ids(first, words), None if second is None else self._ids(second, words)
        fixed = self.num_special_tokens_to_add(b is not None) if special else 0
        windows = [(a, b)]
        if self.truncation is not None:
            windows = cut(a, b, self.truncation["max_length"] - fixed, self.truncation)
        rows = [self.template.around(*window, special, self.id_to_token) for window in windows]
        rows[0].overflowing = rows[1:]
        return rows[0]

    # -------------------------------------------------------------------------------------------- ids -> text

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True, between: str = " ") -> str:
        """The text of ids; `between`: what stands between added tokens and the text around them."""
        tokens = [self.id_to_token(index) or "" for index in ids]
        if skip_special_tokens:
            tokens = [token for token in tokens if token not in self.special]
        if not self.scheme.apart:
            return self.scheme.join(tokens)
        texts: list[str] = []
        run: list[str] = []
        size = self.scheme.size()
        alone = {t for t, i in self.added.items() if t not in self.special or (t not in self.roles and i >= size)}
        for token in tokens:
            if token not in alone:
                run.append(token)
                continue
            joined = self.scheme.join(run) if run else ""
            texts, run = [*texts, *([joined] if joined else []), token], []
        return between.join([*texts, *([self.scheme.join(run)] if run else [])])


def made(
    scheme: Scheme,
    directory: pathlib.Path,
    settings: Mapping[str, Any],
    around: Callable[[Callable[..., int]], Template],
    flags: Mapping[str, Mapping[str, bool]] | None = None,
    first: Sequence[tokenizers.AddedToken] = (),
    files: Sequence[pathlib.Path] = (),
) -> PythonBackend:
    """A tokenizer with the added tokens of its settings.

    Args:
      scheme: cuts and joins.
      directory, settings, flags: as in `specials.gather`.
      around: gives the template; it is handed a function from a role, e.g. "eos", to its token's id.
      first: tokens with the ids 0, 1, ...
      files: those that the scheme is made of.
    """
    name = specials.names(settings)
    backend = PythonBackend(scheme, Template(), name.values(), {file.name: file.read_bytes() for file in files})
    backend.special |= {specials.text(entry) or "" for entry in specials.additional(settings)}
    listed = specials.added(directory, settings)
    numbered = {**dict(enumerate(first)), **listed}
    backend.add_tokens(list(numbered.values()), list(numbered))
    backend.add_tokens([t for t in specials.gather(directory, settings, flags) if t.content not in backend.added])
    backend.template = around(lambda role: backend.added[name[role]])
    return backend


def any_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the tokens, the longest that is there."""
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or "(?!)")
