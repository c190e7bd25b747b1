"""Imports point one way, and frameworks that users need not have are imported nowhere."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
OUTER = ("sharding", "checkpoints", "bridges")

# What each part may import of ours, when its modules are imported.
_BASE = {"errors", "spec", "config", "output", "context"}
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "spec": set(),
    "output": set(),
    "cache": set(),
    "context": {"errors", "sharding"},
    "config": {"errors"},
    "checkpoints": {"errors"},
    "bridges": {"errors", "checkpoints"},
    "tokenization": {"errors", "checkpoints"},
    "processing": {"errors", "checkpoints", "tokenization"},
    "sharding": {"errors", "spec"},
    "nn": _BASE | {"sharding"},
    "model": _BASE,
    "models": _BASE | {"sharding", "nn", "model"},
    "generation": _BASE | {"sharding", "nn", "model", "models", "checkpoints"},
    "loading": _BASE | {"sharding", "nn", "model", "models", "checkpoints", "bridges"},
    "saving": {"errors", "sharding", "checkpoints"},
    "auto": _BASE
    | {"saving", "sharding", "nn", "model", "models", "checkpoints", "bridges", "loading", "cache", "generation"},
    "training": _BASE | {"sharding", "nn", "model", "models"},
    "compiling": _BASE | {"sharding", "nn", "model", "models"},
    "cli": {"compiling"} | _BASE | {"model", "models", "checkpoints", "bridges", "loading", "auto"},
    "__main__": {"cli"},
}
# And what it may import in addition inside a function: a method that is short for a function further up.
LATER = {"model": {"auto", "generation"}, "config": {"checkpoints"}, "__init__": set(ALLOWED)}
FOREIGN = {"torch", "tensorflow", "transformers", "keras", "torchvision"}


def sources(*folders: str) -> list[pathlib.Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


OURS = sources("jaxformers", *OUTER)


def part(file: pathlib.Path) -> str:
    """The part of the package that a file belongs to."""
    inside = file.relative_to(ROOT).with_suffix("").parts
    return inside[0] if inside[0] in OUTER else inside[1]


def imports(file: pathlib.Path):
    """`(module, line, at import time?)` for every import statement; those for type checkers only are left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    yield from _imports(tree, file, at_import=True)


def _imports(node: ast.AST, file: pathlib.Path, at_import: bool):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{file}:{child.lineno}: imports name the whole path"
            yield from ((f"{child.module}.{alias.name}", child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, file, at_import and not function)


@pytest.mark.parametrize("file", OURS, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_one_way(file):
    own = part(file)
    assert own in ALLOWED, f"a new part of the package: say in ALLOWED what {own} may import"
    wrong = []
    for name, line, at_import in imports(file):
        if name.split(".")[0] != "jaxformers" or "." not in name:
            continue
        to = name.split(".")[1]
        allowed = ALLOWED[own] | {own} | (set() if at_import else LATER.get(own, set()))
        if to not in allowed:
            wrong.append(f"line {line}: {own} must not import {name}")
    assert not wrong


def test_the_table_has_no_cycle():
    order: list[str] = []
    while len(order) < len(ALLOWED):
        ready = [p for p in ALLOWED if p not in order and ALLOWED[p] <= set(order)]
        assert ready, f"a cycle among {sorted(set(ALLOWED) - set(order))}"
        order += ready
    for low, high in zip(("spec", "sharding", "nn", "models"), ("sharding", "nn", "models", "auto"), strict=True):
        assert order.index(low) < order.index(high)


def test_the_table_names_no_part_that_is_gone():
    assert set(ALLOWED) == {part(f) for f in OURS}


def test_outer_folders_are_imported_under_the_package():
    every = [*OURS, *sources("tests", "docs", "notebooks", "benchmarks")]
    wrong = [f"{f.relative_to(ROOT)}:{line}" for f in every for n, line, _ in imports(f) if n.split(".")[0] in OUTER]
    assert not wrong


def test_other_frameworks_are_imported_in_tests_and_benchmarks_only():
    files = [*OURS, *sources("docs", "notebooks"), ROOT / "setup.py"]
    wrong = [f"{f.relative_to(ROOT)}:{line}" for f in files for n, line, _ in imports(f) if n.split(".")[0] in FOREIGN]
    assert not wrong


def test_jax_stays_out_of_files_and_text():
    """`checkpoints`, `bridges` and `tokenization` work where there is no device."""
    files = [f for f in OURS if part(f) in ("checkpoints", "bridges", "tokenization", "errors", "config")]
    wrong = [
        f"{f}:{line}" for f in files for n, line, at_import in imports(f) if at_import and n.split(".")[0] == "jax"
    ]
    assert not wrong


def test_a_model_imports_no_loader_and_no_checkpoint():
    for file in sources("jaxformers/models"):
        for name, line, _ in imports(file):
            assert name.split(".")[1:2] not in (["auto"], ["loading"], ["checkpoints"], ["bridges"]), f"{file}:{line}"


def test_the_scanner_sees_every_kind_of_import(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "import torch.nn as t\n"
        "from jaxformers import auto, spec\n"
        "if True:\n    import jaxformers.models\n"
        "class A:\n    from jaxformers.errors import X\n"
        "def f():\n    from jaxformers import loading\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow\n"
    )
    found = {(name, at_import) for name, _, at_import in imports(file)}
    assert found == {
        ("torch.nn", True),
        ("jaxformers.auto", True),
        ("jaxformers.spec", True),
        ("jaxformers.models", True),
        ("jaxformers.errors.X", True),
        ("jaxformers.loading", False),
        ("typing.TYPE_CHECKING", True),
    }
    file.write_text("from . import x")
    with pytest.raises(AssertionError, match="imports name the whole path"):
        list(imports(file))
