"""What the classes of SentencePiece tokenizers make of the pieces in a model's file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats.sentencepiece_languages import CODES
from jaxformers.tokenization.formats.sentencepiece_model import Model
from jaxformers.tokenization.formats.specials import ROLES, text

Settings = Mapping[str, Any]
Pieces = list[tuple[str, float]]
LAST = -100.0  # score of a piece that no text may be cut into


def _as_they_are(model: Model, settings: Settings) -> Pieces:
    return list(zip(model.texts, model.scores, strict=True))


def _between(front: str, first: int, behind: str = "") -> Callable[[Model, Settings], Pieces]:
    """Pieces of its own in place of the file's `first`, and some behind."""

    def pieces(model: Model, settings: Settings) -> Pieces:
        rest = zip(model.texts[first:], model.scores[first:], strict=True)
        return [*_scored(front), *rest, *_scored(behind)]

    return pieces


def _scored(texts: str) -> Pieces:
    return [(t, LAST if t == "<unk>NOTUSED" else 0.0) for t in texts.split()]


def _commas(model: Model, settings: Settings) -> Pieces:
    """A digit and a comma are cut apart: pieces that end in both come last."""
    late = [len(t) > 1 and t[-1] == "," and t[-2].isdigit() for t in model.texts]
    return [(t, s + LAST * x) for t, s, x in zip(model.texts, model.scores, late, strict=True)]


def _t5(model: Model, settings: Settings) -> Pieces:
    return [*_as_they_are(model, settings), *((t, 0.0) for t in reversed(_extra(settings)))]


def _llama(model: Model, settings: Settings) -> Pieces:
    return [(t, s if i > 2 else 0.0) for i, (t, s) in enumerate(_as_they_are(model, settings))]


def _gemma(model: Model, settings: Settings) -> Pieces:
    front = [(named(settings, role), 0.0) for role in ("pad", "eos", "bos")]
    pieces = [*front, *_as_they_are(model, settings)[3:]]
    texts = [t for t, _ in pieces]
    if "\t" not in texts and "<0x09>" in texts:  # early files lack the tabulator
        pieces[texts.index("<0x09>")] = ("\t", 0.0)
    return pieces


def _pegasus(model: Model, settings: Settings) -> Pieces:
    sentence, mask = settings.get("mask_token_sent", "<mask_1>"), settings.get("mask_token")
    front = [named(settings, role) for role in ("pad", "eos")]
    front += [str(text(t)) for t in (sentence, mask) if sentence is not None and t is not None]
    return [*((t, 0.0) for t in front), *((t, LAST) for t in _unused(settings)), *_as_they_are(model, settings)[2:]]


def named(settings: Settings, role: str) -> str:
    """The text of a special token that a class can not do without.

    Raises:
      CheckpointError: the settings say that there is none.
    """
    name = text(settings.get(f"{role}_token"))
    if not isinstance(name, str):
        raise CheckpointError("tokenizer_config.json", [f"{role}_token must be text, as it is added, got {name!r}"])
    return name


def _unused(settings: Settings) -> list[str]:
    return [f"<unk_{i}>" for i in range(2, settings.get("offset", OFFSET))]


def _extra(settings: Settings) -> list[str]:
    return [f"<extra_id_{i}>" for i in range(settings.get("extra_ids", EXTRA))]


OFFSET = 103  # how far Pegasus's ids are behind the file's
EXTRA = 100  # T5's sentinels
FILL = "<FILL_ME>"  # where CodeLLaMA fills in
INFILLING = {"prefix": "▁<PRE>", "middle": "▁<MID>", "suffix": "▁<SUF>", "eot": "▁<EOT>"}  # its tokens by role
MADE_UP = tuple(f"<madeupword{i}>" for i in range(7))


@dataclasses.dataclass(frozen=True)
class Family:
    """How a class of tokenizers reads a SentencePiece model.

    Args:
      file: the model's name in a checkpoint.
      pieces: its pieces and their scores, in the order of their ids.
      unk: id of the unknown piece; None takes the file's.
      offset: the default of `offset`, how far ids are behind the file's; 0: they never are.
      cleaning: what `sentencepiece_parts.normalizer` does to text.
      single, pair: what surrounds a text and a pair of texts: `text:type`. `{bos}`, `{eos}` are the settings' tokens;
        empty where nothing does, or the tokens of the text's language.
      flags: of special tokens that the settings hold as plain text, by role.
      spaced: does `add_prefix_space` switch the space in front? It is there otherwise.
      legacy: the default of `legacy`, which puts a space in front of what follows a special token too; None: always.
      bytes: are unknown characters written as bytes?
      lower, accents: the defaults of `do_lower_case` and `keep_accents`.
    """

    file: str = "spiece.model"
    pieces: Callable[[Model, Settings], Pieces] = _as_they_are
    unk: int | None = None
    offset: int = 0
    cleaning: str = "plain"
    single: str = ""
    pair: str = "$A:0 $B:0"
    flags: Mapping[str, Mapping[str, bool]] = dataclasses.field(default_factory=lambda: {"mask": {"lstrip": True}})
    spaced: bool = False
    legacy: bool | None = None
    bytes: bool = False
    lower: bool = False
    accents: bool = True


