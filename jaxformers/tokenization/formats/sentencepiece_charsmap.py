"""The table of characters inside a SentencePiece model: which sequences of characters are replaced, and by what.

Four bytes with the length of a trie, the trie (a double array, 32 bits a unit) and the replacements, each ended by a
zero byte. Layout: https://github.com/s-yata/darts-clone
"""

from __future__ import annotations

import numpy as np

LABELS = np.arange(1, 256, dtype=np.uint32)
LABEL = np.uint32(0x800000FF)  # the bits of a unit that hold its label
LEAF = np.uint32(1 << 8)  # set where a sequence ends at a unit
VALUE = np.uint32(2**31 - 1)  # the bits of the unit behind such a one: where its replacement begins


class DamageError(ValueError):
    """The bytes are no such table; the text says why."""


def check(table: bytes) -> None:
    """Follows every path of the trie: the library that uses it trusts it blindly.

    Raises:
      DamageError: a path leaves the trie, or a replacement lies outside the text.
    """
    if not table:
        return
    units, text = _parts(table)
    starts = np.zeros(len(text) + 1, bool)  # where a replacement may begin, given that it also ends
    starts[: text.rfind(b"\0") + 1] = [not 0x80 <= byte < 0xC0 for byte in text[: text.rfind(b"\0") + 1]]
    seen, nodes = np.zeros(len(units), bool), np.zeros(1, np.int64)
    while len(nodes):
        seen[nodes] = True
        base = nodes ^ _offset(units[nodes])
        if (base | 255).max() >= len(units):
            raise DamageError("the trie of its table of characters is cut short")
        values = units[base[(units[nodes] & LEAF) != 0]] & VALUE
        if not starts[np.minimum(values, len(text))].all():
            raise DamageError("its table of characters refers to replacements that it does not hold")
        children = base[:, None] ^ LABELS[None]
        children = np.unique(children[(units[children] & LABEL) == LABELS])
        nodes = children[~seen[children]]


def _parts(table: bytes) -> tuple[np.ndarray, bytes]:
    """The trie's units (uint32 [U]) and the replacements."""
    size = int.from_bytes(table[:4], "little")
    if size % 1024 or not 0 < size <= len(table) - 4:
        raise DamageError(f"the trie of its table of characters has {size} of {len(table) - 4} bytes")
    text = table[4 + size :]
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise DamageError("its table of characters is not UTF-8") from None
    return np.frombuffer(table, "<u4", size // 4, 4), text


def _offset(unit: np.ndarray) -> np.ndarray:
    """How far a unit's children are: 21 bits, or those times 256."""
    return (unit >> 10 << ((unit & 512) >> 6)).astype(np.int64)


class Table:
    """A table that replaces characters.

    Args:
      table: the bytes, which `check` has passed; none replace nothing.
    """

    def __init__(self, table: bytes):
        units, self.text = _parts(table) if table else (np.zeros(256, np.uint32), b"")
        self.units = units.tolist()
        self.offsets = _offset(units).tolist()
        self.longest = 16 if table else 1  # characters to look at

    def replace(self, text: str) -> tuple[str, int]:
        """What stands for the longest known start of a text, or for its first character; and its length."""
        node, at, found, known = self.offsets[0], 0, text[0], 1
        for used, letter in enumerate(text, 1):
            for byte in letter.encode("utf-8", "surrogatepass"):
                node ^= byte
                unit = self.units[node]
                if unit & int(LABEL) != byte or not byte:
                    return found, known
                node ^= self.offsets[node]
            if unit & int(LEAF):
                at = self.units[node] & int(VALUE)
                found, known = self.text[at : self.text.index(b"\0", at)].decode(), used
        return found, known
