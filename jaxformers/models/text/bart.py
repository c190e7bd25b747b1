"""BART: a bidirectional encoder and a causal decoder with learned positions, a norm after each sub-layer and GELU.

Paper: https://arxiv.org/abs/1910.13461. Serves BART, DistilBART, TAPEX and every checkpoint of model type "bart". Its
heads are also those of mBART, Marian, Pegasus and M2M100.
"""

from __future__ import annotations

import dataclasses
import functools

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import common
from jaxformers.models.bart_family import Family, Model, Tower, decoder, model, shift_right
from jaxformers.models.encoder_heads import TwoLayers, two_layers
from jaxformers.nn import Linear, linear
from jaxformers.spec import Param, zeros

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="bart"):
    classifier_dropout: float = 0.0
    decoder_start_token_id: int | None = 2
    forced_eos_token_id: int | None = 2

    repeats_input = True

    @property
    def num_labels(self) -> int:
        return 3 if self.id2label is None else len(self.id2label)

    @property
    def forced_bos_token_id(self) -> int | None:
        """What generation writes first; the first checkpoints only say that it is `bos_token_id`."""
        given = self.extra.get("forced_bos_token_id")
        return self.bos_token_id if given is None and self.extra.get("force_bos_token_to_be_generated") else given


# ------------------------------------------------------------------------------------------------------ declarations


def WordScores(c):
    return {} if c.tie_word_embeddings else {"lm_head": Linear(c.d_model, c.vocab_size, "embed vocab", bias=False)}


def ConditionalGeneration(c):
    bias = Param((1, c.vocab_size), "- vocab", zeros, trainable=False, optional=True)
    return {"model": Model(c), "final_logits_bias": bias, **WordScores(c)}


def CausalLM(c):
    return {"model": {"decoder": Tower(c, "decoder", words=True)}, **WordScores(c)}


def SequenceClassification(c):
    return {"model": Model(c), "classification_head": TwoLayers(c, c.num_labels)}


def ties(c, prefix: str = "model."):
    """One table has up to four names: `shared`, each side's and the output layer's.

    Old files also hold a version number and the waves that later ones compute.
    """
    shared = c.share_encoder_decoder_embeddings
    name = prefix + ("shared.weight" if shared else "decoder.embed_tokens.weight")
    tied = {f"{side}.embed_tokens.weight": name for side in ("decoder", "encoder")} if shared else {}
    unread = ("version",) if c.positions == "learned" else ("embed_positions.weights",) * (c.positions == "counted")
    tied |= {f"{side}.{one}": f"{prefix}{side}.{one}" for side in ("decoder", "encoder") for one in unread}
    tied = {start + alias: name for alias, name in tied.items() for start in {"", prefix}}
    return tied | ({"lm_head.weight": name} if c.tie_word_embeddings else {})


def decoder_ties(c):
    """As `ties`, for a decoder alone: it keeps the table under its own name."""
    name = "model.decoder.embed_tokens.weight"
    tied = {"shared.weight": name, "model.shared.weight": name} if c.share_encoder_decoder_embeddings else {}
    return tied | ({"lm_head.weight": name} if c.tie_word_embeddings else {})


# ------------------------------------------------------------------------------------------------------ heads


def words(p, c, x):
    """Scores [B, S, V] of every word after hidden states x [B, S, D]."""
    inner = p["model"]
    table = inner["shared"] if "shared" in inner else inner["decoder"]["embed_tokens"]
    scores = linear(p.get("lm_head", table), x)
    return scores + p["final_logits_bias"] if "final_logits_bias" in p else scores


@extends(model)
def conditional_generation(p, c, *, labels=None, **inputs):
    """The target's words. labels int [B, T], -100 = not scored; shifted right they are the decoder's default input."""
    given = any(inputs.get(name) is not None for name in ("decoder_input_ids", "decoder_inputs_embeds"))
    if labels is not None and not given:
        inputs["decoder_input_ids"] = shift_right(c, labels)
    out = model(p["model"], c, **inputs)
    return nn.heads.masked_lm(out, words(p, c, out.last_hidden_state), labels)


@extends(decoder)
def causal_lm(p, c, *, labels=None, logits_to_keep=0, **inputs):
    """The decoder alone. labels int [B, S] are compared as they are, not shifted; -100 = not scored.

    Only the last `logits_to_keep` positions are scored (0: all).
    """
    out = decoder(p["model"], c, **inputs)
    return nn.heads.masked_lm(out, words(p, c, out.last_hidden_state[:, -logits_to_keep:]), labels)


@extends(model, "past_key_values")
def sequence_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) a sequence, read where the decoder sees the last end-of-sequence token.

    Every row of input_ids must hold `eos_token_id`; shifted right they are the decoder's default input.
    """
    k_model, k_head = nn.split(key, 2)
    out = model(p["model"], c, **inputs, key=k_model)
    x = nn.heads.last_end(c, out.last_hidden_state, inputs.get("input_ids"))
    logits = two_layers(p["classification_head"], x, "tanh", c.classifier_dropout, k_head)
    return nn.heads.classification(out, c, logits, labels)


def cache(c, batch, length, dtype, stacked):
    heads = c.decoder_attention_heads
    return nn.KVCache(c.decoder_layers, batch, length, heads, c.d_model // heads, dtype, stacked)


BARE = Head(Model, model, cache, functools.partial(ties, prefix=""))
GENERATION = Head(ConditionalGeneration, conditional_generation, cache, ties)
CLASSIFICATION = Head(SequenceClassification, sequence_classification, ties=ties)
ANSWERING = common.question_answerer(Model, model, PREFIX, "d_model", ties, ("past_key_values",))
CAUSAL = Head(CausalLM, causal_lm, cache, decoder_ties, words=words)

HEADS = {
    "BartModel": BARE,
    "BartForConditionalGeneration": GENERATION,
    "BartForSequenceClassification": CLASSIFICATION,
    "BartForQuestionAnswering": ANSWERING,
    "BartForCausalLM": CAUSAL,
}
