"""A Python function as the JSON schema by which chat templates describe tools to a model."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import InputError

_KINDS = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
_HEADINGS = ("Args:", "Returns:", "Raises:")


def schema(tool: Mapping[str, Any] | Callable) -> Mapping[str, Any]:
    """A tool's schema: a mapping is one already; of a function it is made of its name, type hints and docstring.

    The docstring has a description and, in Google's style, a line for every argument under `Args:` (which may end with
    `(choices: ["a", "b"])`) and what it returns under `Returns:`.

    Raises:
      InputError: it is neither, or the function has no docstring, or an argument no type hint or description.
    """
    if isinstance(tool, Mapping):
        return tool
    if not inspect.isfunction(tool):
        raise InputError("tools", [f"a tool must be a JSON schema or a function, got {tool!r:.80}"])
    name, doc = tool.__name__, inspect.getdoc(tool)
    if not doc:
        raise InputError("tools", [f"function {name} must have a docstring"])
    about, said, returned = _sections(doc)
    hints, parameters = typing.get_type_hints(tool), inspect.signature(tool).parameters
    problems = [f"argument {n} of {name} must have a type hint" for n in parameters if n not in hints]
    problems += [f"argument {n} of {name} must be described under Args:" for n in parameters if n not in said]
    if problems:
        raise InputError("tools", problems)
    properties = {}
    for argument in parameters:
        text, found = said[argument], re.search(r"\(choices:\s*(.*?)\)\s*$", said[argument], re.IGNORECASE)
        properties[argument] = _type(hints[argument], f"argument {argument} of {name}")
        if found:
            try:
                properties[argument]["enum"] = [str(c).strip() for c in json.loads(found[1])]
            except ValueError as e:
                raise InputError("tools", [f"choices of {argument} of {name} must be a JSON list: {e}"]) from None
            text = text[: found.start()].strip()
        properties[argument]["description"] = text
    made: dict[str, Any] = {"type": "object", "properties": properties}
    if required := [n for n, p in parameters.items() if p.default is p.empty]:
        made["required"] = required
    function: dict[str, Any] = {"name": name, "description": about, "parameters": made}
    if "return" in hints:
        more = {} if returned is None else {"description": returned}
        function["return"] = {**_type(hints["return"], f"what {name} returns"), **more}
    return {"type": "function", "function": function}


def _sections(doc: str) -> tuple[str, dict[str, str], str | None]:
    """A docstring's description, its arguments' descriptions, and what is returned (None if it does not say)."""
    parts: dict[str, list[str]] = {"": []}
    heading = ""
    for line in doc.strip().splitlines():
        if line.strip() in _HEADINGS:
            heading = line.strip()
            parts[heading] = []
        else:
            parts[heading].append(line)
    arguments: dict[str, str] = {}
    last = None
    for line in parts.get("Args:", []):
        if found := re.match(r"\s*(\w+):\s*(.*)", line):
            last = found[1]
            arguments[last] = found[2].strip()
        elif last is not None and line.strip():
            arguments[last] = f"{arguments[last]} {line.strip()}".strip()
    returned = "\n".join(parts["Returns:"]).strip() if "Returns:" in parts else None
    about = re.split("|".join(_HEADINGS), "\n".join(parts[""]))[0]
    return about.strip(), arguments, returned


def _type(hint: Any, what: str) -> dict[str, Any]:
    """The schema of a type hint; `what` has it, for errors."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        if hint is Any:
            return {}
        return {"type": _KINDS.get(hint, "object")}  # also of a bare `list`
    if origin in (typing.Union, types.UnionType):
        kinds = [_type(t, what) for t in args if t is not type(None)]
        if len(kinds) == 1:
            made = kinds[0]
        elif all(isinstance(k.get("type"), str) for k in kinds):
            made = {"type": sorted(k["type"] for k in kinds)}  # what lists and dicts hold is not said
        else:
            made = {"anyOf": kinds}
        return {**made, "nullable": True} if type(None) in args else made
    if origin is typing.Literal and all(type(a) in _KINDS for a in args):
        kinds_ = list(dict.fromkeys(_KINDS[type(a)] for a in args))
        return {"type": kinds_[0] if len(kinds_) == 1 else kinds_, "enum": list(args)}
    if origin in (list, tuple) and not args:
        return {"type": "array"}
    if origin is list:
        return {"type": "array", "items": _type(args[0], what)}
    if origin is tuple and len(args) > 1 and ... not in args:
        return {"type": "array", "prefixItems": [_type(t, what) for t in args]}
    if origin is dict:
        return {"type": "object", **({"additionalProperties": _type(args[1], what)} if args else {})}
    raise InputError("tools", [f"{what} must have a type that JSON has, got {hint}"])
