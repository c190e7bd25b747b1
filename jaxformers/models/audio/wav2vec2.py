"""Wav2Vec2: speech from its waveform, by an encoder pretrained to tell hidden frames.

Paper: https://arxiv.org/abs/2006.11477. Serves Wav2Vec2, XLSR-53, XLS-R, MMS, Wav2Vec2-Phoneme and every checkpoint of
model type "wav2vec2".
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.model import Head, extends
from jaxformers.models import speech_family, speech_heads
from jaxformers.models.speech_family import Model, Speech, model
from jaxformers.models.speech_pretraining import pretraining
from jaxformers.nn import Linear, dropout, linear

PREFIX = "wav2vec2"


@dataclasses.dataclass(frozen=True)
class Config(Speech, model_type="wav2vec2"):
    feat_quantizer_dropout: float = 0.0
    num_codevectors_per_group: int = 320
    num_codevector_groups: int = 2
    contrastive_logits_temperature: float = 0.1
    num_negatives: int = 100
    codevector_dim: int = 256
    proj_codevector_dim: int = 256
    diversity_loss_weight: float = 0.1
    tdnn_dim: tuple[int, ...] = (512, 512, 512, 512, 1500)
    tdnn_kernel: tuple[int, ...] = (5, 3, 3, 1, 1)
    tdnn_dilation: tuple[int, ...] = (1, 2, 3, 1, 1)
    xvector_output_dim: int = 512
    add_adapter: bool = False
    adapter_kernel_size: int = 3
    adapter_stride: int = 2
    num_adapter_layers: int = 3
    output_hidden_size: int | None = None

    def check(self):
        self.default(output_hidden_size=self.hidden_size)
        yield from super().check()
        yield from self.multiple("codevector_dim", "num_codevector_groups")


def MaskedLM(c):
    return {"wav2vec2": Model(c), "lm_head": Linear(c.hidden_size, c.vocab_size, "embed vocab")}


@extends(model, "attention_mask", "mask_time_indices")
def masked_lm(p, c, input_values, *, attention_mask=None, labels=None, key=None, **inputs):
    """Scores [B, S, V] of a class for each frame. As in the reference, neither a mask nor labels count."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["wav2vec2"], c, input_values, **inputs, key=k_model)
    return nn.heads.carry(out, logits=linear(p["lm_head"], dropout(out.last_hidden_state, c.final_dropout, k_head)))


HEADS = {
    "Wav2Vec2Model": Head(Model, model, ties=lambda c: speech_family.ties(c, "")),
    "Wav2Vec2ForCTC": speech_heads.letters(PREFIX),
    "Wav2Vec2ForPreTraining": pretraining(PREFIX),
    "Wav2Vec2ForMaskedLM": Head(MaskedLM, masked_lm, ties=speech_heads.ties(PREFIX)),
    "Wav2Vec2ForSequenceClassification": speech_heads.sound_classifier(PREFIX),
    "Wav2Vec2ForAudioFrameClassification": speech_heads.frame_classifier(PREFIX),
    "Wav2Vec2ForXVector": speech_heads.voice(PREFIX),
}
