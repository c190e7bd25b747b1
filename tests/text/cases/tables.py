"""Answers of TAPEX; what it makes of tables stands in `calls.classes.tapex`."""

from text.case import Case

_FILES = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
_OTHER = {"do_lower_case": False, "add_prefix_space": True, "additional_special_tokens": ["[CLS]"], "errors": "ignore"}

CASES = [
    Case("tapex", "TapexTokenizer", _FILES, offsets=False, argument="answer", pairs=False),
    Case("tapex-cased", "TapexTokenizer", _FILES, _OTHER, offsets=False, argument="answer", pairs=False),
]
