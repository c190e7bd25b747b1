"""WordPiece: vocab.txt, and what tokenizer_config.json changes."""

from text.case import Case

_BERT = {"vocab.txt": "wordpiece.txt"}
_KEPT = {"never_split": ["world!", "don't", "[x]", "naïve", "Ünïcode"]}
_PROPHET = {"prophetnet.tokenizer": "wordpiece.txt"}
_ACCENTS = {"strip_accents": False, "tokenize_chinese_chars": False}
_CASED = {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": True}
_SPLINTER = {"vocab.txt": "wordpiece-splinter.txt"}

CASES = [
    Case("bert", "BertTokenizerFast", _BERT),
    Case("bert-cased", "BertTokenizerFast", _BERT, {"do_lower_case": False}),
    Case("bert-accents", "BertTokenizerFast", _BERT, {"strip_accents": False, "tokenize_chinese_chars": False}),
    Case("distilbert", "DistilBertTokenizerFast", _BERT),
    Case("electra", "ElectraTokenizerFast", _BERT),
    Case("mobilebert", "MobileBertTokenizerFast", _BERT, {"do_lower_case": False, "strip_accents": True}),
    Case("convbert", "ConvBertTokenizerFast", _BERT),
    Case("squeezebert", "SqueezeBertTokenizerFast", _BERT),
    Case("layoutlm", "LayoutLMTokenizerFast", _BERT),
    Case("lxmert", "LxmertTokenizerFast", _BERT),
    Case("realm", "RealmTokenizerFast", _BERT),
    Case("retribert", "RetriBertTokenizerFast", _BERT),
    Case("dpr-question", "DPRQuestionEncoderTokenizerFast", _BERT),
    Case("dpr-context", "DPRContextEncoderTokenizerFast", _BERT),
    Case("dpr-reader", "DPRReaderTokenizerFast", _BERT, argument="questions"),
    Case("roformer", "RoFormerTokenizerFast", {"vocab.txt": "wordpiece-chinese.txt"}),
    Case("roformer-cased", "RoFormerTokenizerFast", {"vocab.txt": "wordpiece-chinese.txt"}, _CASED),
    Case("bert-plain", "BertTokenizer", _BERT, {"do_basic_tokenize": False}, offsets=False),
    Case("bert-kept", "BertTokenizer", _BERT, _KEPT, offsets=False),
    Case("bert-kept-cased", "BertTokenizer", _BERT, {**_KEPT, **_CASED, "strip_accents": True}, offsets=False),
    Case("distilbert-kept", "DistilBertTokenizer", _BERT, {**_KEPT, "tokenize_chinese_chars": False}, offsets=False),
    Case("prophetnet", "ProphetNetTokenizer", _PROPHET, offsets=False),
    Case("prophetnet-cased", "ProphetNetTokenizer", _PROPHET, {**_CASED, "never_split": ["world!"]}, offsets=False),
    Case("prophetnet-plain", "ProphetNetTokenizer", _PROPHET, {"do_basic_tokenize": False}, offsets=False),
    Case("prophetnet-accents", "ProphetNetTokenizer", _PROPHET, _ACCENTS, offsets=False),
    Case("mpnet", "MPNetTokenizerFast", {"vocab.txt": "wordpiece-mpnet.txt"}),
    Case("funnel", "FunnelTokenizerFast", {"vocab.txt": "wordpiece-funnel.txt"}),
    Case("splinter", "SplinterTokenizerFast", _SPLINTER),
    Case("splinter-left", "SplinterTokenizerFast", _SPLINTER, {"padding_side": "left"}),
]
