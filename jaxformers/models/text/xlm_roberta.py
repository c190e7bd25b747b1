"""XLM-RoBERTa: RoBERTa trained on a hundred languages.

Paper: https://arxiv.org/abs/1911.02116. Serves XLM-RoBERTa, XLM-V, multilingual E5, BGE-M3 and every checkpoint
of model type "xlm-roberta".
"""

from __future__ import annotations

import dataclasses

from jaxformers.models.text import roberta

PREFIX = roberta.PREFIX


@dataclasses.dataclass(frozen=True)
class Config(roberta.Config, model_type="xlm-roberta"):
    vocab_size: int = 30522


HEADS = {f"XLM{name}": head for name, head in roberta.HEADS.items()}
