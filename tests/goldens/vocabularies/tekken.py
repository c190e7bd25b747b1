"""tekken.json: single bytes, then what they merge into; with special tokens of its own, or those of all."""

import base64
import json

from text.case import FILES

WORDS = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NAMES = """
    <unk> <s> </s> <pad> [INST] [/INST] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS]
    [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] [ARGS] [CALL_ID] [PREFIX] [MIDDLE] [SUFFIX] [TOOL_CONTENT] [THINK]
    [/THINK]
"""


def tekken(version: str, special: list[str] | None, many: int, left_out: int) -> str:
    lines = [line.split() for line in (FILES / "ranks.tiktoken").read_text().splitlines()]
    merged = [raw for raw in (base64.b64decode(token) for token, _ in lines) if len(raw) > 1]
    tokens = [*(bytes([byte]) for byte in range(256)), *merged]
    vocab = []
    for rank, token in enumerate(tokens):
        try:
            shown = token.decode()
        except UnicodeDecodeError:
            shown = None
        vocab.append({"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": shown})
    config = {"pattern": WORDS, "num_vocab_tokens": len(vocab), "version": version}
    config |= {"default_vocab_size": len(vocab) - left_out + many, "default_num_special_tokens": many}
    held = {"config": config, "vocab": vocab}
    if special is not None:
        held["special_tokens"] = [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(special)]
    return json.dumps(held, ensure_ascii=False)


MAKERS = {
    "tekken.json": lambda: tekken("v3", None, 24, 100),
    "tekken-named.json": lambda: tekken("v11", NAMES.split(), 23, 0),
}
