"""Whole tokenizer.json files, of classes that have no other."""

from __future__ import annotations

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


MAKERS = {"nougat-whole.json": nougat}
