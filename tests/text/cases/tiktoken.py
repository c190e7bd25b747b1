"""Byte-level BPE from tiktoken's list of tokens and ranks."""

from text.case import Case

_RANKS = {"tokenizer.model": "ranks.tiktoken"}
_LLAMA = ["<|begin_of_text|>", "<|im_start|>", "<|endoftext|>"]

CASES = [
    Case("tiktoken", "PreTrainedTokenizerFast", _RANKS, {"additional_special_tokens": _LLAMA}),
    Case("tiktoken-ends", "PreTrainedTokenizerFast", _RANKS, {"bos_token": "<s>", "eos_token": "</s>"}),
]
