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


def test_the_page_on_sharding_runs(tmp_path, capsys):
    sizes = dict(vocab_size=64, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=64)
    jf.init(jf.AutoConfig.for_model("llama", **sizes), "ForCausalLM", key=jax.random.key(5)).save(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "sharding.md").read_text(), re.DOTALL)
    names = {"path": str(tmp_path)}
    for block in blocks:
        exec(compile(block, "sharding.md", "exec"), names)
    printed = capsys.readouterr().out
    assert re.search(r"model.layers.0-3.mlp.up_proj.weight +4 x 64 x 32 +- tensor fsdp +4 x 32 x 8 +1", printed)
    assert "auto: 'replicated'; parameters, gradients and AdamW's moments take 0.00 GiB" in printed
    assert float(names["fetched"]) < float(names["value"])


def test_the_page_on_preparing_runs(tmp_path, capsys):
    from calls.case import folder
    from processors.case import CASES

    named = {case.name: case for case in CASES}
    known = {"text_checkpoint": folder()}
    for name, case in (("pair_checkpoint", "clip"), ("sound_checkpoint", "whisper"), ("image_checkpoint", "trocr")):
        (tmp_path / name).mkdir()
        known[name] = named[case].write(tmp_path / name)
    text = (DOCS / "preparing.md").read_text()
    for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(example, "preparing.md", "exec"), known)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("(2, 8) [0, 0, 0, 0")
    assert printed[1:3] == ["user: Hello!", "assistant: Hi."]
    assert printed[-4:] == [
        "(2, 3, 24, 24) 0.5019608",
        "(1, 80, 100)",
        "<|startoftranscript|><|en|><|transcribe|><|notimestamps|>",
        "['attention_mask', 'input_ids', 'pixel_values']",
    ]
