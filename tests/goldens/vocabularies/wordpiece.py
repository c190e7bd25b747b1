"""WordPiece vocabularies, a token a line."""

from text.corpus import ODD, PLAIN, SCRIPTS

TEXTS = [*PLAIN * 3, *SCRIPTS, *ODD]


def wordpiece(*special: str) -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    lower = [t.lower() for t in TEXTS]
    trainer = trainers.WordPieceTrainer(vocab_size=1400, limit_alphabet=500, special_tokens=list(special))
    made.train_from_iterator([*TEXTS, *lower], trainer)
    vocab = made.get_vocab()
    return "".join(f"{token}\n" for token in sorted(vocab, key=vocab.get))


def letters() -> str:
    """The letters that Japanese text of the corpus is made of, and some others."""
    found = sorted({c for text in SCRIPTS for c in text if "\u3000" < c < "\ufb00"} | set("abcdefghijTE1230,.-!"))
    return "".join(f"{token}\n" for token in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *found])


def chinese() -> str:
    """Word pieces, and some of the words that jieba finds in the corpus."""
    words = "世界 今天 天气 我们 公园 繁體 中文 简体 书名 日本 混合 quick world 一二三 頓號"
    held = wordpiece("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]").split("\n")[:-1]
    return "".join(f"{token}\n" for token in dict.fromkeys([*held, *words.split()]))


def numbered() -> str:
    """Special tokens where BERT's own vocabulary has them, letters and some words."""
    special = ["[PAD]", *(f"[unused{i}]" for i in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["the", "tick", "##et", "##ing", "rail", "##way", "open", "sale"]
    return "".join(f"{token}\n" for token in [*special, *letters, *(f"##{c}" for c in letters), *words])


MAKERS = {
    "wordpiece-numbered.txt": numbered,
    "wordpiece-chinese.txt": chinese,
    "japanese-letters.txt": letters,
    "wordpiece.txt": lambda: wordpiece("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "wordpiece-mpnet.txt": lambda: wordpiece("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]"),
    "wordpiece-funnel.txt": lambda: wordpiece("<pad>", "<unk>", "<cls>", "<sep>", "<mask>", "<s>", "</s>"),
    "wordpiece-splinter.txt": lambda: wordpiece("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[QUESTION]"),
}
