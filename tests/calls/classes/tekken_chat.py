"""Conversations that Mistral's tekken.json is read for, by its versions."""

import json
import pathlib
from typing import Any

from calls.case import plain
from text.case import Case

NEEDS = "mistral_common"


def _version(version: str):
    def write(directory: pathlib.Path) -> dict[str, Any]:
        file = directory / "tekken.json"
        held = json.loads(file.read_text())
        held["config"]["version"] = version
        file.write_text(json.dumps(held))
        return {}

    return write


def _case(version: str, file: str) -> Case:
    return Case(version, "MistralCommonTokenizer", {"tekken.json": file}, more=_version(version))


CASES = [_case("v3", "tekken.json"), *(_case(version, "tekken-named.json") for version in ("v7", "v11", "v13"))]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "What the weather is — now",
            "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Größe"}}},
            "strict": True,
        },
    },
    {"type": "function", "function": {"name": "time_of-day", "parameters": {"type": "object", "properties": {}}}},
]


def _call(name: str, arguments: Any, call: str) -> dict[str, Any]:
    return {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}


_SYSTEM, _USER = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello <s> [INST]!"}
_SAID = {"role": "assistant", "content": "Hi, you.  "}
_CALLS = [_call("weather", {"city": "Köln", "n": 1.5}, "abcdefgh1"), _call("time_of-day", "", "abcdefgh2")]
_ANSWERS = [
    {"role": "tool", "tool_call_id": "abcdefgh2", "name": "time_of-day", "content": '{"hour":12, "x": "é"}'},
    {"role": "tool", "tool_call_id": "abcdefgh1", "name": "weather", "content": "no json"},
]
_CALLED = {"role": "assistant", "content": "", "tool_calls": _CALLS}
_TEXTS = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
CHATS: dict[str, Any] = {
    "one": [_USER],
    "told": [_SYSTEM, _USER],
    "long": [_SYSTEM, _USER, _SAID, {"role": "user", "content": "And?\n日本"}],
    "joined": [_SYSTEM, _SYSTEM, _USER, _TEXTS, _SAID, {**_SAID, "content": "More"}, _USER],
    "tools": [_SYSTEM, _USER, _CALLED, *_ANSWERS],
    "after": [_USER, _CALLED, *_ANSWERS, _SAID, _TEXTS],
    "again": [_USER, _CALLED, *_ANSWERS, {**_CALLED, "tool_calls": _CALLS[:1]}, _ANSWERS[1]],
}
BOTH = [_USER, {**_CALLED, "content": "I look. "}, *_ANSWERS]
THINKS = [
    {
        "role": "system",
        "content": [{"type": "text", "text": "Think."}, {"type": "thinking", "thinking": "so", "closed": False}],
    },
    _USER,
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm "}, {"type": "text", "text": "Well "}]},
    _USER,
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the conversations."""
    found: dict[str, Any] = {}
    for case in CASES:
        made = load(case)
        chats = {
            **CHATS,
            **({"both": BOTH} if case.name != "v3" else {}),
            **({"thinks": THINKS} if case.name == "v13" else {}),
        }
        for name, chat in chats.items():
            for tools in (None, TOOLS):
                found[f"{case.name}/{name}/{bool(tools)}"] = plain(
                    made.apply_chat_template(_copied(chat), tools=tools)
                )
        text = made.apply_chat_template(_copied(CHATS["tools"]), tools=TOOLS, tokenize=False)
        found[f"{case.name}/text"] = text
        left = _copied(CHATS["long"][:3])
        found[f"{case.name}/open"] = plain(made.apply_chat_template(left, continue_final_message=True))
        some = [_copied(CHATS["one"]), _copied(CHATS["long"])]
        how = {"padding": True, "truncation": True, "max_length": 30, "return_tensors": "np", "return_dict": True}
        found[f"{case.name}/batch"] = plain(made.apply_chat_template(some, **how))
    return found


def _copied(chat: Any) -> Any:
    """The reference changes what it is given."""
    return json.loads(json.dumps(chat))
