"""Vocabularies of letters."""

import json
import string

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
RESIDUES = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>", "lower", "ing"]
SPOKEN = ["<pad>", "<unk>", " ", *"abcdefghijklmnopqrstuvwxyz'-éţșğ1234567890", "K", "’"]
PHONEMES = [
    *SPECIAL,
    "|",
    *"abdefhijklmnopstuvwxzæðŋɐɑɔəɛɡɪɹʃʊʌʒθ",
    "aɪ",
    "tʃ",
    "dʒ",
    "ɔː",
    "iː",
    "the",
    "The",
    "fox",
    "dog.",
]


def numbered(tokens) -> dict[str, int]:
    return {token: i for i, token in enumerate(tokens)}


def as_json(tokens) -> str:
    return json.dumps(numbered(tokens), ensure_ascii=False)


def byte_maps() -> str:
    """MyT5's maps: capitals and letters with marks taken apart, common sequences made short."""

    def written(text: str) -> str:
        return text.encode().hex(" ")

    apart = {written(c): f"c0 {written(c.lower())}" for c in string.ascii_uppercase}
    marked = {"é": "e", "ü": "u", "ö": "o", "ä": "a", "ñ": "n", "И": "и", "Ш": "ш"}
    apart |= {written(c): f"c1 {80 + i} {written(bare)}" for i, (c, bare) in enumerate(marked.items())}
    common = ["th", "the", "them", "wide", "in", "an", "low", "ing ", "日本", "при", "и", " fox", "\U0001f600"]
    short = {written(text): f"f8 {128 + i:02x}" for i, text in enumerate(common)}
    return json.dumps({"decompose_map": apart, "merge_map": short})


MAKERS = {
    "byte-maps.json": byte_maps,
    "ctc.json": lambda: as_json([*SPECIAL, "|", *string.ascii_uppercase, "'", *"éü日"]),
    "ctc-small.json": lambda: as_json(["[PAD]", "[UNK]", "|", *string.ascii_lowercase, "'", "ch", "sch"]),
    "ctc-languages.json": lambda: json.dumps(
        {"eng": numbered([*SPECIAL, "|", *string.ascii_lowercase]), "deu": numbered([*SPECIAL, *"|abcäöüß"])}
    ),
    "letters.json": lambda: as_json(["[GO]", "[s]", *string.digits, *string.ascii_lowercase]),
    "phonemes.json": lambda: as_json(PHONEMES),
    "residues.txt": lambda: "\n".join(RESIDUES),
    "spoken.json": lambda: as_json(SPOKEN),
}
