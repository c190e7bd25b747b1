"""Vocabularies of Japanese subwords: the ways to write a token on one line, pictures, bytes and what has a name."""

import json

from text.corpus import SCRIPTS

WORDS = [
    "慶応,慶應",
    "世界",
    "日本,日夲",
    "日本語",
    "こん",
    "にち,ニチ",
    "こんに",
    "は",
    "カタカ",
    "ナ,な",
    "ー",
    "円",
    "の",
    "3.1",
]
LETTERS = ["1,１,①,一", "2,２,二", *"03456789", "a,A", "b,B", *"cdefghijklmnopqrstuvwxyzT.!?()-|<>#_@/:", ","]
NAMED = [
    f"<{name}>" for name in ("SP", "BR", "TAB", "BLOCK", "KIGOU", "U2000U2BFF", "URL", "EMAIL", "TEL", "DATE", "PRICE")
]
PICTURES = {
    "😀": "<|emoji1|>",
    "😃": "<|emoji1|>",
    "☺": "<|emoji2|>",
    "👍🏽": "<|emoji3|>",
    "❤": "<|emoji4|>",
    "(^^)": "<|emoji1|>",
}
SPECIAL = ["<|endoftext|>", "<|startoftext|>", "<|nottoken|>", "<|separator|>", "<|segmenter|>", "<|bagoftoken|>"]


def subwords() -> str:
    more = sorted(
        {c for text in SCRIPTS for c in text if "\u3040" < c < "\u9fff" and c not in "".join(WORDS + LETTERS)}
    )
    shown = sorted({*PICTURES.values()})
    lines = [*WORDS, *LETTERS, *more[:100], *shown, *NAMED, *(f"<|byte{i}|>" for i in range(256)), *SPECIAL]
    return "".join(f"{line}\n" for line in lines)


def emoji() -> str:
    back = {token: picture for picture, token in reversed(PICTURES.items())}
    return json.dumps({"emoji": PICTURES, "emoji_inv": back}, ensure_ascii=False)


MAKERS = {"japanese-subwords.txt": subwords, "emoji.json": emoji}
