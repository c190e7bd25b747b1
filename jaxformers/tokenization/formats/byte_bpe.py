"""BPE over bytes, each written as a letter, from vocab.json and merges.txt: GPT-2 and its kin.

Paper: https://d4mucfpksywv.cloudfront.net/better-language-models/language-models.pdf, section 2.2.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors

from jaxformers.tokenization.formats import files, merges, options, specials, tiktoken, whisper

_ALL = ("bos", "eos", "unk", "sep", "pad", "cls")
NORMALIZED = {  # roles whose tokens are sought in the normalised text, for each class
    **dict.fromkeys(("bart", "blenderbot", "led", "longformer", "markuplm", "roberta"), _ALL),
    "clip": ("bos", "eos", "unk"),
    "gpt2": ("bos", "eos", "unk", "pad"),
}
MASKS = {  # classes whose mask takes the space before it along; is that one sought in the normalised text?
    **dict.fromkeys(("bart", "deberta", "led", "markuplm"), True),
    **dict.fromkeys(("blenderbot", "longformer", "mvp", "roberta"), False),
}
WORDS = {
    "clip": r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+",
}
KIN = {  # classes and model types that have another's form; all that are not listed have GPT-2's
    "codegen": "phi",
    "clip": "aimv2 clipseg groupvit omdetturbo oneformer owlv2 owlvit xclip",
    "qwen2": "qwen2audio qwen2moe qwen2vl qwen25vl qwen3 qwen3moe qwen3next qwen3vl qwen3vlmoe",
    "roberta": "bridgetower clap data2vectext ibert layoutlmv3 mega mra robertaprelayernorm",
    **dict.fromkeys(("bart", "blenderbot", "deberta", "led", "longformer", "markuplm", "mvp", "whisper"), ""),
}
CLIP_MERGES = 48894  # CLIP's file holds more of them than its vocabulary
ENDS = r"\A[\s\x1c-\x1f]+|[\s\x1c-\x1f]+\z"  # what stripping a string in Python takes away


def build(stem: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """Reads vocab.json and merges.txt; of Whisper also a .tiktoken file, with the special tokens of 99 languages.

    `add_prefix_space`, `add_bos_token` (GPT-2) and `trim_offsets` (RoBERTa) are as tokenizer_config.json says.
    """
    family = next((name for name, kin in KIN.items() if stem == name or stem in kin.split()), "gpt2")
    ranks = sorted(directory.glob("*.tiktoken")) if family == "whisper" else []
    if ranks and not (directory / "vocab.json").is_file():
        made = tokenizers.Tokenizer(tiktoken.model(ranks[0]))
        made.add_tokens([specials.token(token, normalized=False) for token in whisper.SPECIAL])
        made.add_tokens([tokenizers.AddedToken(time, normalized=False) for time in whisper.TIMES])
    else:
        made = tokenizers.Tokenizer(_model(family, directory, settings))
    made.decoder = decoders.ByteLevel()
    if family == "clip":
        _split_as_clip(made)
    elif family == "qwen2":
        made.normalizer = normalizers.NFC()
        made.pre_tokenizer = tiktoken.split(WORDS["qwen2"], options.flag(settings, "add_prefix_space"))
    else:
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=options.flag(settings, "add_prefix_space"))
    more = [*specials.added(directory, settings).values(), *map(specials.token, specials.additional(settings))]
    known = {**made.get_vocab(), **dict.fromkeys((token.content for token in more), 0)}
    made.add_tokens(specials.gather(directory, settings, _flags(family)))
    made.post_processor = _around(family, settings, made, directory, known)
    return made


def _flags(family: str) -> dict[str, dict[str, bool]]:
    """The flags of special tokens that are given as text, by role."""
    sought = {role: {"normalized": True} for role in NORMALIZED.get(family, ())}
    return sought | ({"mask": {"lstrip": True, "normalized": MASKS[family]}} if family in MASKS else {})


def _model(family: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> models.BPE:
    vocab, pairs = _read(family, directory)
    more = {"end_of_word_suffix": "</w>", "unk_token": specials.names(settings).get("unk")} if family == "clip" else {}
    return models.BPE(vocab=vocab, merges=pairs, continuing_subword_prefix="", fuse_unk=False, **more)


def _read(family: str, directory: pathlib.Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges; how much of merges.txt is read differs."""
    if family not in ("clip", "qwen2"):
        return merges.read(directory)
    vocab, file = files.vocabulary(files.need(directory, "vocab.json")), files.need(directory, "merges.txt")
    lines = files.text(file).strip().split("\n")
    if family == "clip":
        return vocab, merges.fit(file, vocab, merges.pairs(file, lines[1 : CLIP_MERGES + 1]))
    header = int(lines[0].startswith("#version:"))
    return vocab, merges.fit(file, vocab, merges.pairs(file, lines[header:], 1 + header))


def clip_decoder() -> decoders.Decoder:
    """Letters from bytes, and a space where a word ends."""
    space, strip = decoders.Replace("</w>", " "), decoders.Replace(Regex(ENDS), "")
    return decoders.Sequence([decoders.ByteLevel(), space, strip])


def _split_as_clip(made: tokenizers.Tokenizer) -> None:
    """Lower case, and any white space is one space, which no token holds: words end in </w>."""
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(WORDS["clip"]), behavior="removed", invert=True)
    made.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = clip_decoder()


def _around(
    family: str,
    settings: Mapping[str, Any],
    made: tokenizers.Tokenizer,
    directory: pathlib.Path,
    known: Mapping[str, int],
) -> processors.PostProcessor:
    """What stands around a text and around a pair.

    Raises:
      CheckpointError: it is not among the tokens that the files hold, which are `known`.
    """

    def named(*roles: str) -> list[str]:
        return specials.required(directory, settings, *roles)

    def ids(*tokens: str) -> list[tuple[str, int]]:
        specials.need(directory / "vocab.json", known, tokens)
        return [(token, made.get_vocab()[token]) for token in tokens]

    def template(single: str, pair: str | None, *tokens: str) -> processors.PostProcessor:
        return processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids(*dict.fromkeys(tokens)))

    if family == "clip":
        sep, cls = ids(*named("eos", "bos"))
        return processors.RobertaProcessing(sep, cls, trim_offsets=False, add_prefix_space=False)
    if family in ("bart", "led", "longformer", "mvp", "roberta"):
        sep, cls = ids(*named("sep", "cls"))
        space = options.flag(settings, "add_prefix_space")
        return processors.RobertaProcessing(sep, cls, options.flag(settings, "trim_offsets", True), space)
    if family == "deberta":
        return template("[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", "[CLS]", "[SEP]")
    if family == "markuplm":
        opened, closed = named("cls", "sep")
        return template(f"{opened}:0 $A:0 {closed}:0", f"{opened}:0 $A:0 {closed}:0 $B:0 {closed}:0", opened, closed)
    if family == "blenderbot":
        (eos,) = named("eos")
        return template(f"$A:0 {eos}:0", None, eos)
    if family == "whisper":
        (eos,) = named("eos")
        start = ("<|startoftranscript|>", "<|notimestamps|>")
        begin = " ".join([f"{token}:0" for token in start])
        return template(f"{begin} $A:0 {eos}:0", f"{begin} $A:0 $B:1 {eos}:1", *start, eos)
    if family == "gpt2" and options.flag(settings, "add_bos_token"):
        (bos,) = named("bos")
        return template(f"{bos}:0 $A:0", f"{bos}:0 $A:0 $B:1", bos)
    return processors.ByteLevel(trim_offsets=False)
