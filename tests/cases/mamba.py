"""Mamba."""

import numpy as np
from support.case import Case, ids

HEADS = ("MambaModel", "MambaForCausalLM")
TINY = dict(vocab_size=67, hidden_size=32, num_hidden_layers=3, state_size=8)
ONE = ("MambaModel",)


def long(head, c, rng):
    """More steps than two chunks of the scan, the second row padded on the left and with a hole."""
    mask = np.ones((2, 150), np.int32)
    mask[1, :70] = mask[1, 100:103] = 0
    return {"input_ids": ids(rng, c["vocab_size"], (2, 150)), "attention_mask": mask}


CASES = [
    Case("decoder", TINY),
    Case("biased", {**TINY, "use_bias": True, "use_conv_bias": False}, ONE),
    Case("all_biases", {**TINY, "use_bias": True}, ONE),
    Case("gelu", {**TINY, "hidden_act": "gelu"}, ONE),
    Case("untied", {**TINY, "tie_word_embeddings": False, "layer_norm_epsilon": 1e-3}, ("MambaForCausalLM",)),
    Case("residual", {**TINY, "residual_in_fp32": False}, ONE),
    Case("wide", {**TINY, "expand": 3, "state_size": 5, "time_step_rank": 7}, ONE),
    Case("narrow", {**TINY, "expand": 1.5, "conv_kernel": 2}, ONE),
    Case("own_width", {**TINY, "intermediate_size": 48}, ONE),
    Case("long_filter", {**TINY, "conv_kernel": 12}, ONE),  # longer than the inputs
    Case("no_filter", {**TINY, "conv_kernel": 1}, ONE),
    Case(  # what only initialisation reads
        "initialised",
        {
            **TINY,
            "time_step_init_scheme": "constant",
            "time_step_scale": 2.0,
            "time_step_min": 0.01,
            "time_step_max": 0.5,
            "time_step_floor": 0.02,
            "rescale_prenorm_residual": True,
            "initializer_range": 0.02,
        },
        ONE,
    ),
    Case("long", TINY, inputs=long),
    Case(
        "embeds",
        TINY,
        ONE,
        extra={
            "input_ids": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]

PUBLISHED = {
    "mamba-130m-hf": (dict(num_hidden_layers=24, time_step_rank=48, intermediate_size=1536), HEADS),
    "mamba-2.8b-hf": (
        dict(hidden_size=2560, num_hidden_layers=64, time_step_rank=160, intermediate_size=5120),
        ("MambaForCausalLM",),
    ),
}

REFUSED = [
    ({"hidden_act": "silo"}, "hidden_act"),
    ({"time_step_rank": "automatic"}, "time_step_rank"),
    ({"time_step_rank": 0}, "time_step_rank"),
    ({"state_size": 0}, "state_size"),
    ({"conv_kernel": 0}, "conv_kernel"),
    ({"expand": 0}, "intermediate_size"),
    ({"time_step_min": 0.0}, "time_step_min"),
]
