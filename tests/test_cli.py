"""`jaxformers info`: what is covered, and what a checkpoint holds, read from its header alone."""

import json
import subprocess
import sys

import jax
import numpy as np
import pytest

import jaxformers as jf
from jaxformers import cli, models
from jaxformers.checkpoints.safetensors import save_file

TINY = dict(n_layer=2, n_embd=32, n_head=2, vocab_size=50, n_positions=16)


@pytest.fixture
def checkpoint(tmp_path):
    jf.init(jf.AutoConfig.for_model("gpt2", **TINY), "GPT2LMHeadModel", key=jax.random.key(0)).save(tmp_path)
    return tmp_path


def facts(capsys, *args):
    assert cli.main(["info", *map(str, args), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_that_is_covered(capsys):
    got = facts(capsys)
    assert set(got["table"]) == set(models.TABLE)
    assert got["heads"] == sum(len(models.module(t).HEADS) for t in models.TABLE)
    assert got["table"]["bert"]["generate"] == ["BertLMHeadModel"]
    assert got["table"]["t5"]["generate"] == ["T5ForConditionalGeneration"]
    cli.main(["info"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{got['architectures']} architectures, {got['heads']} heads (* generates)"
    assert next(line for line in lines if line.startswith("gpt2 ")).split()[1:4] == [
        "text", "GPT2Model,", "GPT2LMHeadModel*,",
    ]  # fmt: skip


def test_a_model_type(capsys):
    got = facts(capsys, "llama", "--head", "ForCausalLM")
    assert got["head"] == "LlamaForCausalLM"
    assert got["parameters"] == 6_738_415_616  # Llama 2 7B
    assert got["bytes"]["bfloat16"] == 2 * 6_738_415_616
    assert got["cache_bytes"] == {"a_token": 32 * 2 * 4096 * 2, "fixed": 0}
    recurrent = facts(capsys, "mamba", "--head", "ForCausalLM")["cache_bytes"]
    assert recurrent["a_token"] == 0 < recurrent["fixed"]


def test_a_checkpoint(capsys, checkpoint):
    got = facts(capsys, checkpoint)
    model = jf.load(checkpoint)
    assert (got["head"], got["parameters"]) == ("GPT2LMHeadModel", model.num_parameters())
    assert got["file"]["bytes"] == sum(x.nbytes for x in jax.tree.leaves(model.params))
    assert got["file"]["dtypes"] == ["float32"]
    assert got["initialised"] == got["unused"] == []
    other = facts(capsys, checkpoint, "--head", "ForSequenceClassification")
    assert other["initialised"] == ["score.weight"]


def test_what_is_wrong_is_said_in_one_line(capsys, checkpoint):
    save_file(checkpoint / "model.safetensors", {"wte.weight": np.zeros((3, 3), np.float32)})
    assert cli.main(["info", str(checkpoint)]) == 1
    assert "shape: transformer.wte.weight must be (50, 32)" in capsys.readouterr().err
    assert cli.main(["info", "gpt2", "--head", "ForDreaming"]) == 1
    assert "head must be one of GPT2Model" in capsys.readouterr().err


def test_it_is_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "jaxformers", "info", "vit"], capture_output=True, text=True, check=True
    )
    assert "ViTForImageClassification" in done.stdout


def test_a_model_type_without_default_sizes_still_tells_its_heads(capsys):
    got = facts(capsys, "time_series_transformer")
    assert got["heads"] == ["TimeSeriesTransformerModel", "TimeSeriesTransformerForPrediction"]
    assert "prediction_length must be set" in got["sizes"]
