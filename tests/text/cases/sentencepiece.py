"""SentencePiece models of the classes that have a fast tokenizer in the reference."""

from text.case import Case

_NFKC = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"}
_FAIRSEQ = {"sentencepiece.bpe.model": "identity.model"}
_T5 = {"spiece.model": "t5.model"}
_ALBERT = {"spiece.model": "albert.model"}
_XLNET = {"spiece.model": "xlnet.model"}
_DEBERTA = {"spm.model": "deberta.model"}
_LLAMA = {"tokenizer.model": "llama.model"}
_GEMMA = {"tokenizer.model": "gemma.model"}
_SPOKEN = {"additional_special_tokens": ["__eng__", "__fra__"]}
_OBJECT = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": True, "normalized": False}
_MASK = {"mask_token": "[MASK]"}
_ADDED = {
    "900": {"content": "Hello", "lstrip": False, "normalized": True, "special": False},
    "901": {"content": "<new>", "lstrip": True, "normalized": False, "special": True},
}

CASES = [
    Case("t5", "T5TokenizerFast", _T5),
    Case("t5-nfkc", "T5TokenizerFast", {"spiece.model": "fairseq-nmt-nfkc.model"}),
    Case("t5-not-legacy", "T5TokenizerFast", _T5, {"legacy": False}),
    Case("mt5", "MT5TokenizerFast", _T5, {"extra_ids": 0}),
    Case("t5-more", "T5TokenizerFast", _T5, {"additional_special_tokens": ["[CLS]"], "extra_ids": 3}),
    Case("t5-bare", "T5TokenizerFast", _T5, {"add_prefix_space": False, "added_tokens_decoder": _ADDED}),
    Case("albert", "AlbertTokenizerFast", _ALBERT),
    Case("albert-cased", "AlbertTokenizerFast", _ALBERT, {"do_lower_case": False, "keep_accents": True}),
    Case("xlnet", "XLNetTokenizerFast", _XLNET),
    Case("xlnet-lower", "XLNetTokenizerFast", _XLNET, {"do_lower_case": True}),
    Case("xlm-roberta", "XLMRobertaTokenizerFast", _NFKC),
    Case("xlm-roberta-mask", "XLMRobertaTokenizerFast", _FAIRSEQ, {"mask_token": _OBJECT, "pad_token": "<PAD>"}),
    Case("camembert", "CamembertTokenizerFast", _NFKC),
    Case("barthez", "BarthezTokenizerFast", _NFKC),
    Case("mbart", "MBartTokenizerFast", _FAIRSEQ),
    Case("mbart-german", "MBartTokenizerFast", _FAIRSEQ, {"src_lang": "de_DE", "tgt_lang": "ro_RO"}),
    Case("mbart50", "MBart50TokenizerFast", _FAIRSEQ),
    Case("nllb", "NllbTokenizerFast", _NFKC),
    Case("nllb-french", "NllbTokenizerFast", _FAIRSEQ, {"src_lang": "fra_Latn", "legacy_behaviour": True}),
    Case("nllb-bpe", "NllbTokenizerFast", {"sentencepiece.bpe.model": "llama.model"}, {"src_lang": "zho_Hans"}),
    Case("llama", "LlamaTokenizerFast", _LLAMA),
    Case("llama-not-legacy", "LlamaTokenizerFast", _LLAMA, {"legacy": False, "pad_token": "</s>"}),
    Case("llama-ends", "LlamaTokenizerFast", _LLAMA, {"add_bos_token": False, "add_eos_token": True}),
    Case("llama-bare", "LlamaTokenizerFast", _LLAMA, {"legacy": False, "add_prefix_space": False}),
    Case("code-llama", "CodeLlamaTokenizerFast", _LLAMA, {"pad_token": "</s>"}),
    Case("code-llama-ends", "CodeLlamaTokenizerFast", _LLAMA, {"add_eos_token": True, "eot_token": None}),
    Case("gemma", "GemmaTokenizerFast", _GEMMA),
    Case("gemma-ends", "GemmaTokenizerFast", _GEMMA, {"add_eos_token": True}),
    Case("big-bird", "BigBirdTokenizerFast", _ALBERT),
    Case("pegasus", "PegasusTokenizerFast", _T5),
    Case("pegasus-offset", "PegasusTokenizerFast", _T5, {"offset": 8, "mask_token_sent": None, "mask_token": None}),
    Case("pegasus-more", "PegasusTokenizerFast", _T5, {"offset": 8, "additional_special_tokens": ["[CLS]", "[SEP]"]}),
    Case("deberta-v2", "DebertaV2TokenizerFast", _DEBERTA),
    Case("deberta-v2-words", "DebertaV2TokenizerFast", _DEBERTA, {"split_by_punct": True}),
    Case("deberta-v2-added", "DebertaV2TokenizerFast", {**_DEBERTA, "added_tokens.json": "added.json"}, _MASK),
    Case("rembert", "RemBertTokenizerFast", {"sentencepiece.model": "albert.model"}),
    Case("reformer", "ReformerTokenizerFast", _T5),
    Case("fnet", "FNetTokenizerFast", _ALBERT),
    Case("xglm", "XGLMTokenizerFast", _NFKC),
    Case("seamless-m4t", "SeamlessM4TTokenizerFast", _NFKC, _SPOKEN, call={"padding": False}),
    Case(
        "seamless-m4t-back",
        "SeamlessM4TTokenizerFast",
        _NFKC,
        {**_SPOKEN, "src_lang": "fra", "tgt_lang": "__eng__", "add_prefix_space": False},
        call={"padding": False},
    ),
]
