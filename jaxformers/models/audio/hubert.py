"""HuBERT: Wav2Vec2's encoder, pretrained to name the cluster of hidden frames.

Paper: https://arxiv.org/abs/2106.07447. Serves HuBERT, DistilHuBERT, ContentVec and every checkpoint of model type
"hubert". The batch normalisation of `conv_pos_batch_norm` goes by its running statistics, also in training.
"""

from __future__ import annotations

import dataclasses

from jaxformers.model import Head
from jaxformers.models import speech_family, speech_heads
from jaxformers.models.speech_family import Model, Speech, model

PREFIX = "hubert"


@dataclasses.dataclass(frozen=True)
class Config(Speech, model_type="hubert"):
    feat_proj_layer_norm: bool = True
    conv_pos_batch_norm: bool = False


HEADS = {
    "HubertModel": Head(Model, model, ties=lambda c: speech_family.ties(c, "")),
    "HubertForCTC": speech_heads.letters(PREFIX),
    "HubertForSequenceClassification": speech_heads.sound_classifier(PREFIX),
}
