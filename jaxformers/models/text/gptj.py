"""GPT-J: GPT-2 with rotary positions in neighbouring pairs, whose attention and MLP read the same normalised input.

Model: https://github.com/kingoflolz/mesh-transformer-jax. Serves GPT-J 6B, GPT4All-J, GPT-JT, Dolly v1 and every
checkpoint of model type "gptj".
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head
from jaxformers.models import common, decoder
from jaxformers.models.decoder import decode
from jaxformers.models.text.gpt2 import norm
from jaxformers.nn import Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.spec import Layers

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="gptj"):
    vocab_size: int = 50400
    n_positions: int = 2048
    n_embd: int = 4096
    n_layer: int = 28
    n_head: int = 16
    rotary_dim: int | None = 64
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.0
    embd_pdrop: float = 0.0
    attn_pdrop: float = 0.0
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    tie_word_embeddings: bool = False

    synonyms = {
        "max_position_embeddings": "n_positions",
        "hidden_size": "n_embd",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }
    allowed = {"activation_function": nn.ACTIVATION_NAMES}
    rope_theta: ClassVar[float] = 10000.0
    rope_scaling: ClassVar[None] = None

    @property
    def turned(self) -> int:
        """How many entries of a head are rotated; without `rotary_dim` as many as hidden states have."""
        return self.rotary_dim or self.n_embd

    def check(self):
        yield from self.multiple("n_embd", "n_head")
        if self.turned > self.n_embd // self.n_head:
            yield f"rotary_dim must be at most n_embd / n_head = {self.n_embd // self.n_head}, got {self.rotary_dim}"
        yield from nn.rope.check(self, self.turned)


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    d = c.n_embd
    f = 4 * d if c.n_inner is None else c.n_inner
    return {
        "ln_1": LayerNorm(d),
        "attn": {
            **{n: Linear(d, d, "embed heads", False) for n in ("k_proj", "v_proj", "q_proj")},
            "out_proj": Linear(d, d, "heads embed", False),
        },
        "mlp": {"fc_in": Linear(d, f, "embed mlp"), "fc_out": Linear(f, d, "mlp embed")},
    }


def Model(c):
    return {
        "wte": Embedding(c.vocab_size, c.n_embd),
        "h": Layers(Layer(c) for _ in range(c.n_layer)),
        "ln_f": LayerNorm(c.n_embd),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, x, *, turns, mask, cache, index, ring, key, weights):
    """Self-attention of x [B, S, D], queries and keys turned by `turns`. Returns (y, cache, weights)."""
    k_probs, k_out = nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(p[f"{n}_proj"], x), c.n_head) for n in "qkv")
    q, k = (nn.rope.rotate(t, *turns, interleaved=True) for t in (q, k))
    cache, k, v = nn.cache.update(cache, k, v, index, ring)
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attn_pdrop, key=k_probs, weights=weights)
    return dropout(linear(p["out_proj"], nn.merge_heads(h)), c.resid_pdrop, k_out), cache, probs


def layer(p, c, x, *, key, **where):
    k_attention, k_mlp = nn.split(key, 2)
    h = layer_norm(p["ln_1"], x, c.layer_norm_epsilon)
    y, cache, probs = attention(p["attn"], c, h, key=k_attention, **where)
    h = linear(p["mlp"]["fc_out"], nn.activation(c.activation_function, linear(p["mlp"]["fc_in"], h)))
    return y + dropout(h, c.resid_pdrop, k_mlp) + x, {"attention": probs, "cache": cache}


@decoder.reads
def model(p, c, input_ids=None, *, token_type_ids=None, key=None, **inputs):
    """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

    `token_type_ids` are embedded like words. `past_key_values` is a cache to decode with. `key` switches dropout on.
    """
    k_embed, k_layers = nn.split(key, 2)
    turning = decoder.turning(c, c.turned, c.embd_pdrop, k_embed)

    def begin(x, at):
        return turning(x if token_type_ids is None else x + embed(p["wte"], token_type_ids), at)

    parts = {"words": p["wte"], "layers": p["h"], "layer": layer, "norm": norm}
    return decode(p, c, input_ids, **inputs, key=k_layers, **parts, begin=begin)


# ------------------------------------------------------------------------------------------------------ heads


def cache(c, batch, length, dtype, stacked):
    return nn.KVCache(c.n_layer, batch, length, c.n_head, c.n_embd // c.n_head, dtype, stacked)


HEADS = {
    "GPTJModel": Head(Model, model, cache),
    "GPTJForCausalLM": decoder.language_model(Model, model, cache, PREFIX, "wte", bias=True),
    "GPTJForSequenceClassification": common.sequence_classifier(Model, model, PREFIX),
    "GPTJForQuestionAnswering": common.question_answerer(Model, model, PREFIX),
}
