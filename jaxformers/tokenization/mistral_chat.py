"""Conversations as Mistral's models were trained on them, for each version of tekken.json.

A message is encoded apart from others, so that no text is taken for a special token.
Code: https://github.com/mistralai/mistral-common.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization import tools as schemas
from jaxformers.tokenization.mistral_messages import BREAK, Thought, Turn, parsed, turns_of

VERSIONS = ("v3", "v7", "v11", "v13")


class Conversation:
    """Writes conversations.

    Args:
      version: of the file.
      ids: the ids of a text.
      mark: the id of a special token.
    """

    def __init__(self, version: str, ids: Callable[[str], list[int]], mark: Callable[[str], int]):
        if version not in VERSIONS:
            problem = f"conversations are written for versions {', '.join(VERSIONS)} of tekken.json, got {version!r}"
            raise InputError("apply_chat_template", [problem], "set chat_template to the model's, or pass one")
        self.level, self.ids, self.mark = int(version[1:]), ids, mark

    def __call__(self, messages: Sequence[Mapping[str, Any]], tools: Any, left_open: bool) -> list[int]:
        """The ids of a conversation.

        Args:
          messages: with `role` and `content`, `tool_calls` or `tool_call_id`.
          tools: functions or JSON schemas.
          left_open: does the last message go on?

        Raises:
          InputError: a message can not be written.
        """
        turns = turns_of(messages, self.level)
        if left_open and turns[-1].role != "assistant":
            raise InputError(
                "continue_final_message", [f"the last message must be the assistant's, got {turns[-1].role}"]
            )
        asked = [i for i, turn in enumerate(turns) if turn.role == "user"]
        told = (asked[0] if self.level >= 13 else asked[-1]) if asked and tools else -1
        before = (
            BREAK.join([turn.text for turn in turns if turn.role == "system" and turn.text]) if self.level < 7 else ""
        )
        out = [self.mark("<s>")]
        for i, turn in enumerate(turns):
            if i == told:
                held = json.dumps([_tool(tool) for tool in tools], ensure_ascii=False)
                out += self._between("[AVAILABLE_TOOLS]", held, "[/AVAILABLE_TOOLS]")
            if turn.role == "user":
                front = f"{before}{BREAK}" if before and i == asked[-1] else ""
                out += self._between("[INST]", front + turn.text, "[/INST]")
            elif turn.role == "system" and self.level >= 7:
                out += [self.mark("[SYSTEM_PROMPT]"), *self._said(turn.said), self.mark("[/SYSTEM_PROMPT]")]
            elif turn.role == "tool":
                out += self._answer(turn)
            elif turn.role == "assistant":
                out += self._said(turn.said) if len(turn.said) != 1 else self._said([_bare(turn.said[0])])
                out += self._calls(turn.calls) if turn.calls else []
                out += [] if left_open and i == len(turns) - 1 else [self.mark("</s>")]
        return out

    def _between(self, first: str, text: str, last: str) -> list[int]:
        return [self.mark(first), *self.ids(text), self.mark(last)]

    def _said(self, said: Sequence[str | Thought]) -> Iterator[int]:
        for one in said:
            if isinstance(one, str):
                yield from self.ids(one)
            else:
                yield from (self.mark("[THINK]"), *self.ids(one.text), *([self.mark("[/THINK]")] * one.closed))

    def _answer(self, turn: Turn) -> list[int]:
        """What a tool answers."""
        if self.level < 7:
            text = json.dumps({"content": parsed(turn.text), "call_id": turn.answers}, ensure_ascii=False)
            return self._between("[TOOL_RESULTS]", text, "[/TOOL_RESULTS]")
        name = [] if self.level >= 13 else [*self.ids(turn.answers), self.mark("[TOOL_CONTENT]")]
        return [self.mark("[TOOL_RESULTS]"), *name, *self.ids(turn.text), self.mark("[/TOOL_RESULTS]")]

    def _calls(self, calls: Sequence[Mapping[str, Any]]) -> list[int]:
        if self.level < 11:
            return [self.mark("[TOOL_CALLS]"), *self.ids(json.dumps(calls, ensure_ascii=False))]
        out: list[int] = []
        for call in calls:
            name = [self.mark("[CALL_ID]"), *self.ids(call["id"])] if "id" in call and self.level < 13 else []
            held = json.dumps(call["arguments"], ensure_ascii=False)
            out += [self.mark("[TOOL_CALLS]"), *self.ids(call["name"]), *name, self.mark("[ARGS]"), *self.ids(held)]
        return out


def _bare(said: str | Thought) -> str | Thought:
    """A text without the spaces at its end."""
    return said.rstrip(" ") if isinstance(said, str) else said


def _tool(tool: Any) -> dict[str, Any]:
    """A tool's schema, with the entries that the models know."""
    held = schemas.schema(tool)
    function = held.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InputError("tools", [f"a tool must be a JSON schema with a function's name, got {tool!r:.80}"])
    known = {"description": function.get("description") or "", "parameters": function.get("parameters") or {}}
    return {"type": "function", "function": {"name": function["name"], **known}}
