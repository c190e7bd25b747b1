"""RWKV."""

import numpy as np
from support.case import Case

HEADS = ("RwkvModel", "RwkvForCausalLM")
TINY = dict(
    vocab_size=67,
    context_length=24,
    hidden_size=32,
    num_hidden_layers=4,
    attention_hidden_size=24,
    intermediate_size=40,
    rescale_every=2,
    bos_token_id=1,
    eos_token_id=1,
)
PLAIN = {"use_cache": False}  # the reference's state, which has its form
CASES = [
    # The reference takes padding for tokens: on the right this changes padded places only, which are left out here.
    Case("rescaled", TINY, options=PLAIN, extra={"attention_mask": None}),
    Case(
        "plain",
        {**TINY, "rescale_every": 0, "attention_hidden_size": None},
        options=PLAIN,
        extra={"attention_mask": None},
    ),
    Case("tied", {**TINY, "tie_word_embeddings": True}, HEADS[1:], options=PLAIN, extra={"attention_mask": None}),
    Case(
        "embeds",
        TINY,
        HEADS[:1],
        options=PLAIN,
        extra={
            "input_ids": None,
            "attention_mask": None,
            "inputs_embeds": lambda rng: rng.standard_normal((2, 9, 32)).astype(np.float32),
        },
    ),
]
PUBLISHED = {
    "RWKV/rwkv-4-169m-pile": (dict(hidden_size=768, num_hidden_layers=12), ("RwkvForCausalLM", "RwkvModel")),
    "RWKV/rwkv-raven-14b": (dict(hidden_size=5120, num_hidden_layers=40), ("RwkvForCausalLM",)),
}
REFUSED = [({"hidden_size": 0}, "hidden_size")]
