"""Switch Transformers: T5 in which some blocks have many feed-forward layers, and a router gives each token one.

Paper: https://arxiv.org/abs/2101.03961. Serves Switch Base (8 to 256 experts), Large, XXL and C.

An expert reads the first `expert_capacity` tokens of a row that choose it; for what comes after them the sub-layer
adds nothing. A step of cached decoding counts its own tokens only, so that it agrees with a full pass as long as no
token is left out.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import t5_family
from jaxformers.models.t5_family import decoding, ties, words
from jaxformers.nn import Linear, linear, moe
from jaxformers.output import Output
from jaxformers.spec import normal

PREFIX = "switch_transformers"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="switch_transformers"):
    vocab_size: int = 32128
    d_model: int = 768
    d_kv: int = 64
    d_ff: int = 2048
    expert_capacity: int = 64
    num_layers: int = 12
    num_sparse_encoder_layers: int = 3
    num_decoder_layers: int | None = 12
    num_sparse_decoder_layers: int = 3
    encoder_sparse_step: Any = None  # every how many blocks experts come; a file's own value wins
    decoder_sparse_step: Any = None
    num_heads: int = 12
    num_experts: int = 8
    router_bias: bool = False
    router_jitter_noise: float = 0.01
    router_dtype: str = "float32"
    router_ignore_padding_tokens: bool = False
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    router_z_loss_coef: float = 0.001
    router_aux_loss_coef: float = 0.001
    initializer_factor: float = 1.0
    dense_act_fn: str = "relu"
    is_encoder_decoder: bool = True
    add_router_probs: bool = False
    use_cache: bool = True
    pad_token_id: int | None = 0
    eos_token_id: Any = 1

    synonyms = dict(
        hidden_size="d_model", num_hidden_layers="num_layers", num_attention_heads="num_heads", head_dim="d_kv"
    )
    allowed = {
        "dense_act_fn": nn.ACTIVATION_NAMES,
        "router_dtype": ("float32", "float16", "bfloat16"),
        "is_decoder": (False,),
    }
    is_gated_act: ClassVar[bool] = False

    def check(self):
        self.default(num_decoder_layers=self.num_layers)
        self.default(
            encoder_sparse_step=self.num_layers // (self.num_sparse_encoder_layers or 1),
            decoder_sparse_step=self.num_decoder_layers // (self.num_sparse_decoder_layers or 1),
        )
        yield from t5_family.check(self)
        if min(self.num_experts, self.expert_capacity) < 2:
            yield f"num_experts and expert_capacity must be at least 2, got {self.num_experts}, {self.expert_capacity}"

    def sparse(self, decoder: bool, i: int) -> bool:
        """Has the i-th block experts?"""
        step = self.decoder_sparse_step if decoder else self.encoder_sparse_step
        return step == 1 or (step > 0 and i % step == 1)


# ------------------------------------------------------------------------------------------------------ declarations


def FeedForward(c):
    return t5_family.FeedForward(c) | {"wo": t5_family.Dense(c, c.d_ff, c.d_model, "mlp embed", c.d_model**-0.5)}


def Last(c, decoder: bool, i: int):
    if not c.sparse(decoder, i):
        return {"mlp": t5_family.FeedForward(c)}
    router = Linear(c.d_model, c.num_experts, "embed -", c.router_bias, normal(c.initializer_factor))
    experts = {"expert_": moe.Experts(c.num_experts, FeedForward(c))}
    return {"mlp": {"router": {"classifier": router}, "experts": experts}}


Encoder, Model, ConditionalGeneration = (
    functools.partial(declare, Last=Last)
    for declare in (t5_family.Encoder, t5_family.Model, t5_family.ConditionalGeneration)
)

# ------------------------------------------------------------------------------------------------------ functions


def last(p, c, x, key):
    """The feed-forward layer of x [B, S, D], of a token's one expert or of all. Reports what `routers` tells."""
    p = p["mlp"]
    if "experts" not in p:
        return t5_family.feed_forward(p, c, x, key), {"router": (jnp.zeros(1, jnp.int32),)}
    k_router, k_expert = nn.split(key, 2)
    dtype = jnp.dtype(c.router_dtype)
    read = x.astype(dtype)
    if k_router is not None and c.router_jitter_noise > 0:
        near = 1 - c.router_jitter_noise, 1 + c.router_jitter_noise
        read = read * jax.random.uniform(k_router, x.shape, dtype, *near)
    logits = linear(jax.tree.map(lambda v: v.astype(dtype), p["router"]["classifier"]), read)
    weights, chosen = moe.choose_one(logits, c.expert_capacity, x.dtype)

    def expert(p, x, linear, key=None):
        return linear(p["wo"], nn.dropout(nn.activation(c.dense_act_fn, linear(p["wi"], x)), c.dropout_rate, key))

    y = moe.mix(p["experts"]["expert_"], x, weights[..., None], chosen[..., None], expert, k_expert)
    return y, {"router": (logits, chosen)}


