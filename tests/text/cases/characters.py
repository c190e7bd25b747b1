"""Bytes, code points, residues and letters; the reference has no offsets of them."""

from text.case import Case

_CTC, _SMALL = {"vocab.json": "ctc.json"}, {"vocab.json": "ctc-small.json"}
_LANGUAGES = {"vocab.json": "ctc-languages.json"}
_SPOKEN, _SILENT = {"vocab.json": "spoken.json"}, {"phonemize": False}
_BRACKETS = {"unk_token": "[UNK]", "pad_token": "[PAD]"}
_DUTCH = {"word_delimiter_token": "t", "replace_word_delimiter_char": "_"}
_TWO = {"extra_ids": 2, "mask_token": "<mask>"}
_ADDED = {"300": {"content": "wide", "lstrip": True}, "301": {"content": "é", "special": True}}


def _case(name, reference, files=None, settings=None):
    return Case(name, reference, files or {}, settings or {}, offsets=False)


CASES = [
    _case("byt5", "ByT5Tokenizer"),
    _case("byt5-few", "ByT5Tokenizer", None, {"extra_ids": 3, "mask_token": "<mask>", "added_tokens_decoder": _ADDED}),
    _case("myt5", "MyT5Tokenizer", {"byte_maps.json": "byte-maps.json"}),
    _case(
        "myt5-few", "MyT5Tokenizer", {"byte_maps.json": "byte-maps.json"}, {"additional_special_tokens": [], **_TWO}
    ),
    _case("dia", "DiaTokenizer"),
    _case("dia-added", "DiaTokenizer", None, {"unk_token": "<unk>", "additional_special_tokens": ["[S3]"]}),
    _case("dia-behind", "DiaTokenizer", None, {"offset": 3, "mask_token": "<mask>"}),
    _case("perceiver", "PerceiverTokenizer"),
    _case("canine", "CanineTokenizer"),
    _case("canine-mask", "CanineTokenizer", None, {"mask_token": "<mask>", "pad_token": "<pad>"}),
    _case("esm", "EsmTokenizer", {"vocab.txt": "residues.txt"}),
    _case("mgp-str", "MgpstrTokenizer", {"vocab.json": "letters.json"}),
    _case("wav2vec2", "Wav2Vec2CTCTokenizer", _CTC),
    _case("wav2vec2-lower", "Wav2Vec2CTCTokenizer", _CTC, {"do_lower_case": True}),
    _case("wav2vec2-small", "Wav2Vec2CTCTokenizer", _SMALL, {**_BRACKETS, **_DUTCH}),
    _case("wav2vec2-german", "Wav2Vec2CTCTokenizer", _LANGUAGES, {"target_lang": "deu"}),
    _case("vits", "VitsTokenizer", _SPOKEN, _SILENT),
    _case("vits-romanian", "VitsTokenizer", _SPOKEN, {**_SILENT, "language": "ron", "add_blank": False}),
    _case("vits-plain", "VitsTokenizer", _SPOKEN, {**_SILENT, "normalize": False}),
]
