"""Mamba: a recurrent decoder of selective state space layers, with neither attention nor positions.

Paper: https://arxiv.org/abs/2312.00752. Serves the state-spaces/mamba-*-hf checkpoints and every other of model type
"mamba".
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models import decoder
from jaxformers.nn import Embedding, Linear, RMSNorm, embed, linear, rms_norm, ssm
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, ones, uniform

PREFIX = "backbone"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="mamba"):
    vocab_size: int = 50280
    hidden_size: int = 768
    state_size: int = 16
    num_hidden_layers: int = 32
    layer_norm_epsilon: float = 1e-5
    pad_token_id: int | None = 0
    bos_token_id: int | None = 0
    eos_token_id: int | None = 0
    expand: float = 2
    intermediate_size: int | None = None
    conv_kernel: int = 4
    use_bias: bool = False
    use_conv_bias: bool = True
    hidden_act: str = "silu"
    initializer_range: float = 0.1
    residual_in_fp32: bool = True
    time_step_rank: int | str = "auto"
    time_step_scale: float = 1.0
    time_step_min: float = 0.001
    time_step_max: float = 0.1
    time_step_init_scheme: str = "random"
    time_step_floor: float = 1e-4
    rescale_prenorm_residual: bool = False
    use_cache: bool = True
    use_mambapy: bool = False  # by which library the reference scans; the arithmetic does not depend on it

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    @property
    def rank(self) -> int:
        """Width of the bottleneck from which step sizes are made."""
        return math.ceil(self.hidden_size / 16) if self.time_step_rank == "auto" else int(self.time_step_rank)

    def check(self):
        self.default(intermediate_size=int(self.expand * self.hidden_size))
        if isinstance(self.time_step_rank, str) and self.time_step_rank != "auto":
            yield f"time_step_rank must be a number or 'auto', got {self.time_step_rank!r}"
            return
        for name in ("state_size", "conv_kernel", "intermediate_size", "time_step_rank"):
            value = self.rank if name == "time_step_rank" else getattr(self, name)
            if value < 1:
                yield f"{name} must be at least 1, got {value}"
        for name in ("time_step_min", "time_step_max"):
            if getattr(self, name) <= 0:
                yield f"{name} must be positive, got {getattr(self, name)}"


# ------------------------------------------------------------------------------------------------------ declarations


def Mixer(c):
    d, inner, n, rank = c.hidden_size, c.intermediate_size, c.state_size, c.rank
    residuals = c.num_hidden_layers if c.rescale_prenorm_residual else 1
    std = rank**-0.5 * c.time_step_scale
    scheme = {"random": uniform(std), "constant": ssm.constant(std)}.get(c.time_step_init_scheme)
    step = Linear(rank, inner, "- mlp", init=scheme)
    bias = ssm.step_bias(c.time_step_min, c.time_step_max, c.time_step_floor)
    return {
        "A_log": Param((inner, n), "mlp -", ssm.decay_log),
        "D": Param((inner,), "mlp", ones),
        "conv1d": ssm.CausalConv(inner, c.conv_kernel, bias=c.use_conv_bias),
        "in_proj": Linear(d, 2 * inner, bias=c.use_bias),
        "x_proj": Linear(inner, rank + 2 * n, "mlp -", bias=False),
        "dt_proj": {**step, "bias": dataclasses.replace(step["bias"], init=bias)},
        "out_proj": Linear(inner, d, "mlp embed", c.use_bias, uniform((inner * residuals) ** -0.5)),
    }


def Layer(c):
    return {"norm": RMSNorm(c.hidden_size), "mixer": Mixer(c)}


def Model(c):
    return {
        "embeddings": Embedding(c.vocab_size, c.hidden_size),
        "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        "norm_f": RMSNorm(c.hidden_size),
    }


# ------------------------------------------------------------------------------------------------------ functions


def mixer(p, c, x, *, valid, cache):
    """Filters x [B, S, D], runs the recurrence over it and gates the result. Returns (y, cache).

    Where `valid` bool [B, S] is False nothing enters the states.
    """
    window, state = (None, None) if cache is None else (cache["conv"], cache["ssm"])

    def masked(h):
        return h if valid is None else jnp.where(valid[..., None], h, 0)

    h, gate = jnp.split(linear(p["in_proj"], x), 2, axis=-1)
    h, window = ssm.causal_conv(p["conv1d"], masked(h), window)
    h = masked(nn.activation(c.hidden_act, h))  # again, for the convolution's bias and what it saw before
    step, write, read = jnp.split(linear(p["x_proj"], h), [c.rank, c.rank + c.state_size], axis=-1)
    step = jax.nn.softplus(linear(p["dt_proj"], step).astype(jnp.float32))
    decay = -jnp.exp(p["A_log"].astype(jnp.float32))
    y, state = ssm.selective_scan(h, step, decay, write, read, state)
    y = (y.astype(h.dtype) + h * p["D"]) * nn.activation(c.hidden_act, gate)
    return linear(p["out_proj"], y), None if cache is None else {"conv": window, "ssm": state}


def layer(p, c, x, *, valid, cache):
    h = rms_norm(p["norm"], x.astype(p["norm"]["weight"].dtype), c.layer_norm_epsilon)
    h, cache = mixer(p["mixer"], c, h, valid=valid, cache=cache)
    return x + h, {"cache": cache}


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    position_ids=None,
    inputs_embeds=None,
    past_key_values=None,
    output_hidden_states=False,
    key=None,
):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask [B, S] is 1 at tokens, else 0.

    `past_key_values` is a cache to decode with: the layers' states, which do not grow. `position_ids` and `key` are
    accepted as by other decoders and change nothing, since there are neither positions nor dropout.
    """
    x = nn.heads.embeddings("MambaModel", input_ids, inputs_embeds, lambda ids: embed(p["embeddings"], ids))
    dtype = p["norm_f"]["weight"].dtype
    x = x.astype(jnp.float32 if c.residual_in_fp32 else dtype)
    valid = None if attention_mask is None else attention_mask.astype(bool)
    if valid is not None and valid.shape != x.shape[:2]:
        problem = f"attention_mask must have the shape {list(x.shape[:2])} of the new tokens, got {list(valid.shape)}"
        raise InputError("MambaModel", [problem], "leave out what the cache has seen")
    _, caches, after = nn.cache.begin(past_key_values, valid, x.shape[1])

    def one(p, x, *, cache):
        return layer(p, c, x, valid=valid, cache=cache)

    x, ys = nn.fold(one, p["layers"], x, states=output_hidden_states, cache=caches)
    x = rms_norm(p["norm_f"], x, c.layer_norm_epsilon).astype(dtype)
    states = nn.collect(
        ys, "hidden"
    )  # after each layer; unlike other decoders the reference leaves out the embeddings
    return Output(
        last_hidden_state=x,
        past_key_values=nn.cache.finish(after, ys),
        hidden_states=None if states is None else (*(h.astype(dtype) for h in states), x),
    )


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    conv, state = (c.intermediate_size, c.conv_kernel), (c.intermediate_size, c.state_size)
    return ssm.StateCache(c.num_hidden_layers, batch, length, conv, state, dtype, stacked)


HEADS = {
    "MambaModel": Head(Model, model, cache),
    "MambaForCausalLM": decoder.language_model(Model, model, cache, "backbone", "embeddings"),
}
