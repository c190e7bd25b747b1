"""BERT for Japanese: words of an analyser, cut into tokens; the reference has no offsets of them."""

from text.case import Case
from text.japanese import mecab, sudachi

_PIECES, _LETTERS = {"vocab.txt": "wordpiece.txt"}, {"vocab.txt": "japanese-letters.txt"}
_ADDED = {
    "2000": {"content": "Wide", "lstrip": True, "normalized": True},
    "2001": {"content": "混", "special": True, "rstrip": True},
}


def _case(name, files, settings=None, more=None):
    return Case(f"bert-japanese-{name}", "BertJapaneseTokenizer", files, settings or {}, offsets=False, more=more)


def _words(kind, parts="wordpiece", **settings):
    return {"word_tokenizer_type": kind, "subword_tokenizer_type": parts, **settings}


def _strict(directory):
    """Sudachi's settings with white space left out."""
    held = sudachi(directory)["sudachi_kwargs"]
    return {"sudachi_kwargs": {**held, "sudachi_split_mode": "C", "trim_whitespace": True, "normalize_text": False}}


CASES = [
    _case("basic", _PIECES),
    _case("basic-lower", _PIECES, {"do_lower_case": True, "never_split": ["Hello", "C:\\Users"]}),
    _case("whole", _PIECES, {"do_subword_tokenize": False}),
    _case("mecab", _PIECES, _words("mecab"), mecab),
    _case(
        "mecab-lower", _LETTERS, _words("mecab", "character", do_lower_case=True, added_tokens_decoder=_ADDED), mecab
    ),
    _case("sudachi", _LETTERS, _words("sudachi", "character"), sudachi),
    _case("sudachi-strict", _PIECES, _words("sudachi", do_lower_case=True), _strict),
    _case("pieces", {"spiece.model": "albert.model"}, _words("basic", "sentencepiece", do_word_tokenize=False)),
    _case("pieces-mecab", {"spiece.model": "t5.model"}, _words("mecab", "sentencepiece"), mecab),
]
_SUBWORDS = {"vocab.txt": "japanese-subwords.txt", "emoji.json": "emoji.json"}
_OTHER = {"do_clean_text": True, "mask_token": "<mask>", "added_tokens_decoder": {"900": {"content": "World"}}}
CASES += [
    Case("gpt-neox-japanese", "GPTNeoXJapaneseTokenizer", _SUBWORDS, offsets=False),
    Case("gpt-neox-japanese-clean", "GPTNeoXJapaneseTokenizer", _SUBWORDS, _OTHER, offsets=False),
    Case("gptsan-japanese", "GPTSanJapaneseTokenizer", _SUBWORDS, offsets=False),
    Case("gptsan-japanese-clean", "GPTSanJapaneseTokenizer", _SUBWORDS, _OTHER, offsets=False),
]
