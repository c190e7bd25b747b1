"""Marian: BART with sinusoidal positions and no norm of the embeddings; each language may have a table of its own.

Paper: https://aclanthology.org/P18-4020. Serves the OPUS-MT translators and every checkpoint of model type "marian".
"""

from __future__ import annotations

import dataclasses

from jaxformers.models.bart_family import Family
from jaxformers.models.text.bart import BARE, CAUSAL, GENERATION

PREFIX = "model"


@dataclasses.dataclass(frozen=True)
class Config(Family, model_type="marian"):
    vocab_size: int = 58101
    decoder_vocab_size: int | None = None  # None: vocab_size
    decoder_start_token_id: int | None = 58100
    pad_token_id: int | None = 58100
    bos_token_id: int | None = None
    eos_token_id: int | None = 0
    forced_eos_token_id: int | None = 0
    share_encoder_decoder_embeddings: bool = True  # type: ignore[misc]

    embedding_norm = False
    positions = "table"

    def check(self):
        self.default(decoder_vocab_size=self.vocab_size)
        if self.decoder_vocab_size != self.vocab_size:
            yield f"decoder_vocab_size must equal vocab_size, got {self.decoder_vocab_size} and {self.vocab_size}"
        yield from super().check()


HEADS = {
    "MarianModel": BARE,
    "MarianMTModel": GENERATION,
    "MarianForCausalLM": CAUSAL,
}
