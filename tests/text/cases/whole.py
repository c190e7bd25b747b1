"""Classes of which there is a tokenizer.json alone."""

from text.case import Case

_COHERE, _NEOX = {"tokenizer.json": "cohere-whole.json"}, {"tokenizer.json": "gpt-neox-whole.json"}
_BLANK = {"pad_token": "<pad>", "unk_token": "<unk>"}
_SPACED = {"add_prefix_space": True, "add_eos_token": True, "pad_token": "<PAD>", "eos_token": "<EOS_TOKEN>"}

CASES = [
    Case("cohere", "CohereTokenizerFast", _COHERE),
    Case("cohere-space", "CohereTokenizerFast", _COHERE, _SPACED),
    Case("gpt-neox", "GPTNeoXTokenizerFast", _NEOX),
    Case("gpt-neox-ends", "GPTNeoXTokenizerFast", _NEOX, {"add_bos_token": True, "pad_token": "<|padding|>"}),
    Case("gpt-neox-space", "GPTNeoXTokenizerFast", _NEOX, {"add_prefix_space": True}),
    Case("bloom", "BloomTokenizerFast", {"tokenizer.json": "nougat-whole.json"}),
    Case("parakeet", "ParakeetTokenizerFast", {"tokenizer.json": "parakeet-whole.json"}, _BLANK),
    Case("nougat", "NougatTokenizerFast", {"tokenizer.json": "nougat-whole.json"}),
]
