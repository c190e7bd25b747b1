"""Addresses, telephone numbers, dates, prices and frames in Japanese text, which have a token each."""

from __future__ import annotations

import re

_HOUR = r"(?:\d|:|\([日月火水木金土]\)|[㈪-㈰])*"
# What has a token of its own where text is cleaned, in this order.
_CLEANED = [
    (re.compile(pattern), token)
    for pattern, token in (
        (r"(?:https?|ftp)://[-_.!~*'()a-zA-Z0-9;/?:@&=+$,%#]+", "<URL>"),
        (r"[A-Za-z0-9._+]*@[-_0-9A-Za-z]+(?:\.[A-Za-z]+)*", "<EMAIL>"),
        (r"\(?[0-9]{2,4}[-()]?[0-9]{2,4}[-)]?[0-9]{3,4}", "<TEL>"),
        (r"(?:[12]\d{3}[-/年])*(?:0?[1-9]|1[0-2])[-/月](?:0?[1-9]日?)*" + _HOUR, "<DATE>"),
        (
            r"(?:明治|大正|昭和|平成|令和|[㍻-㍾㋿])\d{1,2}年(?:0?[1-9]|1[0-2])月(?:0?[1-9]|[12][0-9]|3[01])日"
            + _HOUR,
            "<DATE>",
        ),
        (
            r"(?:\d,\d{3}|[\d億])*+(?:\d,\d{3}|[\d万])*+(?:\d,\d{3}|[\d千])*+"
            r"(?:(?:千万|千|万)?(?:円|ドル|ユーロ))+(?:\(税[込抜]\)|\+tax)*",
            "<PRICE>",
        ),
        ("(?:[\u2500-\u259f]|<BLOCK>)+", "<BLOCK>"),
    )
]


def cleaned(text: str) -> str:
    """A text with those tokens in their places."""
    for pattern, token in _CLEANED:
        text = pattern.sub(token, text)
    return text
