"""The ends of the heads that many models share: logits, loss and the base model's extra outputs."""

from __future__ import annotations

import jax.numpy as jnp

from jaxformers.errors import InputError
from jaxformers.nn import losses
from jaxformers.nn.constrain import constrain
from jaxformers.output import Output

_CARRIED = (
    "past_key_values",
    "hidden_states",
    "attentions",
    "global_attentions",
    "cross_attentions",
    "decoder_hidden_states",
    "decoder_attentions",
    "encoder_last_hidden_state",
    "encoder_hidden_states",
    "encoder_attentions",
)


def carry(base: Output, **fields) -> Output:
    """`fields`, then whatever of the base model's cache, hidden states and attention weights was asked for."""
    return Output(**fields, **{name: base[name] for name in _CARRIED if name in base})


def join(read: Output, out: Output, **fields) -> Output:
    """`fields` and what a decoder gave, as an encoder-decoder names it, with what its encoder gave."""
    return Output(
        **fields,
        past_key_values=out.past_key_values,
        decoder_hidden_states=out.hidden_states,
        decoder_attentions=out.attentions,
        cross_attentions=out.cross_attentions,
        encoder_last_hidden_state=read.last_hidden_state,
        encoder_hidden_states=read.hidden_states,
        encoder_attentions=read.attentions,
    )


def _words(logits):
    """Over a mesh, as few of them on a device as the rules say."""
    return constrain(logits, "batch sequence vocab") if logits.ndim == 3 else logits


def masked_lm(base, logits, labels):
    """logits [B, S, V]; labels int [B, S], -100 = ignored."""
    logits = _words(logits)
    return carry(base, loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits)


token_classification = masked_lm


def causal_lm(base, logits, labels):
    """logits [B, S, V]; labels int [B, S], shifted here."""
    logits = _words(logits)
    return carry(base, loss=None if labels is None else losses.causal_lm(logits, labels), logits=logits)


def classification(base, c, logits, labels):
    """logits [B, num_labels]; labels as `losses.classification` takes them."""
    return carry(base, loss=None if labels is None else losses.classification(c, logits, labels), logits=logits)


def question_answering(base, logits, start_positions, end_positions):
    """logits [B, S, 2]: start and end scores."""
    start, end = logits[..., 0], logits[..., 1]
    wanted = start_positions is not None and end_positions is not None
    loss = losses.span(start, end, start_positions, end_positions) if wanted else None
    return carry(base, loss=loss, start_logits=start, end_logits=end)


def last_token(c, x, input_ids):
    """The entry of x [B, S, ...] at the last token that is not padding: what decoders classify a sequence by.

    Without `pad_token_id` only a batch of one is well defined; with inputs given as embeddings the last one counts.
    """
    if c.pad_token_id is None and x.shape[0] != 1:
        raise InputError(c.model_type, ["pad_token_id must be set in the config to classify batches larger than 1"])
    if c.pad_token_id is None or input_ids is None:
        return x[:, -1]
    positions = jnp.arange(input_ids.shape[-1])
    last = jnp.where(input_ids != c.pad_token_id, positions, 0).max(-1)
    return x[jnp.arange(x.shape[0]), last]


def last_end(c, x, input_ids):
    """The entry of x [B, S, ...] at the last `eos_token_id`: what encoder-decoders classify a sequence by."""
    if input_ids is None:
        problem = "input_ids must be given: sequences are classified at their last eos_token_id"
        raise InputError(c.model_type, [problem])
    last = jnp.where(input_ids == c.eos_token_id, jnp.arange(input_ids.shape[1]), 0).max(-1)
    return x[jnp.arange(x.shape[0]), last]


def embeddings(name: str, ids, embeds, table):
    """`embeds` as given, or the rows of `table` (a function of ids); exactly one of the two must be there."""
    if (ids is None) == (embeds is None):
        raise InputError(name, ["exactly one of input_ids and inputs_embeds must be given"])
    return table(ids) if embeds is None else embeds
