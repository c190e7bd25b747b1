"""`AutoTokenizer`: from a directory or hub id to the tokenizer that its files describe."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Any

import tokenizers

from jaxformers.checkpoints.hub import TEXT, resolve
from jaxformers.errors import CheckpointError, InputError, nearest
from jaxformers.tokenization.fast import SETTINGS, FastTokenizer


class AutoTokenizer:
    """Tokenizers by directory or hub id."""

    @staticmethod
    def from_pretrained(path: str | os.PathLike, *, revision: str | None = None, **changes: Any) -> FastTokenizer:
        """The tokenizer of a checkpoint.

        Reads tokenizer.json, and from tokenizer_config.json and special_tokens_map.json the special tokens, the
        longest input and the sides. Truncation and padding that tokenizer.json has built in are not applied: they
        happen when a call asks for them.

        Args:
          path: a directory, or a hub id.
          revision: branch, tag or commit on the hub.
          changes: settings to override, e.g. `padding_side="left"`, `model_max_length=128`, `pad_token="</s>"`.

        Raises:
          CheckpointError: no such directory, no tokenizer.json, or a damaged file.
          InputError: an unknown setting, or a value that it can not have.
        """
        unknown = [
            f"unknown setting {k!r}; nearest: {', '.join(nearest(k, SETTINGS, 3))}" for k in changes.keys() - SETTINGS
        ]
        if unknown:
            raise InputError("AutoTokenizer.from_pretrained", sorted(unknown))
        directory = resolve(path, revision, TEXT)
        file = directory / "tokenizer.json"
        if not file.is_file():
            held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
            problem = f"must hold tokenizer.json, the only tokenizer file read so far; it holds {held}"
            raise CheckpointError(os.fspath(path), [problem])
        try:
            backend = tokenizers.Tokenizer.from_file(str(file))
        except Exception as e:  # the library raises a bare Exception
            problem = f"must be a tokenizer that the tokenizers library reads: {e}"
            raise CheckpointError(str(file), [problem], "fetch or save it again") from None
        settings, kind = _settings(directory)
        try:
            return FastTokenizer(backend, {**_usual(kind, backend), **_built_in(backend), **settings, **changes})
        except (TypeError, ValueError, AttributeError, OverflowError) as e:
            if isinstance(e, InputError) and changes:
                raise
            raise CheckpointError(os.fspath(path), [f"tokenizer_config.json must hold settings: {e}"]) from None


def _settings(directory: pathlib.Path) -> tuple[dict[str, Any], str]:
    """What the files beside tokenizer.json say, and the tokenizer's class or, failing that, the model type."""
    settings = _read_json(directory / "tokenizer_config.json")
    if "added_tokens_decoder" not in settings:  # newer files repeat the map there, and are then the authority
        settings |= _read_json(directory / "special_tokens_map.json")
    config = {} if "tokenizer_class" in settings else _read_json(directory / "config.json")
    kinds = (settings.get("tokenizer_class"), config.get("tokenizer_class"), config.get("model_type"))
    return settings, next((k for k in kinds if isinstance(k, str)), "")


def _read_json(file: pathlib.Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise CheckpointError(str(file), [f"must hold one JSON object: {e}"]) from None
    if not isinstance(value, dict):
        raise CheckpointError(str(file), [f"must hold one JSON object, got {type(value).__name__}"])
    return value


def _built_in(backend: tokenizers.Tokenizer) -> dict[str, Any]:
    """Sides and padding token of the settings inside tokenizer.json: taken where no other file names them."""
    padding, truncation = backend.padding or {}, backend.truncation or {}
    held = {
        "pad_token": padding.get("pad_token"),
        "padding_side": padding.get("direction"),
        "truncation_side": truncation.get("direction"),
    }
    return {k: v for k, v in held.items() if v is not None}


# What a kind of tokenizer means when its files do not say: early checkpoints ship tokenizer.json and little else.
# Tokenizer classes and model types; whether the model takes token_type_ids; special tokens.
_BRACKETS = dict(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_ANGLES = dict(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>")
_ROBERTA = dict(_ANGLES, sep="</s>", cls="<s>", mask="<mask>")
_END = "<|endoftext|>"
_USUAL: tuple[tuple[str, bool, dict[str, str]], ...] = (
    ("bert convbert electra ernie layoutlm layoutlmv2 lxmert megatronbert mobilebert", True, _BRACKETS),
    ("nezha roformer squeezebert vilt visualbert", True, _BRACKETS),
    ("distilbert", False, _BRACKETS),
    ("deberta debertav2", True, dict(_BRACKETS, bos="[CLS]", eos="[SEP]")),
    ("albert rembert", True, dict(_BRACKETS, bos="[CLS]", eos="[SEP]", unk="<unk>", pad="<pad>")),
    ("bart barthez blenderbot camembert data2vectext ibert layoutlmv3 led longformer", False, _ROBERTA),
    ("mbart mvp nllb roberta robertaprelayernorm xlmroberta xlmrobertaxl xmod", False, _ROBERTA),
    ("mpnet", False, dict(_ROBERTA, unk="[UNK]")),
    ("codegen gpt2 gptj gptneo gptneox opt whisper", False, dict(bos=_END, eos=_END, unk=_END)),
    ("qwen2 qwen2moe qwen3 qwen3moe", False, dict(eos=_END, pad=_END)),
    ("clip", False, dict(bos="<|startoftext|>", eos=_END, unk=_END, pad=_END)),
    ("longt5 mt5 switchtransformers t5 umt5", False, dict(eos="</s>", unk="<unk>", pad="<pad>")),
    ("bloom", False, _ANGLES),
    ("llama mistral mixtral", False, dict(bos="<s>", eos="</s>", unk="<unk>")),
    ("gemma gemma2", False, dict(bos="<bos>", eos="<eos>", unk="<unk>", pad="<pad>")),
)
_PAD_LEFT = ("gemma", "gemma2", "llama", "mistral", "mixtral")


def _usual(kind: str, backend: tokenizers.Tokenizer) -> dict[str, Any]:
    """The settings of a tokenizer class ("XLMRobertaTokenizerFast") or model type ("xlm-roberta")."""
    stem = re.sub(r"tokenizer(fast)?$|[-_]", "", kind.lower())
    for kinds, types, tokens in _USUAL:
        if stem in kinds.split():
            held = {f"{k}_token": v for k, v in tokens.items() if backend.token_to_id(v) is not None}
            names = ("input_ids", "token_type_ids", "attention_mask") if types else ("input_ids", "attention_mask")
            side = "left" if stem in _PAD_LEFT else "right"
            return {**held, "model_input_names": names, "padding_side": side}
    return {}
