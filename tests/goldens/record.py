"""Records reference values from PyTorch transformers: `make goldens`, or `python tests/goldens/record.py bert gpt2`.

Needs the extra `reference` and no jax. Writes `<model_type>.npz` (sketches of every output) and
`<model_type>.json` (parameter counts at published sizes) beside this file.
"""

from __future__ import annotations

import copy
import inspect
import json
import pathlib
import re
import sys
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import torch
import transformers
from support.case import GOLDENS, Case, load_cases, model_types
from support.fill import fill, leaves, sketch, write_sketches


def config_class(model_type: str):
    """The class of a model type, or of a part of one."""
    known = transformers.models.auto.configuration_auto.CONFIG_MAPPING
    if model_type in known:
        return known[model_type]
    wholes = (known[name].sub_configs.values() for name in known if model_type.startswith(name))
    return next(c for parts in wholes for c in parts if c.model_type == model_type)


def build(model_type: str, case: Case, head: str):
    """The reference model of a case with weights filled by name, in eval mode (or train mode without dropout)."""
    config = part(config_class(model_type)(**{k: _int_keys(copy.deepcopy(v)) for k, v in case.config.items()}), head)
    config._attn_implementation = case.attention
    model = getattr(transformers, head)(config)
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and not _is_buffer_to_keep(model, name):
            filled = fill(_in_file(model, _canonical(model, name)), tuple(tensor.shape))
            state[name] = torch.from_numpy(filled).to(tensor.dtype)
    model.load_state_dict(state)
    model.tie_weights()
    return model.train() if case.options.get("train") else model.eval()


def part(config, head: str):
    """The config that a head takes: the nested one of its part where it is the head of a part."""
    wanted = getattr(transformers, head).config_class
    nested = (getattr(config, name) for name in config.sub_configs)
    return config if isinstance(config, wanted) else next(c for c in nested if isinstance(c, wanted))


def _int_keys(value):
    return (
        {int(k): v for k, v in value.items()} if isinstance(value, dict) and all(k.isdigit() for k in value) else value
    )


def _is_buffer_to_keep(model, name: str) -> bool:
    """Buffers that are functions of the config; running statistics and biases of scores are filled like weights.

    So is all of a frozen batch normalisation, whose weight and bias are buffers too, and what is drawn or learnt.
    """
    buffers = dict(model.named_buffers())
    frozen = f"{name.rpartition('.')[0]}.running_mean" in buffers
    drawn = name.endswith(("final_logits_bias", "shared_image_embedding.positional_embedding", "codebook.embed"))
    return name in buffers and not frozen and not drawn


def _canonical(model, name: str) -> str:
    """Tied tensors have several names; the first that `named_parameters` gives and files hold is what to fill by."""
    unsaved = set(getattr(model, "_dynamic_tied_weights_keys", None) or ())
    named = dict(model.named_parameters(remove_duplicate=False))
    return next((n for n, held in named.items() if held is named.get(name) and n not in unsaved), name)


def _in_file(model, name: str) -> str:
    """A tensor's name in files, where the reference has another for it in memory."""
    if any(word in type(model).__name__.lower() for word in transformers.modeling_utils.VLMS):
        for old, new in model._checkpoint_conversion_mapping.items():
            name, changed = re.subn(new, old.lstrip("^"), name)
            if changed:
                break
    return name


def call(model, case: Case, head: str) -> dict[str, np.ndarray]:
    known = inspect.signature(model.forward).parameters
    made = case.make_inputs(head)
    inputs = _torch(case.reference(made) if case.reference else made)
    flags = {
        k: True for k in ("output_hidden_states", "output_attentions") if k in known or _hands_on(model, known, k)
    }
    if case.attention != "eager":
        flags.pop("output_attentions", None)
    options = {k: v for k, v in case.options.items() if k in known}
    with torch.no_grad(), mock.patch("torch.multinomial", _in_order):
        out = model(**inputs, **flags, **options)
    out = out if isinstance(out, dict) else {"logits": out}  # a part of a model may give its scores as they are
    kept = {k: v for k, v in out.items() if "past_key_values" not in k}
    values = leaves({k: _numpy(v) for k, v in kept.items()})
    if case.options.get("train"):
        values |= {f"state.{n}": b.numpy() for n, b in model.named_buffers() if "running_" in n}
    return values


def _hands_on(model, known, flag: str) -> bool:
    """Newer heads take these flags by keyword and give them to the base model, which may not know them."""
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return False
    base = inspect.signature(getattr(model, model.base_model_prefix, model).forward).parameters
    return flag in base or any(p.kind is p.VAR_KEYWORD for p in base.values())


def _in_order(weights, count: int, replacement: bool = False):
    """A draw of equal chances without chance."""
    return torch.arange(int(count)) % len(weights)


def _torch(v):
    if isinstance(v, dict):
        return {k: _torch(x) for k, x in v.items()}
    if isinstance(v, tuple | list):
        return [_torch(x) for x in v]
    x = torch.from_numpy(np.ascontiguousarray(v))
    return x.long() if x.dtype == torch.int32 else x


def _numpy(v):
    if isinstance(v, torch.Tensor):
        return v.detach().numpy()
    if isinstance(v, dict):
        return {k: _numpy(x) for k, x in v.items()}
    return tuple(_numpy(x) for x in v) if isinstance(v, tuple | list) else None


def record(model_type: str) -> None:
    module = load_cases(model_type)
    arrays: dict[str, np.ndarray] = {}
    for case in module.CASES:
        for head in case.heads or module.HEADS:
            model = build(model_type, case, head)
            for name, value in call(model, case, head).items():
                arrays[f"{case.name}/{head}/{name}"] = sketch(value)
    counts = {}
    for name, (values, heads) in module.PUBLISHED.items():
        config = config_class(model_type)(**copy.deepcopy(values))
        for head in heads:
            with torch.device("meta"):
                model = getattr(transformers, head)(part(config, head))
            counts[f"{name}/{head}"] = sum(p.numel() for p in model.parameters() if p.requires_grad)
    write_sketches(GOLDENS / f"{model_type}.npz", arrays)
    (GOLDENS / f"{model_type}.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    print(f"{model_type}: {len(arrays)} outputs, {(GOLDENS / f'{model_type}.npz').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    for wanted in sys.argv[1:] or model_types():
        record(wanted)
