"""BPE over words: GPT and HerBERT, and the classes that the reference has no fast tokenizer of."""

from text.case import Case


def _files(vocab: str, merges: str = "word-merges.txt") -> dict[str, str]:
    return {"vocab.json": vocab, "merges.txt": merges}


def _slow(name, reference, files, settings=None):
    return Case(name, reference, files, settings or {}, offsets=False)


_XLM = _files("xlm.json", "word-merges-counted.txt")
_COUNTED = {"vocab.txt": "counted.txt", "bpe.codes": "word-merges-counted.txt"}
_TRANSLATED = _files("translated.json", "word-merges-counted.txt")
_FSMT = {"vocab-src.json": "xlm.json", "vocab-tgt.json": "fsmt-target.json", "merges.txt": "word-merges-counted.txt"}
_ADDED = {
    "1899": {"content": "<bos>", "special": True},
    "1900": {"content": "Wide", "lstrip": True, "normalized": True},
}

CASES = [
    Case("openai-gpt", "OpenAIGPTTokenizerFast", _files("gpt.json")),
    Case("herbert", "HerbertTokenizerFast", _files("xlm.json")),
    Case("herbert-counted", "HerbertTokenizerFast", _XLM, {"additional_special_tokens": []}),
    _slow("ctrl", "CTRLTokenizer", _files("ctrl.json")),
    _slow("blenderbot-small", "BlenderbotSmallTokenizer", _files("blenderbot-small.json")),
    _slow("phobert", "PhobertTokenizer", _COUNTED),
    _slow("bertweet", "BertweetTokenizer", _COUNTED),
    _slow("xlm", "XLMTokenizer", _XLM),
    _slow("xlm-cased", "XLMTokenizer", _XLM, {"do_lowercase_and_remove_accent": False}),
    _slow("xlm-added", "XLMTokenizer", _XLM, {"added_tokens_decoder": _ADDED}),
    _slow("flaubert", "FlaubertTokenizer", _XLM),
    _slow("flaubert-lower", "FlaubertTokenizer", _XLM, {"do_lowercase": True}),
    _slow("transfo-xl", "TransfoXLTokenizer", {"vocab.txt": "words.txt"}),
    _slow(
        "transfo-xl-lower", "TransfoXLTokenizer", {"vocab.txt": "words.txt"}, {"lower_case": True, "language": "de"}
    ),
    _slow("transfo-xl-letters", "TransfoXLTokenizer", {"vocab.txt": "words.txt"}, {"delimiter": ""}),
    _slow("speech2text2", "Speech2Text2Tokenizer", _TRANSLATED),
    _slow("speech2text2-lower", "Speech2Text2Tokenizer", _TRANSLATED, {"do_lower_case": True}),
    _slow("biogpt", "BioGptTokenizer", _XLM),
    _slow("fsmt", "FSMTTokenizer", _FSMT, {"langs": ["en", "de"]}),
    _slow("fsmt-lower", "FSMTTokenizer", _FSMT, {"langs": ["de", "en"], "do_lower_case": True}),
]
