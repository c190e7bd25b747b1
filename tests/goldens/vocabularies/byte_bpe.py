"""Byte-level BPE: one list of merges under the special tokens of each family; CLIP's has words that end in </w>."""

import base64
import functools
import json

from text.corpus import ODD, PLAIN, SCRIPTS

TEXTS = [*PLAIN * 3, *SCRIPTS, *ODD]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>"]
DEBERTA = ["[CLS]", "[PAD]", "[SEP]", "[UNK]"]


@functools.cache
def merges(suffix: str = "") -> list[tuple[str, str]]:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.BPE(end_of_word_suffix=suffix))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if suffix:
        made.normalizer = normalizers.Lowercase()
        words = pre_tokenizers.Split(Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True)
        made.pre_tokenizer = pre_tokenizers.Sequence([words, made.pre_tokenizer])
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet(), end_of_word_suffix=suffix)
    made.train_from_iterator(TEXTS, trainer)
    return [tuple(pair) for pair in json.loads(made.to_str())["model"]["merges"]]


def alphabet() -> list[str]:
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


def vocabulary(first: list[str], last: list[str], suffix: str = "") -> dict[str, int]:
    letters = [*alphabet(), *(a + suffix for a in alphabet() if suffix)]
    tokens = [*first, *letters, *(a + b for a, b in merges(suffix)), *last]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def as_json(*args) -> str:
    return json.dumps(vocabulary(*args), ensure_ascii=False)


def as_merges(suffix: str = "") -> str:
    return "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges(suffix))


def as_ranks() -> str:
    """A tiktoken file: each token's bytes in base 64, and its rank."""
    from jaxformers.tokenization.formats.tiktoken import letters

    byte = {letter: i for i, letter in enumerate(letters())}
    lines = [f"{base64.b64encode(bytes(byte[c] for c in t)).decode()} {i}\n" for t, i in vocabulary([], []).items()]
    return "".join(lines)


def as_spelled() -> str:
    """A vocabulary that lacks letters and has a token for a space, which merges do not know."""
    held = vocabulary(["[STOP]", "[UNK]", "[SPACE]"], [])
    return json.dumps({token: i for token, i in held.items() if token not in ("q", "z", "}")}, ensure_ascii=False)


MAKERS = {
    "byte-bpe-merges.txt": as_merges,
    "clip-merges.txt": lambda: as_merges("</w>"),
    "gpt2.json": lambda: as_json([], ["<|endoftext|>"]),
    "bytes-only.json": lambda: as_json([], []),
    "roberta.json": lambda: as_json(ROBERTA, ["<mask>"]),
    "deberta.json": lambda: as_json(DEBERTA, ["[MASK]"]),
    "clip.json": lambda: as_json([], ["<|startoftext|>", "<|endoftext|>"], "</w>"),
    "clvp.json": as_spelled,
    "ranks.tiktoken": as_ranks,
}
