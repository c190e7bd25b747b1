"""Byte-level BPE: vocab.json and merges.txt, and what tokenizer_config.json changes."""

from text.case import Case


def _files(vocab: str, merges: str = "byte-bpe-merges.txt") -> dict[str, str]:
    return {"vocab.json": vocab, "merges.txt": merges}


def _node(text: str) -> list[str]:
    return [text]


_TAGS = {"tags_dict": {"html": 0, "body": 1, "p": 2}}
_SPACE = {**_TAGS, "add_prefix_space": True}
_GPT2, _ROBERTA, _DEBERTA = _files("gpt2.json"), _files("roberta.json"), _files("deberta.json")
_CLIP = _files("clip.json", "clip-merges.txt")
_ADDED = {
    "950": {"content": "<|im_start|>", "special": True, "normalized": False},
    "951": {"content": "wide", "special": False, "normalized": True, "rstrip": True},
    "952": {"content": "<bos>", "special": False, "normalized": False, "single_word": True},
}
_CLVP = _files("clvp.json")
_SPOKEN = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")
_ENDS = {**_SPOKEN, "add_bos_token": True, "add_eos_token": True, "clean_up_tokenization_spaces": True}
_TRANSCRIPT = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]

CASES = [
    Case("gpt2", "GPT2TokenizerFast", _GPT2),
    Case("gpt2-space", "GPT2TokenizerFast", _GPT2, {"add_prefix_space": True}),
    Case("gpt2-bos", "GPT2TokenizerFast", _GPT2, {"add_bos_token": True, "pad_token": "<pad>"}),
    Case("gpt2-added", "GPT2TokenizerFast", _GPT2, {"added_tokens_decoder": _ADDED, "mask_token": "<mask>"}),
    Case("codegen", "CodeGenTokenizerFast", _GPT2),
    Case("roberta", "RobertaTokenizerFast", _ROBERTA),
    Case("roberta-space", "RobertaTokenizerFast", _ROBERTA, {"add_prefix_space": True, "trim_offsets": False}),
    Case("bart", "BartTokenizerFast", _ROBERTA),
    Case("led", "LEDTokenizerFast", _ROBERTA),
    Case("longformer", "LongformerTokenizerFast", _ROBERTA),
    Case("mvp", "MvpTokenizerFast", _ROBERTA),
    Case("blenderbot", "BlenderbotTokenizerFast", _ROBERTA),
    Case("blenderbot-space", "BlenderbotTokenizerFast", _ROBERTA, {"add_prefix_space": True}),
    Case("deberta", "DebertaTokenizerFast", _DEBERTA),
    Case("clip", "CLIPTokenizerFast", _CLIP),
    Case("clip-pad", "CLIPTokenizerFast", _CLIP, {"pad_token": "!"}),
    Case("markuplm", "MarkupLMTokenizerFast", _ROBERTA, _TAGS, call={"xpaths": ["/html/p"]}, wraps=_node),
    Case("markuplm-space", "MarkupLMTokenizerFast", _ROBERTA, _SPACE, call={"xpaths": ["/html/p"]}, wraps=_node),
    Case("qwen2", "Qwen2TokenizerFast", _files("bytes-only.json")),
    Case("qwen2-chat", "Qwen2TokenizerFast", _files("bytes-only.json"), {"added_tokens_decoder": _ADDED}),
    Case("clvp", "ClvpTokenizer", _CLVP, offsets=False),
    Case("clvp-ends", "ClvpTokenizer", _ROBERTA, _ENDS, offsets=False),
    Case("whisper", "WhisperTokenizerFast", _GPT2, {"additional_special_tokens": _TRANSCRIPT}),
]
