"""SentencePiece classes that never had a tokenizer.json: Marian, M2M100, SpeechT5 and others."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError
from jaxformers.tokenization.formats import files, specials
from jaxformers.tokenization.formats import sentencepiece_languages as languages
from jaxformers.tokenization.formats.python_backend import PythonBackend, made
from jaxformers.tokenization.formats.python_rows import Template
from jaxformers.tokenization.formats.sentencepiece_exact import Processor
from jaxformers.tokenization.formats.sentencepiece_model import read
from jaxformers.tokenization.formats.sentencepiece_scheme import Long, Marian, Pieces, Spoken, Style, Swedish

Settings = Mapping[str, Any]
Of = Callable[[str], int]
LATE = Style(before=" ")
PROPHET = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *(f"[unused{i}]" for i in range(10)))
MUSTC = ("pt", "fr", "ru", "nl", "ro", "it", "es", "de")  # the languages of `lang_codes: mustc`


def build(stem: str, directory: pathlib.Path, settings: Settings) -> PythonBackend:
    """Reads a class's SentencePiece models, and vocab.json where ids are not the model's own."""
    return BUILDERS[stem](directory, settings)


def special_of(settings: Settings) -> frozenset[str]:
    """The special tokens of the settings."""
    more = settings.get("additional_special_tokens") or ()
    return frozenset([*specials.names(settings).values(), *(specials.text(token) or "" for token in more)])


def _listed(directory: pathlib.Path, settings: Settings) -> tuple[pathlib.Path, dict[str, int]]:
    """vocab.json, which must hold what stands for unknown pieces."""
    file = files.need(directory, "vocab.json")
    vocab = files.vocabulary(file)
    specials.need(file, vocab, specials.names(settings, "unk", "pad").values())
    return file, vocab


def processor_of(file: pathlib.Path) -> Processor:
    """A model at work.

    Raises:
      CheckpointError: it asks for what is not computed.
    """
    model = read(file)
    if model.space_behind or model.restores:
        what = "put spaces behind words" if model.space_behind else "change the characters of decoded text"
        raise CheckpointError(str(file), [f"must not {what}: this is not computed"])
    return Processor(model)


def _refused(directory: pathlib.Path, name: str, problem: str) -> CheckpointError:
    return CheckpointError(str(directory / "tokenizer_config.json"), [f"{name} must {problem}"])


def _marian(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    if settings.get("separate_vocabs"):
        raise _refused(directory, "separate_vocabs", "be false: two vocabularies are not read")
    file, vocab = _listed(directory, settings)
    spoken, written = files.need(directory, "source.spm"), files.need(directory, "target.spm")
    unk = specials.names(settings)["unk"]
    scheme = Marian(vocab, unk, processor_of(spoken), special_of(settings), processor_of(written))
    return made(scheme, directory, settings, _ended, files=[file, spoken, written])


def _m2m100(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file, vocab = _listed(directory, settings)
    model = files.need(directory, "sentencepiece.bpe.model")
    held = settings.get("language_codes", "m2m100")
    if held not in languages.M2M100:
        raise _refused(directory, "language_codes", f"be one of {', '.join(languages.M2M100)}, got {held!r}")
    codes = {languages.token("m2m100", code): len(vocab) + i for i, code in enumerate(languages.M2M100[held])}
    special = special_of(settings)
    plain = {token: i for token, i in codes.items() if token not in special}
    unk = specials.names(settings)["unk"]
    scheme = Pieces({**vocab, **plain}, unk, processor_of(model), special, Style(), len(vocab))
    out = made(scheme, directory, settings, lambda of: Template(), files=[file, model])
    languages.start(out, "m2m100", settings)
    return out


def _speecht5(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    if settings.get("normalize"):
        raise _refused(directory, "normalize", "be false: numbers are not written out in words")
    file = files.need(directory, "spm_char.model")
    processor = processor_of(file)
    unk = specials.names(settings)["unk"]
    scheme = Spoken(processor.ids, unk, processor, special_of(settings), LATE, parted=True)
    return made(scheme, directory, settings, _ended, files=[file])


def additional(stem: str, settings: Settings) -> list[Any]:
    """The `additional_special_tokens`: languages of PLBart and Speech2Text, then those of the settings."""
    first: list[str] = []
    if stem == "plbart":
        first = list(languages.PLBART[settings.get("language_codes", "base")])
    elif stem in ("speech2text", "speechtotext") and settings.get("lang_codes") is not None:
        first = [f"<lang:{code}>" for code in MUSTC]
    return [*first, *(token for token in specials.additional(settings) if specials.text(token) not in first)]


def _speech2text(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file, vocab = _listed(directory, settings)
    model = files.need(directory, "sentencepiece.bpe.model")
    processor = processor_of(model)
    held, wanted = settings.get("lang_codes"), settings.get("tgt_lang") or MUSTC[0]
    front: list[tuple[int, None]] = []
    if held is not None:
        if held != "mustc" or wanted not in MUSTC:
            problem = f"be mustc, and tgt_lang one of {', '.join(MUSTC)}, got {held!r} and {wanted!r}"
            raise _refused(directory, "lang_codes", problem)
        settings = {**settings, "additional_special_tokens": additional("speech2text", settings)}
        front = [(processor.ids.get(f"<lang:{wanted}>", processor.model.unk_id), None)]

    def around(of: Of) -> Template:
        end = (of("eos"), None)
        return Template((*front, ("A", 0), end), (*front, ("A", 0), ("B", 1), end))

    lower, upper = bool(settings.get("do_lower_case")), bool(settings.get("do_upper_case"))
    unk = specials.names(settings)["unk"]
    scheme = Spoken(vocab, unk, processor, special_of(settings), Style(behind=" "), lower=lower, upper=upper)
    return made(scheme, directory, settings, around, files=[file, model])


def _plbart(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file = files.need(directory, "sentencepiece.bpe.model")
    processor = processor_of(file)
    held = settings.get("language_codes", "base")
    if held not in languages.PLBART:
        raise _refused(directory, "language_codes", f"be one of {', '.join(languages.PLBART)}, got {held!r}")
    codes = languages.PLBART[held]
    last = [*codes, *(["<mask>"] if held == "base" else [])]
    texts = ["<s>", "<pad>", "</s>", "<unk>", *processor.model.texts[3:], *last]
    settings = {**settings, "additional_special_tokens": additional("plbart", settings)}
    vocab, unk = {token: i for i, token in enumerate(texts)}, specials.names(settings)["unk"]
    scheme = Pieces(vocab, unk, processor, special_of(settings), Style(plain=True))
    flags = {"mask": {"lstrip": True, "normalized": True}}
    out = made(scheme, directory, settings, lambda of: Template(), flags, files=[file])
    usual = None if held == "base" else "en_XX"
    languages.switch(out, "plbart", settings.get("src_lang") or usual, settings)
    return out


def _bert_generation(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file = files.need(directory, "spiece.model")
    processor = processor_of(file)
    scheme = Pieces(processor.ids, specials.names(settings)["unk"], processor, special_of(settings), Style())
    pair = (("A", 0), ("B", 1))
    return made(scheme, directory, settings, lambda of: Long(pair=pair, more=(([], [0]), ([0], [1]))), files=[file])


def _gptsw3(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file = files.need(directory, "spiece.model")
    processor = processor_of(file)
    style, lower = Style(before=" ", strips=False), bool(settings.get("do_lower_case"))
    unk = specials.names(settings)["unk"]
    scheme = Swedish(processor.ids, unk, processor, special_of(settings), style, lower=lower)
    return made(scheme, directory, settings, lambda of: Template(), files=[file])


def _xlm_prophetnet(directory: pathlib.Path, settings: Settings) -> PythonBackend:
    file = files.need(directory, "prophetnet.tokenizer")
    processor = processor_of(file)
    vocab = {token: i for i, token in enumerate([*PROPHET, *processor.model.texts[3:]])}
    scheme = Pieces(vocab, specials.names(settings)["unk"], processor, special_of(settings), Style(plain=True))

    def around(of: Of) -> Template:
        end = (of("sep"), 0)
        return Long((("A", 0), end), (("A", 0), end, ("B", 0), end), more=(([], []), ([], [0])))

    return made(scheme, directory, settings, around, files=[file])


def _ended(of: Of) -> Template:
    """A text, or two, and what ends them, which has no token type."""
    end = (of("eos"), None)
    return Template((("A", 0), end), (("A", 0), ("B", 1), end))


BUILDERS = {
    "bertgeneration": _bert_generation,
    "gptsw3": _gptsw3,
    "m2m100": _m2m100,
    "marian": _marian,
    "plbart": _plbart,
    "speech2text": _speech2text,
    "speechtotext": _speech2text,
    "speecht5": _speecht5,
    "xlmprophetnet": _xlm_prophetnet,
}
