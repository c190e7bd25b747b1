"""Records where the PyTorch library's stop strings end a text: `python tests/goldens/record_stopping.py`.

Needs the extra `reference` and no jax. Writes `stopping.json` beside this file: three small tokenizers, and for each
some sets of stop strings, rows of token ids and, for each row, a digit a token: 1 if the row ends with that token.
"""

from __future__ import annotations

import json
import pathlib
import tempfile

import numpy as np
import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, StopStringCriteria

TEXT = [
    "the cat stopped at the stop and the dog did not stop: it sat there, then they slept",
    "question: what is it? answer: it is a café, the naïve one; 日本語の本 and 日本 abcdef",
    "stop stops stopper topper opera estop. END ENDED </s> user: end\n\nuser: end\n",
]
LETTERS = sorted(set("".join(TEXT)) - set(" \n"))
STRINGS = [
    ["stop"],
    ["top", "end\n", "at the"],
    ["aa"],
    ["aba", "ab", "abab"],
    [" the", "e s"],
    ["t"],
    ["café", "日本"],
    ["END", "nd s", "is it?"],
    ["</s>", "<mark>"],
    ["abcdefabc"],
    ["ststs", "tst"],
]
ROWS, LENGTH = 4, 40


def byte_level() -> tokenizers.Tokenizer:
    out = tokenizers.Tokenizer(models.BPE())
    out.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    out.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    out.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, special_tokens=["</s>", "<mark>"])
    )
    return out


def word_piece() -> tokenizers.Tokenizer:
    words = ["stop", "top", "the", "at", "end", "café", "日本", "st", "##st", "##op", "##top", "##s", "##ed", "##nd"]
    words += [*LETTERS, *(f"##{c}" for c in LETTERS), "is", "it", "END", "##END", "ab", "##ab", "n't", "##the"]
    vocab = {w: i for i, w in enumerate(dict.fromkeys(["[UNK]", "</s>", "<mark>", *words]))}
    out = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    out.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    out.decoder = decoders.WordPiece(cleanup=True)
    out.add_special_tokens(["[UNK]", "</s>", "<mark>"])
    return out


def sentence_piece() -> tokenizers.Tokenizer:
    """As Llama's: a mark for spaces, bytes for characters that the vocabulary lacks."""
    pieces = ["▁", "▁the", "▁stop", "st", "op", "top", "▁s", "▁a", "at", "nd", "END", "日本", "caf", "ab", "aba", "▁▁"]
    pieces = ["<unk>", "</s>", "<mark>", *(f"<0x{b:02X}>" for b in range(256)), *pieces, *LETTERS]
    vocab = {w: i for i, w in enumerate(dict.fromkeys(pieces))}
    merges = [("s", "t"), ("o", "p"), ("a", "t"), ("a", "b")]
    out = tokenizers.Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    out.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    out.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    out.add_special_tokens(["<unk>", "</s>", "<mark>"])
    return out


def spell(rng, texts: dict[int, str], string: str) -> list[int]:
    """Tokens that read as a string, which the last of them may go beyond; cut short where no token goes on."""
    out: list[int] = []
    while string:
        fits = [i for i, text in texts.items() if text and (string.startswith(text) or text.startswith(string))]
        if not fits:
            break
        out.append(rng.choice(fits))
        string = string[len(texts[out[-1]]) :]
    return out


def rows(rng, texts: dict[int, str], strings: list[str]) -> np.ndarray:
    """Strings in random spellings, some broken off, between tokens that they are made of, and others.

    Parts of a character are left out where a string holds such characters: there the library misses strings.
    """
    whole = [i for i, text in texts.items() if "\ufffd" not in text or "".join(strings).isascii()]
    near = [i for i in whole if texts[i] and set(texts[i]) <= set("".join(strings))]
    out = []
    for _ in range(ROWS):
        row: list[int] = []
        while len(row) < LENGTH:
            spelt = spell(rng, texts, str(rng.choice(strings)))
            row += spelt[: rng.integers(1, len(spelt) + 1)] if spelt and rng.random() < 0.3 else spelt
            row += [rng.choice(pool) for pool in (near, whole) for _ in range(rng.integers(0, 3)) if pool]
        out.append([int(i) for i in row[:LENGTH]])
    return np.asarray(out)


def main() -> None:
    rng = np.random.default_rng(0)
    made, cases = {}, []
    for make in (byte_level, word_piece, sentence_piece):
        backend = make()
        with tempfile.TemporaryDirectory() as folder:
            backend.save(f"{folder}/tokenizer.json")
            tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
        made[make.__name__] = json.loads(backend.to_str())
        found, ids = StopStringCriteria.clean_tokenizer_vocab(tokenizer)
        texts = dict(sorted(zip(ids, found, strict=True)))
        for strings in STRINGS:
            stop = StopStringCriteria(tokenizer, strings)
            tokens = rows(rng, texts, strings)
            ends = [stop(torch.from_numpy(tokens[:, : n + 1]), None).numpy() for n in range(LENGTH)]
            digits = ["".join(str(int(x)) for x in row) for row in np.stack(ends, 1)]
            cases.append({"tokenizer": make.__name__, "strings": strings, "ids": tokens.tolist(), "ends": digits})
    path = pathlib.Path(__file__).with_name("stopping.json")
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    held = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    path.write_text(f'{{"tokenizers":{held},\n"cases":[\n{lines}\n]}}\n', encoding="utf-8")
    hits = {(c["tokenizer"], *c["strings"]): sum(row.count("1") for row in c["ends"]) for c in cases}
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB, ends: {hits}")


if __name__ == "__main__":
    main()
