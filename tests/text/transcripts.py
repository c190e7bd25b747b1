"""A small Whisper tokenizer and transcripts in it, for both sides to decode."""

from __future__ import annotations

import json
import pathlib
import random
import shutil

from text.case import FILES, GOLDENS

GOLDEN = GOLDENS / "transcripts.json"
PROMPTS = [
    {},
    {"language": "german"},
    {"language": "Haitian Creole", "task": "transcribe"},
    {"language": "yue", "task": "translate", "times": True},
    {"task": "transcribe", "times": True},
    {"language": "Burmese"},
]
CONTROL = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
TEXTS = [
    " Hello world!",
    " The quick brown fox",
    " jumps over",
    " the lazy dog.",
    " naïve café",
    " 日本語",
    " <|2.5|> x",
]


def write(directory: pathlib.Path, languages: list[str]) -> pathlib.Path:
    """The checkpoint; `languages`: the codes, in the order of their tokens."""
    shutil.copy(FILES / "gpt2.json", directory / "vocab.json")
    shutil.copy(FILES / "byte-bpe-merges.txt", directory / "merges.txt")
    special = ["<|startoftranscript|>", *(f"<|{code}|>" for code in languages), *CONTROL]
    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    start = len(json.loads((FILES / "gpt2.json").read_text()))
    listed = {
        str(start + i): {"content": t, "special": t in special, "normalized": False}
        for i, t in enumerate([*special, *times])
    }
    settings = {"added_tokens_decoder": listed, "additional_special_tokens": ["<|endoftext|>", *special]}
    config = {"tokenizer_class": "WhisperTokenizerFast", **settings}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory


def transcripts(tokenizer) -> list[list[int]]:
    """Ids: of one window and of several, cut off ones, prompts before them, and any order of times."""
    rng = random.Random(0)
    first = tokenizer.convert_tokens_to_ids("<|notimestamps|>") + 1
    start = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|en|>", "<|transcribe|>"])
    end = tokenizer.eos_token_id

    def said() -> list[int]:
        return tokenizer(rng.choice(TEXTS), add_special_tokens=False)["input_ids"]

    def window(open_: bool) -> list[int]:
        marks = sorted(rng.sample(range(1500), 2 * rng.randint(1, 4)))
        out = []
        for a, b in zip(marks[::2], marks[1::2], strict=True):
            out += [first + a, *said(), first + b]
        return out[:-1] if open_ else out

    out = [[], [end], [*start, *said(), end], [first], [first, first], said(), [*said(), first + 3, *said()]]
    for _ in range(8):
        out.append([*start, *window(False), end])
        out.append([*window(False), *window(rng.random() < 0.5), *window(False)])
        out.append([*start, *window(True), end, *window(False)])
        out.append([x for _ in range(6) for x in rng.choice([said(), [first + rng.randrange(1501)]])])
    prompt = tokenizer.convert_tokens_to_ids("<|startofprev|>")
    return [*out, [prompt, *said(), *start, *window(False)], [prompt, *said()]]
