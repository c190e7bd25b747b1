"""Encoder-decoder: a text encoder and a text decoder of any two architectures.

Paper: https://arxiv.org/abs/1907.12461. Serves BERT2BERT, RoBERTa-shared, BERT2GPT2 and every checkpoint of model type
"encoder-decoder".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.model import Head
from jaxformers.models.encoder_decoder import Model, Pair, bridge, cache, read, target, ties, write

PREFIX = "encoder_decoder"


@dataclasses.dataclass(frozen=True)
class Config(Pair, model_type="encoder-decoder"):
    pass


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    inputs_embeds=None,
    decoder_inputs_embeds=None,
    token_type_ids=None,
    position_ids=None,
    decoder_token_type_ids=None,
    decoder_position_ids=None,
    encoder_outputs=None,
    past_key_values=None,
    labels=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The target's words. Ids int [B, S] and [B, T] (or embeddings [.., D]); masks are 1 at tokens, 0 at padding.

    labels int [B, T], -100 = not scored; shifted right they are the decoder's default input, and what is then
    `pad_token_id` is not read. To decode step by step pass `past_key_values`, a cache: it keeps the encoder's keys and
    values, so that later calls need neither the input nor `encoder_outputs` [B, S, D], the `encoder_last_hidden_state`
    of an earlier call, but still the input's mask. `key` switches dropout on.
    """
    k_encoder, k_decoder = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    ids = target(c, labels, decoder_input_ids, decoder_inputs_embeds)
    if ids is not decoder_input_ids and decoder_attention_mask is None:
        decoder_attention_mask = ids != c.pad_token_id
    given = {"input_ids": input_ids, "inputs_embeds": inputs_embeds, "attention_mask": attention_mask}
    given |= {"token_type_ids": token_type_ids, "position_ids": position_ids}
    seen = read(p, c, encoder_outputs, past_key_values, **given, **flags, key=k_encoder)
    given = {"input_ids": ids, "inputs_embeds": decoder_inputs_embeds}
    given |= {"token_type_ids": decoder_token_type_ids, "position_ids": decoder_position_ids}
    given |= {"attention_mask": decoder_attention_mask, "past_key_values": past_key_values}
    return write(
        p, c, seen, bridge(p, seen.last_hidden_state), attention_mask, labels, **given, **flags, key=k_decoder
    )


HEADS = {"EncoderDecoderModel": Head(Model, model, cache, ties)}
