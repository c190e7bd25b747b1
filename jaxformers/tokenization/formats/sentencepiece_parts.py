"""The parts of a SentencePiece tokenizer: algorithm, normalizer, splitter, decoder and template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from jaxformers.tokenization.formats.sentencepiece_families import Family, named
from jaxformers.tokenization.formats.sentencepiece_model import UNIGRAM, Model
from jaxformers.tokenization.formats.specials import text

Settings = Mapping[str, Any]
SPACE = "▁"


def algorithm(family: Family, model: Model, settings: Settings) -> models.Model:
    """Unigram or byte-pair encoding over the family's pieces."""
    pieces = family.pieces(model, settings)
    if model.algorithm == UNIGRAM:
        unk = model.unk_id if family.unk is None else family.unk
        unk += settings.get("offset", family.offset) if family.offset else 0
        return models.Unigram(pieces, unk_id=unk, byte_fallback=family.bytes)
    vocab = {t: i for i, (t, _) in enumerate(pieces)}
    known = {t: i for i, t in enumerate(model.texts)}
    if family.cleaning == "gemma" and "<0x09>" in known:
        known.setdefault("\t", known["<0x09>"])
    return models.BPE(
        vocab, merges(known, dict(pieces)), unk_token=model.unk_piece, fuse_unk=True, byte_fallback=family.bytes
    )


def merges(known: Mapping[str, int], scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """The pairs that byte-pair encoding merges, best first: every cut of a piece into two.

    Args:
      known: ids of the pieces that a pair may be made of.
      scores: of the merged pieces.
    """
    found = []
    for piece, score in scores.items():
        cuts = ((piece[:i], piece[i:]) for i in range(1, len(piece)))
        pairs = [(a, b, score) for a, b in cuts if a in known and b in known]
        found += sorted(pairs, key=lambda pair: (known[pair[0]], known[pair[1]]))
    found.sort(key=lambda pair: (pair[2], len(pair[0]), len(pair[1])), reverse=True)
    return [(a, b) for a, b, _ in found]


def normalizer(family: Family, model: Model, settings: Settings) -> normalizers.Normalizer | None:
    """How a family cleans text before it is split."""
    table = [normalizers.Precompiled(model.charsmap)] if model.charsmap else []
    quotes = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
    spaces = normalizers.Replace(tokenizers.Regex(" {2,}"), " ")
    letters = _letters(family, settings)
    if family.cleaning == "llama":
        front = [normalizers.Prepend(SPACE)] if _spaced(family, settings) else []
        return normalizers.Sequence([*front, normalizers.Replace(" ", SPACE)]) if _legacy(family, settings) else None
    if family.cleaning == "gemma":
        return normalizers.Replace(" ", SPACE)
    if family.cleaning == "albert":
        return normalizers.Sequence([*quotes, *letters, *table, spaces])
    if family.cleaning == "rembert":
        return normalizers.Sequence([*quotes, spaces, *letters, *table])
    if family.cleaning == "deberta":
        return normalizers.Sequence([*letters, normalizers.Strip(), *table, spaces])
    ends = normalizers.Strip(left=False, right=True)
    return normalizers.Sequence([*table, ends, normalizers.Replace(tokenizers.Regex(" {2,}"), SPACE)])


def _letters(family: Family, settings: Settings) -> list[normalizers.Normalizer]:
    lower, accents = settings.get("do_lower_case", family.lower), settings.get("keep_accents", family.accents)
    bare = [] if accents else [normalizers.NFKD(), normalizers.StripAccents()]
    return [*bare, *([normalizers.Lowercase()] if lower else [])]


def pre_tokenizer(family: Family, settings: Settings) -> pre_tokenizers.PreTokenizer | None:
    """How a family splits text into words."""
    spaces = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=_scheme(family, settings))
    if family.cleaning == "llama":
        spaces.split = False
        return None if _legacy(family, settings) else spaces
    if family.cleaning == "gemma":
        return pre_tokenizers.Split(" ", "merged_with_previous")
    if family.cleaning == "words":
        return pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), spaces])
    if family.cleaning == "deberta":
        marks = [pre_tokenizers.Punctuation("isolated")] if settings.get("split_by_punct") else []
        return pre_tokenizers.Sequence([*marks, spaces])
    return spaces


def decoder(family: Family, settings: Settings) -> decoders.Decoder:
    """How a family makes text of pieces."""
    if not family.bytes:
        return decoders.Metaspace(replacement=SPACE, prepend_scheme=_scheme(family, settings))
    front = family.cleaning == "llama" and _spaced(family, settings)
    strip = [decoders.Strip(content=" ", left=1)] if front else []
    return decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip])


def _spaced(family: Family, settings: Settings) -> bool:
    return not family.spaced or bool(settings.get("add_prefix_space", True))


def _legacy(family: Family, settings: Settings) -> bool:
    given = settings.get("legacy") if family.legacy else None
    return (family.legacy is not False) if given is None else bool(given)


def _scheme(family: Family, settings: Settings) -> str:
    if not _spaced(family, settings):
        return "never"
    return "always" if _legacy(family, settings) else "first"


def template(family: Family, made: tokenizers.Tokenizer, settings: Settings) -> processors.TemplateProcessing:
    """The special tokens around a text and a pair of texts.

    Raises:
      CheckpointError: the settings ask for a token that they say is none.
    """
    unk = made.token_to_id(text(settings.get("unk_token")) or "")
    left_out = [role for role, on in (("bos", True), ("eos", False)) if not settings.get(f"add_{role}_token", on)]
    held: dict[str, int | None] = {}

    def pieces(form: str) -> list[str]:
        out = []
        for part in form.split():
            name, kind = part.rsplit(":", 1)
            if name in ("{bos}", "{eos}"):
                role = name[1:-1]
                if role in left_out and family.bytes:
                    continue
                name = named(settings, role)
            if not name.startswith("$"):
                at = made.token_to_id(name)
                held[name] = unk if at is None else at
            out.append(f"{name}:{kind}")
        return out

    single, pair = pieces(family.single), pieces(family.pair)
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=list(held.items()))
