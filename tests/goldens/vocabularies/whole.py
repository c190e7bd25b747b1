"""Whole tokenizer.json files, of classes that have no other."""

from __future__ import annotations

from text.corpus import PLAIN
from vocabularies.byte_bpe import merges, vocabulary


def nougat() -> str:
    """Byte-level BPE of composed text, whose digits are cut apart, between <s> and </s>."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.BPE(vocab=vocabulary(["<s>", "<pad>", "</s>", "<unk>"], []), merges=merges()))
    made.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "[START_REF]", "[END_REF]"])
    made.normalizer = normalizers.NFKC()
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    made.decoder = decoders.ByteLevel()
    ends = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> $B </s>", ends)
    return made.to_str()


def spaced(*special: str) -> str:
    """Byte-level BPE without anything around texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    made = Tokenizer(models.BPE(vocab=vocabulary(list(special), []), merges=merges()))
    made.add_special_tokens(list(special))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    return made.to_str()


def heard() -> str:
    """Pieces of a unigram model, with a blank behind them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.train_from_iterator(
        PLAIN, trainers.UnigramTrainer(vocab_size=400, unk_token="<unk>", special_tokens=["<unk>"])
    )
    made.add_special_tokens(["<pad>"])
    return made.to_str()


MAKERS = {
    "nougat-whole.json": nougat,
    "cohere-whole.json": lambda: spaced("<PAD>", "<UNK>", "<BOS_TOKEN>", "<EOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
    "gpt-neox-whole.json": lambda: spaced("<|endoftext|>", "<|padding|>"),
    "parakeet-whole.json": heard,
}
