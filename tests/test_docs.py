"""The examples in the documentation run, one behind the other, on a tiny model."""

import pathlib
import re

import jax
import pytest
from support.case import load_cases

import jaxformers as jf

DOCS = pathlib.Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("page", ["generation.md"])
def test_the_examples_run(page, tmp_path, capsys):
    values = {**load_cases("gpt2").CASES[0].config, "eos_token_id": None, "pad_token_id": 2}
    jf.init(jf.AutoConfig.for_model("gpt2", **values), "GPT2LMHeadModel", key=jax.random.key(5)).save(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert len(blocks) > 4
    names = {"path": str(tmp_path)}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    assert "(2, 8)" in capsys.readouterr().out
