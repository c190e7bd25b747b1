"""Decision Transformer: GPT-2 over the returns, states and actions of a trajectory, to tell the next action.

Paper: https://arxiv.org/abs/2106.01345. Serves every checkpoint of model type "decision_transformer".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models.text import gpt2
from jaxformers.nn import Embedding, LayerNorm, Linear, embed, layer_norm, linear
from jaxformers.output import Output

PREFIX = "encoder"
EPS = 1e-5  # of the norm over embeddings


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="decision_transformer"):
    state_dim: int = 17
    act_dim: int = 4
    hidden_size: int = 128
    max_ep_len: int = 4096
    action_tanh: bool = True
    vocab_size: int = 1
    n_positions: int = 1024
    n_layer: int = 3
    n_head: int = 1
    n_inner: int | None = None
    activation_function: str = "relu"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    scale_attn_weights: bool = True
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    scale_attn_by_inverse_layer_idx: bool = False
    reorder_and_upcast_attn: bool = False

    synonyms = {
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }
    allowed = {"activation_function": nn.ACTIVATION_NAMES, "add_cross_attention": (False,)}

    @property
    def n_embd(self) -> int:
        """What GPT-2 calls it."""
        return self.hidden_size

    def check(self):
        yield from self.multiple("hidden_size", "n_head")


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    d = c.hidden_size
    return {
        "encoder": gpt2.Model(c),
        "embed_timestep": Embedding(c.max_ep_len, d, "- embed"),
        "embed_return": Linear(1, d, "- embed"),
        "embed_state": Linear(c.state_dim, d, "- embed"),
        "embed_action": Linear(c.act_dim, d, "- embed"),
        "embed_ln": LayerNorm(d),
        "predict_state": Linear(d, c.state_dim, "embed -"),
        "predict_action": [Linear(d, c.act_dim, "embed -")],
        "predict_return": Linear(d, 1, "embed -"),
    }


# ------------------------------------------------------------------------------------------------------ functions


def interleave(*parts):
    """K arrays [B, T, ...] as one [B, K * T, ...], step by step."""
    x = jnp.stack(parts, 2)
    return x.reshape(x.shape[0], -1, *x.shape[3:])


def model(
    p,
    c,
    states,
    actions,
    rewards=None,
    returns_to_go=None,
    timesteps=None,
    attention_mask=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The next action after each state, and the state and return that follow each action.

    Of a trajectory of T steps: states [B, T, state_dim], actions [B, T, act_dim], returns_to_go [B, T, 1], timesteps
    int [B, T] below `max_ep_len`; attention_mask [B, T] is 1 at steps, 0 at padding. `rewards` are not read. `key`
    switches dropout on. `last_hidden_state` is [B, 3 * T, D]: return, state and action of each step in turn.
    """
    missing = [
        f"{n} must be given" for n, x in (("returns_to_go", returns_to_go), ("timesteps", timesteps)) if x is None
    ]
    if missing:
        raise InputError(c.model_type, missing)
    at = embed(p["embed_timestep"], timesteps)
    told = (("return", returns_to_go), ("state", states), ("action", actions))
    x = layer_norm(p["embed_ln"], interleave(*(linear(p[f"embed_{n}"], x) + at for n, x in told)), EPS)
    mask = None if attention_mask is None else interleave(*[attention_mask] * 3)
    out = gpt2.model(
        p["encoder"],
        c,
        inputs_embeds=x,
        attention_mask=mask,
        position_ids=jnp.zeros(x.shape[:2], jnp.int32),  # the steps' own embeddings stand for positions
        output_hidden_states=output_hidden_states,
        output_attentions=output_attentions,
        key=key,
    )
    after_state, after_action = (out.last_hidden_state[:, i::3] for i in (1, 2))
    action = linear(p["predict_action"][0], after_state)
    return Output(
        state_preds=linear(p["predict_state"], after_action),
        action_preds=jnp.tanh(action) if c.action_tanh else action,
        return_preds=linear(p["predict_return"], after_action),
        last_hidden_state=out.last_hidden_state,
        hidden_states=out.hidden_states,
        attentions=out.attentions,
    )


HEADS = {
    "DecisionTransformerModel": Head(Model, model),
    "DecisionTransformerGPT2Model": Head(gpt2.Model, gpt2.model),
}
