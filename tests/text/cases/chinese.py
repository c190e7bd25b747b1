"""CPM and CPM-Ant; CPM's tokenizer.json is that of XLNet, before which words are parted."""

import json
import pathlib
import tempfile
from typing import Any

from text.case import Case

_PIECES = {"spiece.model": "xlnet.model"}
_ADDED = {"2000": {"content": "wide", "rstrip": True}, "2001": {"content": "日", "special": True}}
_XLNET = Case("xlnet", "XLNetTokenizerFast", _PIECES)


def _json(directory: pathlib.Path) -> dict[str, Any]:
    """Writes tokenizer.json."""
    import jaxformers as jf

    with tempfile.TemporaryDirectory() as folder:
        made = jf.AutoTokenizer.from_pretrained(_XLNET.write(pathlib.Path(folder)))
    held = json.loads(made.backend.to_str())
    (directory / "tokenizer.json").write_text(json.dumps(held))
    return {}


CASES = [
    Case("cpm", "CpmTokenizer", _PIECES, offsets=False),
    Case("cpm-lower", "CpmTokenizer", _PIECES, {"do_lower_case": True, "keep_accents": True}, offsets=False),
    Case(
        "cpm-spaces", "CpmTokenizer", _PIECES, {"remove_space": False, "added_tokens_decoder": _ADDED}, offsets=False
    ),
    Case("cpm-fast", "CpmTokenizerFast", _PIECES, more=_json, pairs=False),
    Case("cpm-ant", "CpmAntTokenizer", {"vocab.txt": "ants.txt"}, offsets=False),
    Case(
        "cpm-ant-added", "CpmAntTokenizer", {"vocab.txt": "ants.txt"}, {"added_tokens_decoder": _ADDED}, offsets=False
    ),
]
