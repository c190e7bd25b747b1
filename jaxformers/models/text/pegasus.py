"""Pegasus: BART with sinusoidal positions, norms before each sub-layer and one after the last, none of the embeddings.

Paper: https://arxiv.org/abs/1912.08777. Serves Pegasus and every checkpoint of model type "pegasus".
"""

from __future__ import annotations

import dataclasses

from jaxformers.models.bart_family import Family
from jaxformers.models.text.bart import BARE, CAUSAL, GENERATION

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="pegasus"):
    decoder_start_token_id: int | None = 0
    pad_token_id: int | None = 0
    bos_token_id: int | None = None
    eos_token_id: int | None = 1
    forced_eos_token_id: int | None = 1

    pre_norm = True
    embedding_norm = False
    positions = "table"


HEADS = {
    "PegasusModel": BARE,
    "PegasusForConditionalGeneration": GENERATION,
    "PegasusForCausalLM": CAUSAL,
}
