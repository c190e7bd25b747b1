"""Vision encoder-decoder: an image encoder and a text decoder of any two architectures.

Paper: https://arxiv.org/abs/2109.10282 (TrOCR). Serves TrOCR, Donut, Nougat, ViT-GPT2 captioning and every checkpoint
of model type "vision-encoder-decoder".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.model import Head
from jaxformers.models.encoder_decoder import Model, Pair, bridge, cache, read, target, ties, write
from jaxformers.nn import losses

PREFIX = "vision_encoder_decoder"


@dataclasses.dataclass(frozen=True)
class Config(Pair, model_type="vision-encoder-decoder"):
    allowed = {"tie_encoder_decoder": (False,)}  # an image encoder has no layer of a text decoder's


def model(
    p,
    c,
    pixel_values=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    decoder_inputs_embeds=None,
    decoder_position_ids=None,
    decoder_token_type_ids=None,
    encoder_outputs=None,
    past_key_values=None,
    labels=None,
    interpolate_pos_encoding=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The words about an image. pixel_values [B, C, H, W]; ids int [B, T] (or embeddings [B, T, D]) and their mask.

    labels int [B, T], -100 = not scored; shifted right they are the decoder's default input. As in transformers 4.57.6
    the loss compares position t with label t + 1, so give the target as decoder_input_ids too to train on next words.

    To decode step by step pass `past_key_values`, a cache: it keeps the encoder's keys and values, so that later calls
    need neither the image nor `encoder_outputs` [B, S, D], the `encoder_last_hidden_state` of an earlier call. `key`
    switches dropout on.
    """
    k_encoder, k_decoder = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    image = {"pixel_values": pixel_values, "interpolate_pos_encoding": interpolate_pos_encoding}
    seen = read(p, c, encoder_outputs, past_key_values, **image, **flags, key=k_encoder)
    given = {"input_ids": target(c, labels, decoder_input_ids, decoder_inputs_embeds)}
    given |= {"inputs_embeds": decoder_inputs_embeds, "attention_mask": decoder_attention_mask}
    given |= {"token_type_ids": decoder_token_type_ids, "position_ids": decoder_position_ids}
    given["past_key_values"] = past_key_values
    return write(
        p,
        c,
        seen,
        bridge(p, seen.last_hidden_state),
        None,
        labels,
        loss=losses.causal_lm,
        **given,
        **flags,
        key=k_decoder,
    )


HEADS = {"VisionEncoderDecoderModel": Head(Model, model, cache, ties)}