def routers(name: str, base, *without: str):
    """`base`, whose outputs named after `name` the caller may do without.

    They have an entry a block: (scores [B, S, E], experts int [B, S], 0 for a token left out), or (0,) where the block
    has no experts.
    """

    @extends(base, *without)
    def model(p, c, *, output_router_logits=True, **inputs):
        out = base(p, c, **inputs)
        return out if output_router_logits else Output({k: v for k, v in out.items() if not k.endswith(name)})

    model.__doc__ = base.__doc__
    return model


_encoder = t5_family.encoder(last)
encoder = routers("router_probs", _encoder)
model = routers("router_logits", t5_family.model(_encoder, last))

# ------------------------------------------------------------------------------------------------------ heads


def router_losses(reports, step: int):
    """(z-loss, unevenness) of one side's routers, float32 []; 0 where `step` says that all blocks have experts."""
    sparse = [r for r in reports or () if len(r) == 2]
    if step <= 1 or not sparse:
        return jnp.zeros(()), jnp.zeros(())
    logits, chosen = (jnp.concatenate(parts, 1) for parts in zip(*sparse, strict=True))
    return moe.z_loss(logits), moe.row_balance_loss(logits, chosen)


@extends(model)
def conditional_generation(p, c, *, labels=None, output_router_logits=True, **inputs):
    """The target's words. labels int [B, T], -100 = not scored; shifted right they are the decoder's default input.

    With router logits the output also has both sides' `z_loss` and `aux_loss`, which are part of the loss.
    """
    out = model(p, c, **decoding(c, inputs, labels), output_router_logits=output_router_logits)
    scored = nn.heads.masked_lm(out, words(p, c, out.last_hidden_state), labels)
    if not output_router_logits:
        return scored
    reports = {k: v for k, v in out.items() if k.endswith("router_logits")}
    sides = {"encoder": c.encoder_sparse_step, "decoder": c.decoder_sparse_step}
    losses = {side: router_losses(reports.get(f"{side}_router_logits"), step) for side, step in sides.items()}
    if labels is not None:
        z, aux = (sum(both) for both in zip(*losses.values(), strict=True))
        scored["loss"] = scored["loss"] + c.router_z_loss_coef * z + c.router_aux_loss_coef * aux
    named = {f"{side}_{name}": v for side, both in losses.items() for name, v in zip(_LOSSES, both, strict=True)}
    return Output({**scored, **reports, **named})


_LOSSES = "z_loss", "aux_loss"


def cache(c, *args):
    return t5_family.cache(c, *args, kind=functools.partial(c.sparse, True))


HEADS = {
    "SwitchTransformersModel": Head(Model, model, cache, ties=ties),
    "SwitchTransformersForConditionalGeneration": Head(
        ConditionalGeneration, conditional_generation, cache, ties=ties
    ),
    "SwitchTransformersEncoderModel": Head(Encoder, encoder, ties=ties),
}
