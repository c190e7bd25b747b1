"""WordPiece: vocab.txt, and what tokenizer_config.json changes."""

from text.case import Case

_BERT = {"vocab.txt": "wordpiece.txt"}

CASES = [
    Case("bert", "BertTokenizerFast", _BERT),
    Case("bert-cased", "BertTokenizerFast", _BERT, {"do_lower_case": False}),
    Case("bert-accents", "BertTokenizerFast", _BERT, {"strip_accents": False, "tokenize_chinese_chars": False}),
    Case("distilbert", "DistilBertTokenizerFast", _BERT),
    Case("electra", "ElectraTokenizerFast", _BERT),
    Case("mpnet", "MPNetTokenizerFast", {"vocab.txt": "wordpiece-mpnet.txt"}),
]
