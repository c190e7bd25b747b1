"""Messages as the models of Mistral take them: what each side says in its turn, calls of tools, their answers."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jaxformers.errors import InputError

BREAK = "\n\n"  # between texts that become one
ROLES = ("system", "user", "assistant", "tool")


@dataclasses.dataclass(frozen=True)
class Thought:
    """What the model thinks before it answers; `closed`: has it come to an end?"""

    text: str
    closed: bool = True


@dataclasses.dataclass
class Turn:
    """What one side says: its texts and thoughts, the calls of tools, and the call that a tool answers."""

    role: str
    said: list[str | Thought]
    calls: list[Mapping[str, Any]] = dataclasses.field(default_factory=list)
    answers: str = ""

    @property
    def text(self) -> str:
        """Its text, if it holds no thoughts."""
        return "".join([one for one in self.said if isinstance(one, str)])


def turns_of(messages: Sequence[Mapping[str, Any]], level: int) -> list[Turn]:
    """The turns of messages, for a version of the file.

    Raises:
      InputError: a message has another role, holds more than text, or lacks what its role needs.
    """
    return _turns([_message(i, message, level) for i, message in enumerate(messages)], level)


def parsed(text: Any) -> Any:
    """What a text of JSON holds; a text that is none, or something else, as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _message(i: int, message: Mapping[str, Any], level: int) -> Turn:
    """A message's turn."""
    role = "system" if message["role"] == "developer" else message["role"]
    if role not in ROLES:
        raise InputError("conversation", [f"message {i}: role must be one of {', '.join(ROLES)}, got {role!r:.40}"])
    thinks = level >= 13 and role in ("assistant", "system")
    turn = Turn(
        role, _joined([_pieces(i, message.get("content"), thinks)]), _named(i, message.get("tool_calls") or ())
    )
    if role == "tool":
        answers = message.get("tool_call_id")
        if not isinstance(answers, str):
            raise InputError("conversation", [f"message {i}: tool_call_id must be given, got {answers!r:.40}"])
        turn.answers = answers
    if role == "assistant" and (not (turn.said or turn.calls) or (level < 7 and turn.said and turn.calls)):
        rule = "an assistant must say something or call tools" + " or both" * (level >= 7)
        raise InputError("conversation", [f"message {i}: {rule}"])
    return turn


def _pieces(i: int, content: Any, thinks: bool) -> list[str | Thought]:
    if content is None or isinstance(content, str):
        return [content] if content else []
    out: list[str | Thought] = []
    for part in content if isinstance(content, list | tuple) else [content]:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text" and isinstance(part.get("text"), str):
            out += [part["text"]] if part["text"] else []
        elif kind == "thinking" and thinks and isinstance(part.get("thinking"), str):
            out.append(Thought(part["thinking"], bool(part.get("closed", True))))
        else:
            problem = f"message {i}: content must be text{' and thinking' * thinks}, got {part!r:.80}"
            raise InputError("conversation", [problem])
    return out


def _named(i: int, calls: Sequence[Any]) -> list[Mapping[str, Any]]:
    out: list[Mapping[str, Any]] = []
    for call in calls:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise InputError(
                "conversation", [f"message {i}: a call must have a function with a name, got {call!r:.80}"]
            )
        given = function.get("arguments")
        held = {"name": function["name"], "arguments": {} if given is None else parsed(given)}
        name = call.get("id")
        out.append(held if name in (None, "", "null") else {**held, "id": name})
    return out


def _joined(parts: Sequence[list[str | Thought]]) -> list[str | Thought]:
    """Texts that follow each other as one."""
    out: list[str | Thought] = []
    for one in itertools.chain.from_iterable(parts):
        if isinstance(one, str) and out and isinstance(out[-1], str):
            out[-1] += BREAK + one
        else:
            out.append(one)
    return out


def _turns(turns: Sequence[Turn], level: int) -> list[Turn]:
    """Messages of a side that follow each other as one; answers in the order of the calls."""
    out: list[Turn] = []
    order: list[str] = []
    for role, group in itertools.groupby(turns, lambda turn: turn.role):
        held = list(group)
        if role in ("user", "assistant"):
            calls = [call for turn in held for call in turn.calls]
            held = [Turn(role, _joined([turn.said for turn in held]), calls)]
            order += [call.get("id", "null") for call in calls]
        elif role == "tool":
            if level >= 11:
                held.sort(key=lambda turn: order.index(turn.answers) if turn.answers in order else len(order))
            order.clear()
        out += held
    first = next((turn for turn in out if level >= 7 or turn.role != "system"), None)
    if first is None or (level < 7 and first.role != "user"):
        out.insert(0, Turn("user", []))
    return out
