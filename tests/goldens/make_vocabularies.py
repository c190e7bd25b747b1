"""Makes the small vocabularies of the tokenizer cases from the corpus: `make_vocabularies.py [file ...]`.

They are kept in the repository: training need not give the same files again with another version of its library.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from text.case import FILES
from text.corpus import ODD, PLAIN, SCRIPTS

TEXTS = [*PLAIN * 3, *SCRIPTS, *ODD]


def wordpiece(special: list[str]) -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    lower = [t.lower() for t in TEXTS]
    trainer = trainers.WordPieceTrainer(vocab_size=1400, limit_alphabet=500, special_tokens=special)
    made.train_from_iterator([*TEXTS, *lower], trainer)
    vocab = made.get_vocab()
    return "".join(f"{token}\n" for token in sorted(vocab, key=vocab.get))


MAKERS = {
    "wordpiece.txt": lambda: wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
    "wordpiece-mpnet.txt": lambda: wordpiece(["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]"]),
}


def main(names: list[str]) -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        if not names or name in names:
            held = make()
            (FILES / name).write_bytes(held.encode() if isinstance(held, str) else held)
            print(name, (FILES / name).stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
