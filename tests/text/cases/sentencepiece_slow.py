"""SentencePiece models of the classes that have no fast tokenizer in the reference, which knows no offsets of them."""

from text.case import Case

_NFKC, _PLAIN = "fairseq-nmt-nfkc.model", "identity.model"
_MARIAN = {"source.spm": _NFKC, "target.spm": _PLAIN, "vocab.json": "marian.json"}
_M2M100 = {"sentencepiece.bpe.model": _NFKC, "vocab.json": "m2m100.json"}
_BARTPHO = {"sentencepiece.bpe.model": _NFKC, "dict.txt": "bartpho.txt"}
_ERNIE = {"do_lower_case": True, "pad_token": "<pad>", "unk_token": "<unk>"}
_CODES = """
    af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id
    ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si
    sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu
"""
_SPECIAL = {"additional_special_tokens": [f"__{code}__" for code in _CODES.split()]}
_ADDED = {"2000": {"content": "wide", "lstrip": True}, "2001": {"content": "é", "special": True}}


def _case(name, reference, files, settings=None):
    return Case(name, reference, files, settings or {}, offsets=False)


CASES = [
    _case("marian", "MarianTokenizer", _MARIAN),
    _case("marian-added", "MarianTokenizer", _MARIAN, {"added_tokens_decoder": _ADDED, "mask_token": "<mask>"}),
    _case("m2m100", "M2M100Tokenizer", _M2M100),
    _case("m2m100-german", "M2M100Tokenizer", _M2M100, {**_SPECIAL, "src_lang": "de", "tgt_lang": "fr"}),
    _case("speecht5", "SpeechT5Tokenizer", {"spm_char.model": "char.model"}),
    _case("speech2text", "Speech2TextTokenizer", _M2M100, {"do_lower_case": True, "do_upper_case": True}),
    _case("speech2text-must", "Speech2TextTokenizer", _M2M100, {"lang_codes": "mustc", "tgt_lang": "fr"}),
    _case("plbart", "PLBartTokenizer", {"sentencepiece.bpe.model": _PLAIN}),
    _case("plbart-multi", "PLBartTokenizer", {"sentencepiece.bpe.model": _PLAIN}, {"language_codes": "multi"}),
    _case("plbart-python", "PLBartTokenizer", {"sentencepiece.bpe.model": _PLAIN}, {"src_lang": "python"}),
    _case("bert-generation", "BertGenerationTokenizer", {"spiece.model": "t5.model"}),
    _case("gpt-sw3", "GPTSw3Tokenizer", {"spiece.model": "llama.model"}),
    _case("siglip", "SiglipTokenizer", {"spiece.model": "t5.model"}),
    _case("siglip-cased", "SiglipTokenizer", {"spiece.model": _NFKC}, {"do_lower_case": False, "pad_token": "<pad>"}),
    _case("siglip-added", "SiglipTokenizer", {"spiece.model": "albert.model"}, {"added_tokens_decoder": _ADDED}),
    _case("ernie-m", "ErnieMTokenizer", {"sentencepiece.bpe.model": _NFKC, "vocab.txt": "ernie-m.txt"}),
    _case("ernie-m-model", "ErnieMTokenizer", {"sentencepiece.bpe.model": "albert.model"}, _ERNIE),
    _case("bartpho", "BartphoTokenizer", _BARTPHO),
    _case("bartpho-added", "BartphoTokenizer", _BARTPHO, {"mask_token": "wide", "added_tokens_decoder": _ADDED}),
    _case("xlm-prophetnet", "XLMProphetNetTokenizer", {"prophetnet.tokenizer": _NFKC}),
]
