"""T5: an encoder-decoder with relative position bias, RMS norms before each sub-layer and no biases in linear maps.

Paper: https://arxiv.org/abs/1910.10683. Serves T5, T5 v1.1, T5-LM, Flan-T5, UL2, Flan-UL2, ByT5, MADLAD-400 and
every checkpoint of model type "t5"; they differ in size, in the feed-forward layer and in tying the output.
"""

from __future__ import annotations

import dataclasses
import functools

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.model import Head, extends
from jaxformers.models import t5_family
from jaxformers.models.encoder_heads import two_layers
from jaxformers.models.t5_family import Dense, cache, decoding, ties, words
from jaxformers.nn import dropout, linear

PREFIX = "transformer"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="t5"):
    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None  # None: as many as num_layers
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    classifier_dropout: float = 0.0
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"  # an activation, or "gated-" and an activation
    dense_act_fn: str | None = None  # the two parts of feed_forward_proj; a file's own values win over it
    is_gated_act: bool | None = None
    is_encoder_decoder: bool = True
    use_cache: bool = True
    pad_token_id: int | None = 0
    eos_token_id: int | None = 1

    synonyms = dict(
        hidden_size="d_model", num_hidden_layers="num_layers", num_attention_heads="num_heads", head_dim="d_kv"
    )
    allowed = {
        "feed_forward_proj": tuple(gate + act for gate in ("", "gated-") for act in nn.ACTIVATION_NAMES),
        "dense_act_fn": (None, *nn.ACTIVATION_NAMES),
        "is_decoder": (False,),
    }

    def check(self):
        gate, _, act = self.feed_forward_proj.rpartition("-")
        if gate and act == "gelu":  # "gated-gelu" has always meant the tanh approximation
            act = "gelu_new"
        self.default(num_decoder_layers=self.num_layers, dense_act_fn=act, is_gated_act=bool(gate))
        yield from t5_family.check(self)


# ------------------------------------------------------------------------------------------------------ declarations


def Last(c, decoder: bool, i: int):
    return {"DenseReluDense": t5_family.FeedForward(c)}


Encoder, Model, ConditionalGeneration = (
    functools.partial(declare, Last=Last)
    for declare in (t5_family.Encoder, t5_family.Model, t5_family.ConditionalGeneration)
)


def SequenceClassification(c):
    d, n, std = c.d_model, c.num_labels, c.d_model**-0.5
    head = {"dense": Dense(c, d, d, "embed -", std, bias=True), "out_proj": Dense(c, d, n, "embed -", std, bias=True)}
    return {"transformer": Model(c), "classification_head": head}


def TokenClassification(c):
    return {"transformer": Encoder(c), "classifier": Dense(c, c.d_model, c.num_labels, "embed -", 1.0, bias=True)}


def QuestionAnswering(c):
    return {**Model(c), "qa_outputs": Dense(c, c.d_model, c.num_labels, "embed -", c.d_model**-0.5, bias=True)}


# ------------------------------------------------------------------------------------------------------ functions


def last(p, c, x, key):
    return t5_family.feed_forward(p["DenseReluDense"], c, x, key), {}


encoder = t5_family.encoder(last)
model = t5_family.model(encoder, last)

# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def conditional_generation(p, c, *, labels=None, **inputs):
    """The target's words. labels int [B, T], -100 = not scored; shifted right they are the decoder's default input."""
    out = model(p, c, **decoding(c, inputs, labels))
    return nn.heads.masked_lm(out, words(p, c, out.last_hidden_state), labels)


@extends(model, "past_key_values")
def sequence_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes (or targets) a sequence, read where the decoder sees the last end-of-sequence token.

    Every row of input_ids must hold `eos_token_id`; shifted right they are the decoder's default input.
    """
    k_model, k_head = nn.split(key, 2)
    ids = inputs.get("input_ids")
    out = model(p["transformer"], c, **decoding(c, inputs, ids), key=k_model)
    x = nn.heads.last_end(c, out.last_hidden_state, ids)
    logits = two_layers(p["classification_head"], x, "tanh", c.classifier_dropout, k_head)
    return nn.heads.classification(out, c, logits, labels)


@extends(encoder)
def token_classification(p, c, *, labels=None, key=None, **inputs):
    """One of `num_labels` classes a token, by the encoder alone; labels int [B, S]."""
    k_model, k_head = nn.split(key, 2)
    out = encoder(p["transformer"], c, **inputs, key=k_model)
    x = dropout(out.last_hidden_state, c.classifier_dropout, k_head)
    return nn.heads.token_classification(out, linear(p["classifier"], x), labels)


@extends(model, "past_key_values")
def question_answering(p, c, *, start_positions=None, end_positions=None, **inputs):
    """Start and end of the answer, int [B], in what the decoder reads: input_ids shifted right unless given."""
    out = model(p, c, **decoding(c, inputs, inputs.get("input_ids")))
    logits = linear(p["qa_outputs"], out.last_hidden_state)
    return nn.heads.question_answering(out, logits, start_positions, end_positions)


_ties_within = functools.partial(ties, prefix=PREFIX + ".")

HEADS = {
    "T5Model": Head(Model, model, cache, ties=ties),
    "T5ForConditionalGeneration": Head(ConditionalGeneration, conditional_generation, cache, ties=ties),
    "T5EncoderModel": Head(Encoder, encoder, ties=ties),
    "T5ForSequenceClassification": Head(SequenceClassification, sequence_classification, ties=_ties_within),
    "T5ForTokenClassification": Head(TokenClassification, token_classification, ties=_ties_within),
    "T5ForQuestionAnswering": Head(QuestionAnswering, question_answering, ties=ties),
}
