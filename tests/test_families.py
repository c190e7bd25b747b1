"""Families of checkpoints that are another architecture under a new name load as what they are."""

import json

import jax
import numpy as np
import pytest
from support.case import GOLDENS, default_inputs, load_cases
from support.families import FAMILIES, shrunk

import jaxformers as jf
from jaxformers import models, spec
from jaxformers.model import arguments

COUNTS = json.loads((GOLDENS / "families.json").read_text())


def config_of(directory, values) -> jf.ModelConfig:
    (directory / "config.json").write_text(json.dumps(values))
    return jf.AutoConfig.from_pretrained(directory)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_published_config_is_that_of_its_architecture(family, tmp_path):
    values = FAMILIES[family]
    config = config_of(tmp_path, values)
    name, head = models.find_head(config)
    assert (config.model_type, name) == (values["model_type"], values["architectures"][0])
    assert spec.count(head.declare(config), trainable=True) == COUNTS[family]
    again = json.loads(config.to_json())
    assert {k: again[k] for k in values} == values, "what the file said is written back"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_of_the_family_runs(family, tmp_path):
    config = config_of(tmp_path, shrunk(FAMILIES[family]))
    jf.init(config, key=jax.random.key(0)).save(tmp_path)
    model = jf.load(tmp_path)
    make = getattr(load_cases(config.model_type), "inputs", default_inputs)
    inputs = make(model.name, config.to_dict(), np.random.default_rng(0))
    out = model(**{n: x for n, x in inputs.items() if n in arguments(model.head.apply)})
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(out))
    field = next(n for n in ("logits", "prediction_logits", "projected_states") if n in out)
    width = config.vocab_size
    if field == "projected_states":
        width = config.proj_codevector_dim
    elif model.name.endswith("ForImageClassification"):
        width = config.num_labels
    assert out[field].shape[-1] == width
