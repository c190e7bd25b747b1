"""Every class that docs/prepared.md names is read by one of the `Auto*` classes, so that none can vanish."""

import pathlib
import re

import pytest
from images.extras import NAMES

from jaxformers.processing.audio.kinds import KINDS as SOUNDS
from jaxformers.processing.auto import KEYS
from jaxformers.processing.images.kinds import KINDS as IMAGES
from jaxformers.processing.images.kinds import make
from jaxformers.processing.markup import MarkupLM
from jaxformers.processing.processor_kinds import KINDS as PROCESSORS
from jaxformers.tokenization import kinds

DOCS = pathlib.Path(__file__).parents[1] / "docs" / "prepared.md"
PARTS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
BY_HAND = {"jukebox", "rag"}  # tokenizers that are not of `kinds`


def names(part: str) -> list[str]:
    ends = r"\b\w+?(?:Tokenizer(?:Fast)?|ImageProcessor(?:Fast)?|FeatureExtractor|Processor|WithLM)\b"
    return re.findall(ends, PARTS[part].replace("`tokenizer.json`", ""))


def test_tokenizers():
    listed = names("Tokenizers")
    assert len(listed) >= 155
    assert [n for n in listed if kinds.find(n) is None and kinds.stem(n) not in BY_HAND] == []


def test_image_processors():
    listed = names("Image processors and those of videos")
    kind = {n: re.sub(r"(ImageProcessor(Fast)?|FeatureExtractor|VideoProcessor)$", "", n) for n in listed}
    assert [n for n in listed if kind[n] not in IMAGES and n != MarkupLM.name] == []
    assert len(listed) >= 120


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_processor_tells_its_class(kind):
    told = make(kind, {"metadata": NAMES} if kind == "OneFormer" else {}).to_dict()
    assert any(told.get(key) for key in KEYS)


def test_feature_extractors():
    listed = names("Feature extractors of sounds")
    assert [n for n in listed if n not in SOUNDS] == []
    assert len(listed) >= 12


def test_processors():
    listed = names("Processors")
    assert [n for n in listed if n not in PROCESSORS] == []
    assert len(listed) >= 44
