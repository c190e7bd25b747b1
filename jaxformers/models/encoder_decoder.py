"""An encoder and a decoder of any two architectures, as one model: what text, vision and speech pairs share.

Paper: https://arxiv.org/abs/1907.12461. The encoder is a bare model; the decoder is a language model that attends to
it, which most architectures of this library do when their config says `is_decoder` and `add_cross_attention`. Two
checkpoints become a pair, whose cross-attention is yet to be trained, by `spec.update`:

    encoder, decoder = jf.load("bert-base-uncased", "Model"), jf.load("gpt2")
    writing = decoder.config.replace(is_decoder=True, add_cross_attention=True)
    config = jf.AutoConfig.for_model("encoder-decoder", encoder=encoder.config, decoder=writing)
    pair = jf.init(config)
    pair = pair.replace(params=spec.update(pair.params, {"encoder": encoder.params, "decoder": decoder.params}))
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from jaxformers import models, nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, arguments
from jaxformers.models import parts
from jaxformers.models.bart_family import shift_right
from jaxformers.nn import Linear, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Stack, flatten

WRITERS = ("ForCausalLM", "LMHeadModel")


@dataclasses.dataclass(frozen=True)
class Pair(ModelConfig):
    """The config of an encoder and a decoder."""

    encoder: Any = None
    decoder: Any = None
    is_encoder_decoder: bool = True
    tie_encoder_decoder: bool = False

    sub_configs = {"encoder": parts.any_config, "decoder": parts.any_config}
    starts_with_last: ClassVar[bool] = False

    @property
    def encoder_width(self) -> int:
        """Of the states that the encoder gives."""
        return self.encoder.hidden_size

    def check(self):
        yield from parts.missing(self, "encoder", "decoder")
        if self.encoder is None or self.decoder is None:
            return
        for name in ("encoder", "decoder"):
            if not hasattr(getattr(self, name), "hidden_size"):
                yield f"{name} must have a hidden_size, got one of model type {getattr(self, name).model_type!r}"
        kind = self.decoder.model_type
        if not any(name.endswith(WRITERS) for name in models.module(kind).HEADS):
            yield f"decoder must be of a model type that writes text, got {kind!r}"
        elif "encoder_hidden_states" not in arguments(writer(self.decoder).apply):
            yield f"decoder must be of a model type that can attend to an encoder, got {kind!r}"
        elif not self.decoder.add_cross_attention:
            yield "decoder must have is_decoder and add_cross_attention, got add_cross_attention=False"
        if self.tie_encoder_decoder:
            depths = [getattr(c, "num_hidden_layers", None) for c in (self.encoder, self.decoder)]
            if self.encoder.model_type != kind or depths[0] != depths[1]:
                yield "tie_encoder_decoder must come with an encoder and a decoder of one model type and depth"


def writer(c: ModelConfig) -> Head:
    """The head of a decoder's model type that writes text."""
    return next(head for name, head in models.module(c.model_type).HEADS.items() if name.endswith(WRITERS))


def inner(c: ModelConfig) -> str:
    """The name under which that head keeps the bare model."""
    return writer(c).prefix or models.module(c.model_type).PREFIX


# ------------------------------------------------------------------------------------------------------ declarations


def projects(c) -> bool:
    """Are the encoder's states brought to the decoder's width?"""
    given = getattr(c.decoder, "cross_attention_hidden_size", None)
    return given is None and c.encoder_width != c.decoder.hidden_size


def Model(c):
    encoder, decoder = parts.declare(c.encoder), writer(c.decoder).declare(c.decoder)
    if c.tie_encoder_decoder:
        encoder = _without(encoder, decoder[inner(c.decoder)])
    p = {"encoder": encoder, "decoder": decoder}
    if projects(c):
        p["enc_to_dec_proj"] = Linear(c.encoder.hidden_size, c.decoder.hidden_size, "embed -")
    return p


def ties(c):
    """Tied tensors of both sides; with `tie_encoder_decoder` also the encoder's names of what the decoder holds."""
    tied = {f"encoder.{a}": f"encoder.{n}" for a, n in parts.bare(c.encoder).ties(c.encoder).items()}
    tied |= {f"decoder.{a}": f"decoder.{n}" for a, n in writer(c.decoder).ties(c.decoder).items()}
    if c.tie_encoder_decoder:
        held = flatten(writer(c.decoder).declare(c.decoder)[inner(c.decoder)])
        start = f"decoder.{inner(c.decoder)}."
        tied |= {f"encoder.{n}": start + n for n in flatten(parts.declare(c.encoder)) if n in held}
    return tied


def _without(tree, other):
    """A declared tree without what `other` declares under the same names."""
    if isinstance(tree, Layers):
        return Layers(filter(None, (_without(a, b) for a, b in zip(tree, other, strict=True))))
    rest = {n: _without(x, other[n]) if n in other and isinstance(x, dict | list) else x for n, x in tree.items()}
    return {n: x for n, x in rest.items() if x and (n not in other or isinstance(x, dict | list))}


def _with(declared, own, other):
    """The tree that `declared` declares: `own`, and what `_without` took from it out of `other`; lists or stacks."""
    if isinstance(declared, Layers):
        if isinstance(other, Stack):
            return Stack(_with(declared[0], own, other))
        return Layers(_with(*layer) for layer in zip(declared, own or [None] * len(declared), other, strict=True))
    if not isinstance(declared, dict):
        return other if own is None else own
    return {n: _with(x, (own or {}).get(n), (other or {}).get(n)) for n, x in declared.items()}


# ------------------------------------------------------------------------------------------------------ functions


def encoder_params(p, c):
    """The encoder's parameters, those of the decoder among them if the two are tied."""
    if not c.tie_encoder_decoder:
        return p["encoder"]
    return _with(parts.declare(c.encoder), p["encoder"], p["decoder"][inner(c.decoder)])


def read(p, c, encoder_outputs, past_key_values, **inputs) -> Output:
    """What the encoder says of `inputs`, unless its states are given or what was made of them is in the cache."""
    if encoder_outputs is not None or nn.cache.has_memory(past_key_values):
        return Output(last_hidden_state=encoder_outputs)
    return parts.call(parts.bare(c.encoder), encoder_params(p, c), c.encoder, **inputs)


def target(c, labels, ids, embeds):
    """What the decoder reads: `ids`, or if neither they nor `embeds` are given the labels, shifted right."""
    return shift_right(c, labels) if labels is not None and ids is None and embeds is None else ids


def bridge(p, x):
    """The encoder's states x [B, S, E] (or None) as wide as the decoder needs them."""
    return x if x is None or "enc_to_dec_proj" not in p else linear(p["enc_to_dec_proj"], x)


def write(p, c, seen: Output, memory, memory_mask, labels, loss=losses.cross_entropy, **inputs) -> Output:
    """The decoder over `inputs`, attending to an encoder.

    Args:
      seen: the encoder's outputs, to be reported.
      memory: its states as the decoder needs them, or None if they are in the cache.
      memory_mask: which of the encoder's states are real, or None.
      labels: int [B, T]; `loss(logits, labels)` scores them.
      inputs: of the decoder, without their prefix.
    """
    where = {"encoder_hidden_states": memory, "encoder_attention_mask": memory_mask}
    out = parts.call(writer(c.decoder), p["decoder"], c.decoder, **inputs, **where)
    return nn.heads.join(seen, out, loss=None if labels is None else loss(out.logits, labels), logits=out.logits)


def cache(c, batch, length, dtype, stacked):
    return writer(c.decoder).cache(c.decoder, batch, length, dtype, stacked)
