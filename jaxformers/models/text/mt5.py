"""mT5: T5 v1.1 (gated gelu, untied output) with a vocabulary of 101 languages.

Paper: https://arxiv.org/abs/2010.11934. Serves every checkpoint of model type "mt5".
"""

from __future__ import annotations

import dataclasses

from jaxformers.models.text import t5

PREFIX = t5.PREFIX


@dataclasses.dataclass(frozen=True)
class Config(t5.Config, model_type="mt5"):
    vocab_size: int = 250112
    d_ff: int = 1024
    num_layers: int = 8
    num_heads: int = 6
    feed_forward_proj: str = "gated-gelu"
    tokenizer_class: str = "T5Tokenizer"
    tie_word_embeddings: bool = False
    decoder_start_token_id: int | None = 0


HEADS = {f"M{name}": head for name, head in t5.HEADS.items()}
