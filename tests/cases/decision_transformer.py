"""Decision Transformer."""

import numpy as np
from support.case import Case

HEADS = ("DecisionTransformerModel", "DecisionTransformerGPT2Model")
TINY = dict(state_dim=5, act_dim=3, hidden_size=16, max_ep_len=30, n_positions=24, n_layer=2, n_head=2)


def inputs(head, c, rng):
    """Two trajectories of four steps, or for the decoder alone what it reads of them."""

    def draw(*shape):
        return rng.standard_normal((2, *shape)).astype(np.float32)

    d, steps = c.get("hidden_size", 128), 4
    if head.endswith("GPT2Model"):
        return {"inputs_embeds": draw(3 * steps, d)}
    return {
        "states": draw(steps, c.get("state_dim", 17)),
        "actions": draw(steps, c.get("act_dim", 4)),
        "rewards": draw(steps, 1),
        "returns_to_go": draw(steps, 1),
        "timesteps": rng.integers(0, c.get("max_ep_len", 4096), (2, steps), dtype=np.int32),
    }


CASES = [
    Case("trajectory", TINY, inputs=inputs),
    Case(
        "short",
        {**TINY, "action_tanh": False, "activation_function": "gelu", "n_inner": 20},
        HEADS[:1],
        inputs=inputs,
        extra={"attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int32)},
    ),
    Case(
        "places",
        {**TINY, "scale_attn_by_inverse_layer_idx": True},
        HEADS[1:],
        inputs=inputs,
        extra={"position_ids": np.arange(12)[None, ::-1].astype(np.int32)},
    ),
]
PUBLISHED = {
    "edbeeching/decision-transformer-gym-hopper-medium": (dict(state_dim=11, act_dim=3), HEADS),
}
REFUSED = [
    ({"activation_function": "gelu_wide"}, "activation_function"),
    ({"hidden_size": 30, "n_head": 4}, "n_head"),
]
