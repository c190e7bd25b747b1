"""Classes of which there is a tokenizer.json alone."""

from text.case import Case

CASES = [
    Case("nougat", "NougatTokenizerFast", {"tokenizer.json": "nougat-whole.json"}),
]
