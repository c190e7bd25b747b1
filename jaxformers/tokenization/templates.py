"""Chat templates: Jinja in a sandbox, as checkpoints ship them, cut off where they run or grow without end."""

from __future__ import annotations

import contextvars
import dataclasses
import datetime
import functools
import json
from typing import Any

import jinja2
import jinja2.ext
import jinja2.sandbox
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from jaxformers.errors import InputError

STEPS = 200_000  # turns of loops and calls of functions in one rendering
LETTERS = 2**24  # of one rendering, and of any text that it puts together
WIDENING = ("center", "ljust", "rjust", "zfill", "expandtabs")  # methods that make a text as long as a number says


@dataclasses.dataclass
class _Run:
    """One rendering: what it has done and written so far."""

    steps: int = 0
    letters: int = 0
    spans: list[tuple[int, int]] = dataclasses.field(default_factory=list)  # of `generation` blocks

    def step(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise InputError("chat template", [f"must end: it has made more than {STEPS} steps"])


_run: contextvars.ContextVar[_Run] = contextvars.ContextVar("run")


def _fits(n: Any) -> None:
    if n > LETTERS:
        raise InputError("chat template", [f"must make texts of at most {LETTERS} letters, got {n}"])


def render(template: str, variables: dict[str, Any]) -> tuple[str, list[tuple[int, int]]]:
    """A template's text, and the places (start, end) in it of its `{% generation %}` blocks.

    Raises:
      InputError: the template is no Jinja, asks for what the sandbox forbids, raises an exception itself, or runs or
        grows without end.
    """
    compiled = _compiled(template)
    run = _Run()
    token = _run.set(run)
    try:
        parts = []
        for part in compiled.root_render_func(compiled.new_context(variables)):
            parts.append(part)
            run.letters += len(part)
            _fits(run.letters)
        return "".join(parts), run.spans
    except jinja2.TemplateError as e:
        raise InputError("chat template", [f"could not be rendered: {e}"]) from None
    except (RecursionError, MemoryError):
        raise InputError("chat template", ["must end: it calls itself or grows without end"]) from None
    except InputError:
        raise
    except Exception as e:  # a template may do anything that Python lets it do wrong
        raise InputError("chat template", [f"could not be rendered: {type(e).__name__}: {e}"]) from None
    finally:
        _run.reset(token)


@functools.lru_cache(maxsize=64)
def _compiled(template: str) -> jinja2.Template:
    try:
        return _environment().from_string(template)
    except jinja2.TemplateError as e:
        raise InputError("chat template", [f"must be a Jinja template: {e}"]) from None


# ------------------------------------------------------------------------------------------------------ the sandbox


class _Generation(jinja2.ext.Extension):
    """`{% generation %} ... {% endgeneration %}`: what the assistant says."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_note"), [], [], body).set_lineno(line)

    def _note(self, caller):
        run, text = _run.get(), caller()
        run.spans.append((run.letters, run.letters + len(text)))
        return text


class _Counting(NodeTransformer):
    """Makes loops count their turns, and `~` the letters that it joins."""

    def visit_For(self, node):
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node):
        self.generic_visit(node)
        parts = nodes.Tuple(node.nodes, "load", lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)


def _counted(values):
    for value in values:
        _run.get().step()
        yield value


def _joined(parts) -> str:
    texts = [str(part) for part in parts]
    _fits(sum(map(len, texts)))
    return "".join(texts)


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "*", "**"))

    def _parse(self, source, name, filename):
        return _Counting().visit(super()._parse(source, name, filename))

    def call_binop(self, context, operator, left, right):
        sizes = [len(x) if isinstance(x, str | list | tuple) else None for x in (left, right)]
        if operator == "*" and any(n is not None for n in sizes):
            size, times = (sizes[0], right) if sizes[0] is not None else (sizes[1], left)
            _fits(size * times if isinstance(times, int) else 0)
        if operator == "+" and None not in sizes:
            _fits(sum(sizes))
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _fits(left.bit_length() * max(0, right))
        return super().call_binop(context, operator, left, right)

    def call(self, context, obj, /, *args, **kwargs):
        _run.get().step()
        if isinstance(getattr(obj, "__self__", None), str):
            if obj.__name__ in WIDENING:
                _fits(max((n for n in args if isinstance(n, int)), default=0))
            if obj.__name__ == "replace" and len(args) >= 2 and all(isinstance(a, str) for a in args[:2]):
                times = obj.__self__.count(args[0])
                _fits(len(obj.__self__) + times * (len(args[1]) - len(args[0])))
        value = super().call(context, obj, *args, **kwargs)
        if isinstance(value, str):
            _fits(len(value))
        return value


def _to_json(x: Any, ensure_ascii: bool = False, indent=None, separators=None, sort_keys: bool = False) -> str:
    """JSON as models read it: without HTML's escapes."""
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str):
    raise jinja2.TemplateError(message)


def _now(format: str) -> str:
    return datetime.datetime.now().strftime(format)


@functools.cache
def _environment() -> _Environment:
    made = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])
    made.filters |= {"tojson": _to_json, "_counted": _counted, "_joined": _joined}
    made.globals |= {"raise_exception": _raise, "strftime_now": _now}
    return made
