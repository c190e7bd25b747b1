"""What a kind of tokenizer means: the special tokens of its class, and the files it is made of before tokenizer.json.

Early checkpoints ship their vocabulary and little else; the class that `tokenizer_class` or `model_type` names says
the rest.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import tokenizers

from jaxformers.errors import CheckpointError


@dataclasses.dataclass(frozen=True)
class Kind:
    """Tokenizer classes that are alike.

    Args:
      stems: their names in lower case, without "Tokenizer" and "Fast"; and the model types that use them.
      tokens: the text of each special token by role.
      types: does the model take `token_type_ids`?
      format: the module of `jaxformers.tokenization.formats` that builds one from files other than tokenizer.json.
      side: where padding goes.
      cleans: are spaces in decoded text cleaned up, of a tokenizer built by `format`?
    """

    stems: str
    tokens: Mapping[str, str]
    types: bool = False
    format: str | None = None
    side: str = "right"
    cleans: bool = False


_BRACKETS = dict(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_ANGLES = dict(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>")
_ROBERTA = dict(_ANGLES, sep="</s>", cls="<s>", mask="<mask>")
_END = "<|endoftext|>"
_ENDS = dict(bos=_END, eos=_END, unk=_END)

KINDS = (
    Kind("bert convbert electra ernie layoutlm lxmert megatronbert", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("mobilebert nezha squeezebert vilt visualbert", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("layoutlmv2 roformer", _BRACKETS, True),
    Kind("distilbert", _BRACKETS, False, "wordpiece", cleans=True),
    Kind("deberta debertav2", dict(_BRACKETS, bos="[CLS]", eos="[SEP]"), True),
    Kind("albert rembert", dict(_BRACKETS, bos="[CLS]", eos="[SEP]", unk="<unk>", pad="<pad>"), True),
    Kind("bart barthez blenderbot camembert data2vectext ibert layoutlmv3 led longformer", _ROBERTA),
    Kind("mbart mvp nllb roberta robertaprelayernorm xlmroberta xlmrobertaxl xmod", _ROBERTA),
    Kind("mpnet", dict(_ROBERTA, unk="[UNK]"), False, "wordpiece", cleans=True),
    Kind("codegen gpt2 gptj gptneo gptneox opt whisper", _ENDS),
    Kind("qwen2 qwen2moe qwen3 qwen3moe", dict(eos=_END, pad=_END)),
    Kind("clip", dict(bos="<|startoftext|>", eos=_END, unk=_END, pad=_END)),
    Kind("longt5 mt5 switchtransformers t5 umt5", dict(eos="</s>", unk="<unk>", pad="<pad>")),
    Kind("bloom", _ANGLES),
    Kind("llama mistral mixtral", dict(bos="<s>", eos="</s>", unk="<unk>"), side="left"),
    Kind("gemma gemma2", dict(bos="<bos>", eos="<eos>", unk="<unk>", pad="<pad>"), side="left"),
)


def stem(name: str) -> str:
    """ "XLMRobertaTokenizerFast" and "xlm-roberta" -> "xlmroberta"."""
    return re.sub(r"tokenizer(fast)?$|[-_]", "", name.lower())


def find(name: str) -> Kind | None:
    """The kind of a tokenizer class or model type."""
    return next((kind for kind in KINDS if stem(name) in kind.stems.split()), None)


def usual(kind: Kind | None, backend: tokenizers.Tokenizer, built: bool) -> dict[str, Any]:
    """The settings that a kind's class has by itself; of the special tokens those that the vocabulary holds.

    built: is the backend made by `build`?
    """
    if kind is None:
        return {}
    held = {f"{k}_token": v for k, v in kind.tokens.items() if backend.token_to_id(v) is not None}
    names = ("input_ids", "token_type_ids", "attention_mask") if kind.types else ("input_ids", "attention_mask")
    clean = {"clean_up_tokenization_spaces": True} if built and kind.cleans else {}
    return {**held, **clean, "model_input_names": names, "padding_side": kind.side}


def build(name: str, directory: pathlib.Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """The tokenizer of a directory without tokenizer.json, from the older files of its class.

    Args:
      name: tokenizer class or model type.
      directory: holds the files.
      settings: those of tokenizer_config.json, with the class's own special tokens where it names none.

    Raises:
      CheckpointError: a file is missing or damaged, or nothing is known of such a class.
    """
    kind = find(name)
    if kind is None or kind.format is None:
        held = ", ".join(sorted(p.name for p in directory.iterdir())[:12]) or "nothing"
        what = f"the older files of {name!r} are not read" if name else "no file names the tokenizer's class"
        raise CheckpointError(os.fspath(directory), [f"must hold tokenizer.json, as {what}; it holds {held}"])
    module = importlib.import_module(f"jaxformers.tokenization.formats.{kind.format}")
    whole = {**{f"{role}_token": text for role, text in kind.tokens.items()}, **settings}
    return module.build(stem(name), directory, whole)
