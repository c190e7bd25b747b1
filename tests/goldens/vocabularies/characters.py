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


MAKERS = {
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
