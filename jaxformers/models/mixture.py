"""Decoders whose layers route tokens to experts: they report the routers' scores, and their loss evens them out."""

from __future__ import annotations

from collections.abc import Callable

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import decoder
from jaxformers.models.decoder import decode
from jaxformers.models.text import llama
from jaxformers.nn import moe
from jaxformers.output import Output


def model_of(layer: Callable) -> Callable:
    """Llama's decoder of such layers, as `decode` takes one; what they report as `router` are their scores."""

    @decoder.reads
    def model(p, c, input_ids=None, *, output_router_logits=None, **inputs):
        """The decoder. input_ids int [B, S] (or inputs_embeds [B, S, D]); attention_mask is 1 at tokens, 0 at padding.

        `past_key_values` is a cache to decode with. `key` switches dropout on. `output_router_logits`: also return
        each layer's `router_logits`, [B * S, E]; None leaves it to the config.
        """
        out = decode(p, c, input_ids, **inputs, **llama.parts(p, c), layer=layer)
        wanted = c.output_router_logits if output_router_logits is None else output_router_logits
        if not wanted:
            out.pop("router_logits")
        return out

    return model


def language_model(Model: Callable, model: Callable, cache: Callable) -> Head:
    """`decoder.language_model` over a `model_of`, with the routers' unevenness as part of the loss."""
    plain = decoder.language_model(Model, model, cache)
    words = plain.words

    @extends(model)
    def causal_lm(p, c, input_ids=None, attention_mask=None, *, labels=None, logits_to_keep=0, **inputs):
        """Next words; labels int [B, S] are shifted here. Only the last `logits_to_keep` are scored (0: all).

        With router logits the output also has `aux_loss`, the routers' unevenness, which is part of the loss.
        """
        base = model(p["model"], c, input_ids, attention_mask=attention_mask, **inputs)
        out = nn.heads.causal_lm(base, words(p, c, base.last_hidden_state[:, -logits_to_keep:]), labels)
        routers = base.router_logits
        if routers is None:
            return out
        real = attention_mask if attention_mask is not None and attention_mask.ndim == 2 else None
        out["aux_loss"] = moe.balance_loss(routers, c.num_experts_per_tok, real)
        if labels is not None:
            out["loss"] = out["loss"] + c.router_aux_loss_coef * out["aux_loss"]
        return Output({**out, "router_logits": routers})

    return Head(plain.declare, causal_lm, cache, plain.ties, words=words)