_WORD = {"lstrip": True, "normalized": True}  # takes the space in front, and is found in cleaned text
_FAIRSEQ = "<s> <pad> </s> <unk>"
_BERT: dict[str, Any] = dict(single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
_ROBERTA: dict[str, Any] = dict(
    file="sentencepiece.bpe.model",
    unk=3,
    single="<s>:0 $A:0 </s>:0",
    pair="<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0",
)
_SPOKEN: dict[str, Any] = dict(file="sentencepiece.bpe.model", unk=3, single="")
_GPT: dict[str, Any] = dict(
    file="tokenizer.model",
    single="{bos}:0 $A:0 {eos}:0",
    pair="{bos}:0 $A:0 {eos}:0 {bos}:1 $B:1 {eos}:1",
    bytes=True,
)
_T5 = Family(pieces=_t5, single="$A:0 </s>:0", pair="$A:0 </s>:0 $B:0 </s>:0", flags={}, spaced=True, legacy=True)
_ALBERT = Family(pieces=_commas, cleaning="albert", **_BERT)
_MADE_UP = " ".join(MADE_UP)

FAMILIES = {
    "t5": _T5,
    "mt5": _T5,
    "udop": dataclasses.replace(_T5, pieces=_as_they_are),
    "albert": dataclasses.replace(_ALBERT, lower=True, accents=False),
    "fnet": _ALBERT,
    "xlnet": Family(
        pieces=_commas,
        cleaning="albert",
        accents=False,
        single="$A:0 <sep>:0 <cls>:2",
        pair="$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2",
    ),
    "xlmroberta": Family(pieces=_between(_FAIRSEQ, 3, "<mask>"), **_ROBERTA),
    "camembert": Family(pieces=_between("<s>NOTUSED <pad> </s>NOTUSED <unk> <unk>NOTUSED", 1, "<mask>"), **_ROBERTA),
    "barthez": Family(**_ROBERTA),
    "mbart": Family(pieces=_between(_FAIRSEQ, 3, " ".join((*CODES["mbart"], "<mask>"))), **_SPOKEN),
    "mbart50": Family(
        pieces=_between(_FAIRSEQ, 3, " ".join((*CODES["mbart50"], "<mask>"))), flags={"mask": _WORD}, **_SPOKEN
    ),
    "nllb": Family(pieces=_between(_FAIRSEQ, 3), flags={"mask": _WORD}, **_SPOKEN),
    "seamlessm4t": Family(
        pieces=_between("<pad> <unk> <s> </s>", 3), spaced=True, legacy=False, **{**_SPOKEN, "unk": 1}
    ),
    "xglm": Family(
        pieces=_between(_FAIRSEQ, 3, _MADE_UP),
        **{**_ROBERTA, "single": "</s>:0 $A:0", "pair": "</s>:0 $A:0 </s>:0 </s>:0 $B:0"},
    ),
    "llama": Family(pieces=_llama, unk=0, cleaning="llama", spaced=True, legacy=True, **_GPT),
    "gemma": Family(pieces=_gemma, unk=3, cleaning="gemma", **_GPT),
    "bigbird": Family(flags={**{role: {"normalized": True} for role in ROLES}, "mask": _WORD}, **_BERT),
    "pegasus": Family(
        pieces=_pegasus, offset=OFFSET, cleaning="words", single="$A:0 {eos}:0", pair="$A:0 $B:0 {eos}:0", flags={}
    ),
    "debertav2": Family(file="spm.model", cleaning="deberta", flags={"unk": {"normalized": True}}, **_BERT),
    "rembert": Family(file="sentencepiece.model", cleaning="rembert", flags={"mask": _WORD}, **_BERT),
    "reformer": Family(single="", flags={}),
}
_SAME = {
    "t5": "longt5 switchtransformers umt5",
    "llama": "codellama mistral mixtral",
    "gemma": "gemma2 gemma3 siglip2",
    "xlmroberta": "layoutxlm xlmrobertaxl xmod",
    "pegasus": "bigbirdpegasus pegasusx",
    "nllb": "nllbmoe",
    "seamlessm4t": "seamlessm4tv2",
    "albert": "nystromformer yoso",
}
NAMES = {name: family for family, names in _SAME.items() for name in names.split()}  # of model types: their class's


def additional(stem: str, settings: Settings) -> list[Any]:
    """The `additional_special_tokens` of a class: those of the settings, and its own."""
    named, stem = stem, NAMES.get(stem, stem)
    given = settings.get("additional_special_tokens")
    own: dict[str, list[str]] = {
        "xlnet": ["<eop>", "<eod>"],
        "camembert": ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"],
        "nllb": list(CODES["nllb"]),
    }
    if stem in own:
        return own[stem] if given is None else list(given)
    given = list(given or ())
    if stem in ("t5", "mt5"):
        return given if any("<extra_id_" in str(text(t)) for t in given) else given + _extra(settings)
    if named == "codellama":
        filling = [settings.get(f"{role}_token", usual) for role, usual in INFILLING.items()]
        return _joined(given, [token for token in filling if token is not None])
    if stem == "mbart":
        return _joined(list(CODES["mbart"]), given)
    if stem == "pegasus":
        return _pegasus_tokens(given, settings)
    return _joined(given, list({"mbart50": CODES["mbart50"], "xglm": MADE_UP}.get(stem, ())))


def _joined(first: list[Any], second: list[Any]) -> list[Any]:
    held = {text(t) for t in first}
    return first + [t for t in second if text(t) not in held]


def _pegasus_tokens(given: list[Any], settings: Settings) -> list[Any]:
    sentence = settings.get("mask_token_sent", "<mask_1>")
    front = [sentence] if sentence is not None and sentence not in map(text, given) else []
    if settings.get("additional_special_tokens") is None:
        return front + _unused(settings)
    return front + given + [f"<unk_{i}>" for i in range(len(front + given), settings.get("offset", OFFSET) - 1)]
