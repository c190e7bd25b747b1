"""M2M100: BART with norms before each sub-layer and sinusoidal positions that leave padding out, held in no file.

Papers: https://arxiv.org/abs/2010.11125 and https://arxiv.org/abs/2207.04672. Serves M2M100, SMaLL-100, the dense NLLB
and every checkpoint of model type "m2m_100".
"""

from __future__ import annotations

import dataclasses

from jaxformers.model import Head
from jaxformers.models.bart_family import Family, Model
from jaxformers.models.text.bart import BARE, WordScores, cache, conditional_generation, ties

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="m2m_100"):
    vocab_size: int = 128112
    encoder_layerdrop: float = 0.05
    decoder_layerdrop: float = 0.05
    activation_function: str = "relu"
    attention_dropout: float = 0.1
    scale_embedding: bool = True
    decoder_start_token_id: int | None = 2

    pre_norm = True
    embedding_norm = False
    positions = "counted"

    def check(self):
        yield from super().check()
        if self.d_model < 4:
            yield f"d_model must be at least 4, got {self.d_model}"
        if self.pad_token_id is None:
            yield "pad_token_id must be set: positions count the tokens that are not padding"


def ConditionalGeneration(c):
    return {"model": Model(c), **WordScores(c)}


HEADS = {
    "M2M100Model": BARE,
    "M2M100ForConditionalGeneration": Head(ConditionalGeneration, conditional_generation, cache, ties),
}
