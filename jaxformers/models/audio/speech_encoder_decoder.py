"""Speech encoder-decoder: a speech encoder and a text decoder of any two architectures.

Paper: https://arxiv.org/abs/2104.06678. Serves XLS-R for translation, Wav2Vec2 with BART or BERT, and every checkpoint
of model type "speech-encoder-decoder".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, main_input
from jaxformers.models import parts
from jaxformers.models.encoder_decoder import Model, Pair, bridge, cache, read, target, ties, write
from jaxformers.models.speech_family import Speech, frame_mask
from jaxformers.output import Output

PREFIX = "speech_encoder_decoder"


@dataclasses.dataclass(frozen=True)
class Config(Pair, model_type="speech-encoder-decoder"):
    allowed = {"tie_encoder_decoder": (False,)}  # a speech encoder has no layer of a text decoder's

    def check(self):
        yield from super().check()
        if self.encoder is None or self.decoder is None:
            return
        width, own = self.encoder_width, getattr(self.encoder, "hidden_size", None)
        if width not in (own, self.decoder.hidden_size):
            yield f"output_hidden_size of the encoder must be the decoder's hidden_size or its own, got {width}"

    @property
    def encoder_width(self) -> int:
        return getattr(self.encoder, "output_hidden_size", self.encoder.hidden_size)


def heard(c, attention_mask):
    """bool [B, S]: which of the encoder's frames are of sound, for a mask [B, T] of its input."""
    if attention_mask is None:
        return None
    if not isinstance(c.encoder, Speech):
        problem = f"attention_mask must be left out: the frames of {c.encoder.model_type} have none"
        raise InputError("SpeechEncoderDecoderModel", [problem])
    return frame_mask(c.encoder, attention_mask, c.encoder.frames(attention_mask.shape[1]))


def model(
    p,
    c,
    inputs=None,
    attention_mask=None,
    decoder_input_ids=None,
    decoder_attention_mask=None,
    decoder_inputs_embeds=None,
    decoder_position_ids=None,
    decoder_token_type_ids=None,
    encoder_outputs=None,
    past_key_values=None,
    labels=None,
    input_values=None,
    input_features=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The words of a sound. `inputs` are what the encoder reads, waveforms [B, T] or features, also by their own name.

    attention_mask [B, T] is 1 at sound, 0 at padding; ids int [B, U] (or embeddings [B, U, D]) have a mask likewise.
    labels int [B, U], -100 = not scored; shifted right they are the decoder's default input. To decode step by step
    pass `past_key_values`, a cache: it keeps the encoder's keys and values, so that later calls need neither the sound
    nor `encoder_outputs` [B, S, E], the encoder's own last states, but still the sound's mask. What is returned as
    `encoder_last_hidden_state` has the decoder's width. `key` switches dropout on.
    """
    k_encoder, k_decoder = nn.split(key, 2)
    flags = {"output_hidden_states": output_hidden_states, "output_attentions": output_attentions}
    sounds = [x for x in (inputs, input_values, input_features) if x is not None]
    if len(sounds) > 1:
        raise InputError(
            "SpeechEncoderDecoderModel", ["only one of inputs, input_values, input_features may be given"]
        )
    sound = {main_input(parts.bare(c.encoder).apply): sounds[0] if sounds else None, "attention_mask": attention_mask}
    seen = read(p, c, encoder_outputs, past_key_values, **sound, **flags, key=k_encoder)
    memory = bridge(p, seen.last_hidden_state)
    given = {"input_ids": target(c, labels, decoder_input_ids, decoder_inputs_embeds)}
    given |= {"inputs_embeds": decoder_inputs_embeds, "attention_mask": decoder_attention_mask}
    given |= {"token_type_ids": decoder_token_type_ids, "position_ids": decoder_position_ids}
    given["past_key_values"] = past_key_values
    seen = Output({**seen, "last_hidden_state": memory})
    return write(p, c, seen, memory, heard(c, attention_mask), labels, **given, **flags, key=k_decoder)


def begin(c, inputs, attention_mask, options):
    """A sound may be given by the name that the encoder calls it."""
    named = [options.pop(name) for name in ("input_values", "input_features") if name in options]
    return named[0] if named and inputs is None else inputs, attention_mask, {}


HEADS = {"SpeechEncoderDecoderModel": Head(Model, model, cache, ties, begin=begin)}
