"""mBART: BART with its norms before each sub-layer and one after the last; texts end with, and start from, a language.

Papers: https://arxiv.org/abs/2001.08210 and https://arxiv.org/abs/2008.00401. Serves mBART, mBART-50, BARThez, BARTpho
and every checkpoint of model type "mbart".
"""

from __future__ import annotations

import dataclasses

from jaxformers.models.bart_family import Family
from jaxformers.models.text.bart import ANSWERING, BARE, CAUSAL, CLASSIFICATION, GENERATION

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="mbart"):
    classifier_dropout: float = 0.0
    forced_eos_token_id: int | None = 2

    pre_norm = True
    repeats_input = True
    starts_with_last = True


HEADS = {
    "MBartModel": BARE,
    "MBartForConditionalGeneration": GENERATION,
    "MBartForSequenceClassification": CLASSIFICATION,
    "MBartForQuestionAnswering": ANSWERING,
    "MBartForCausalLM": CAUSAL,
}
