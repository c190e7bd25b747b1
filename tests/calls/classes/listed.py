"""Calls of classes whose tokens stand in a list: ERNIE-M's places, Transformer-XL's words."""

from typing import Any

from calls.case import plain
from text.case import cases

TEXTS = ["A cheetah runs.", "你好，世界 ab12cd3.5!", "ＦＵＬＬ　１２３ two", "the\tfox\nis it?"]
WORDS = "the cheetah <formula> is <new> here <eos>"


def observe(load) -> dict[str, Any]:
    """What either side says."""
    by_name = {case.name: case for case in cases()}
    found: dict[str, Any] = {}
    for name in ("ernie-m", "ernie-m-model"):
        made = load(by_name[name])
        if not type(made).__module__.startswith("jaxformers"):
            type(made).SP_CHAR_MAPPING = {}  # which the reference's class uses and lacks
        told = TEXTS[:2] if name == "ernie-m-model" else TEXTS  # whose model leaves wide letters as they are
        rows = [made(text) for text in TEXTS]
        found[f"{name}/rows"] = [plain(row) for row in rows]
        found[f"{name}/text"] = [made.convert_ids_to_string(row["input_ids"]) for row in rows]
        found[f"{name}/places"] = [plain(made.get_offset_mapping(text)) for text in told]
        found[f"{name}/pair"] = plain(made(*TEXTS[:2], return_token_type_ids=True, return_special_tokens_mask=True))
    worded = load(by_name["transfo-xl"])
    worded.add_tokens(["<new>"])
    found["words"] = [plain(worded(WORDS)), len(worded), worded.vocab_size]
    found["text"] = worded.decode(worded(WORDS)["input_ids"])
    found["batch"] = plain(load(by_name["bartpho"])(TEXTS, padding=True, return_tensors="np"))
    found["prophet"] = plain(load(by_name["prophetnet"])(TEXTS[:2], TEXTS[2:], padding=True, return_tensors="np"))
    return found
