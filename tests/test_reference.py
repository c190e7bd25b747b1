"""Live comparison with PyTorch transformers (`make reference`): saving, loading and fresh configs no golden has."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from support.case import GOLDENS, load_cases, model_types
from support.fill import leaves, relative_error
from test_contract import FIRST, Subject, over

import jaxformers as jf

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def recorder():
    sys.path.insert(0, str(GOLDENS))
    import record

    yield record
    sys.path.remove(str(GOLDENS))


def same(s: Subject, theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]):
    assert set(theirs) <= set(ours)
    for name, value in theirs.items():
        assert relative_error(ours[name], value) <= s.case.tolerance, name


def reload(s: Subject, directory):
    """The reference's own reading of a checkpoint, and what it says about it."""
    import transformers

    reference, info = getattr(transformers, s.head).from_pretrained(
        directory, output_loading_info=True, attn_implementation=s.case.attention
    )
    return (reference.train() if s.case.options.get("train") else reference.eval()), info


@over(FIRST)
def test_the_reference_loads_what_we_save(s: Subject, recorder, tmp_path):
    s.model.save(tmp_path)
    reference, info = reload(s, tmp_path)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    same(s, recorder.call(reference, s.case, s.head), s.outputs)


@over(FIRST)
def test_we_load_what_the_reference_saves(s: Subject, recorder, tmp_path):
    recorder.build(s.model_type, s.case, s.head).save_pretrained(tmp_path)
    reference, _ = reload(s, tmp_path)  # which makes tables that it does not save anew, as we do
    model = jf.load(tmp_path)
    assert model.name == s.head
    same(s, recorder.call(reference, s.case, s.head), leaves(model(**s.inputs, **s.options)))


def reshaped(values: dict) -> dict:
    """A config with other widths and depths than any golden's."""
    out = dict(values)
    if "short_factor" in (values.get("rope_scaling") or {}):  # its lists are as long as a head is wide
        return out | {"vocab_size": values["vocab_size"] + 11}
    for name in ("hidden_size", "n_embd", "d_model"):
        if name in out:
            out[name] = out[name] + out.get("num_attention_heads", out.get("n_head", out.get("num_heads", 4))) * 2
    for name in ("num_hidden_layers", "n_layer", "num_layers"):
        if name in out:
            out[name] = out[name] + 1
    if out.get("layer_types"):
        out["layer_types"] = [*out["layer_types"], out["layer_types"][-1]]
    if "attention_types" in out:  # it names a kind for each layer
        out["attention_types"] = [*out["attention_types"], [["global"], 1]]
    for name in ("vocab_size", "decoder_vocab_size"):
        if name in out:
            out[name] += 11
    return out


@pytest.mark.parametrize("model_type", model_types())
def test_fresh_configs_equal_the_reference(model_type, recorder):
    module = load_cases(model_type)
    for case in module.CASES:
        if case.extra or "depths" in case.config or case.inputs:
            continue
        fresh = dataclasses.replace(case, name=f"{case.name}-fresh", config=reshaped(dict(case.config)))
        for head in (case.heads or module.HEADS)[:2]:
            s = Subject(model_type, fresh, head)
            reference = recorder.build(model_type, fresh, head)
            same(s, recorder.call(reference, fresh, head), s.outputs)
