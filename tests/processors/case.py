"""Processors of both text and images or sound, to compare with the reference."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
from audio.case import SOUNDS
from images.case import PICTURES, digest

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "processors"
FILES = GOLDENS.parent / "tokenizers" / "files"
__all__ = ["CASES", "GOLDENS", "Case", "digest", "observe"]


@dataclasses.dataclass(frozen=True)
class Case:
    """A processor: its class, its tokenizer's class and files, the settings of its other part and of itself."""

    name: str
    reference: str
    tokenizer: str
    files: Mapping[str, str]
    other: Mapping[str, Any]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tokens: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sound: bool = False
    rate: int = 0

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        for name, held in self.files.items():
            shutil.copy(FILES / held, directory / name)
        config = {"tokenizer_class": self.tokenizer, **self.tokens}
        if self.tokenizer:
            (directory / "tokenizer_config.json").write_text(json.dumps(config))
        other = {**self.other, "processor_class": self.reference}
        (directory / "preprocessor_config.json").write_text(json.dumps(other))
        own = {"processor_class": self.reference, **self.settings}
        (directory / "processor_config.json").write_text(json.dumps(own))
        return directory


TEXTS = ["a picture of two cats", "what <image> is that, on the mat?"]


def observe(processor, case: Case) -> dict[str, np.ndarray]:
    """What a processor of either side makes of two texts with two images or sounds, and of each alone."""
    found: dict[str, Any] = {}
    if case.reference == "SamProcessor":
        found = prompted(processor)
    elif case.reference == "SpeechT5Processor":
        found = spoken(processor)
    elif case.rate:
        how = {"sampling_rate": case.rate, "return_tensors": "np"}
        sounds = list(SOUNDS.values())[:2]
        found = {"sound": processor(audio=sounds[0], **how), "text": processor(text=TEXTS, padding=True)}
        if case.reference == "ClapProcessor":
            found["both"] = processor(text=TEXTS[0], audio=sounds[1], **how)
    elif case.sound:
        sounds = list(SOUNDS.values())[:2]
        found["both"] = processor(audio=sounds[0], text=TEXTS[0], sampling_rate=16000)
        found["sound"] = processor(sounds[0], sampling_rate=16000)
        found["text"] = processor(text=TEXTS)
    else:
        pictures = list(PICTURES.values())[:2]
        found["both"] = processor(images=pictures, text=TEXTS, padding=True, return_tensors="np")
        found["text"] = processor(text=TEXTS, padding=True, return_tensors="np")
        found["one"] = processor(images=pictures[0], text=TEXTS[1], return_tensors="np")
        if "Owl" in case.reference:
            found["query"] = processor(images=pictures[0], query_images=pictures[1], return_tensors="np")
            found["nested"] = processor(images=pictures, text=[TEXTS, TEXTS[:1]], return_tensors="np")
        if "CLIPSeg" in case.reference:
            found["shown"] = processor(images=pictures[0], visual_prompt=pictures[1], return_tensors="np")
        if "Llava" not in case.reference:
            found["image"] = processor(images=pictures[0], return_tensors="np")
    return {
        f"{kind}/{k}/{i}": np.asarray(v)
        for kind, out in found.items()
        for k, vs in out.items()
        for i, v in enumerate(vs)
    }


def spoken(processor) -> dict[str, Any]:
    """What one of SpeechT5 makes of text and sound, of each as what is to be made, and of several as a batch."""
    sounds = list(SOUNDS.values())[:2]
    how = {"sampling_rate": 16000}
    heard = [{"input_values": list(processor(audio=x, **how)["input_values"][0])} for x in sounds]
    made = [{"input_values": np.asarray(processor(audio_target=x, **how)["input_values"][0])} for x in sounds]
    read = [{"input_ids": processor(text=text)["input_ids"]} for text in TEXTS]
    return {
        "written": processor(audio=sounds[0], text_target=TEXTS[0], **how),
        "said": processor(text=TEXTS[1], audio_target=sounds[1], **how),
        "again": processor(audio=sounds[0], audio_target=sounds[1], **how),
        "text": processor(text=TEXTS),
        "target": processor(text_target=TEXTS),
        "pad-written": processor.pad(input_values=heard, labels=read, return_tensors="np"),
        "pad-said": processor.pad(input_ids=read, labels=made, return_tensors="np"),
        "pad-labels": processor.pad(labels=made, return_tensors="np"),
    }


def prompted(processor) -> dict[str, Any]:
    """What one of SAM makes of points and boxes in two images, and in one."""
    pictures = list(PICTURES.values())[:2]
    kind = "np" if processor.__module__.startswith("jaxformers") else "pt"
    points, labels = [[[3, 4], [10, 2.5]], [[7, 8]]], [[1, 0], [1]]
    given: dict[str, dict[str, Any]] = {
        "uneven": {"images": pictures, "input_points": points, "input_labels": labels},
        "padded": {"images": pictures, "input_points": points, "input_labels": labels, "point_pad_value": -3},
        "boxes": {"images": pictures, "input_boxes": [[[1, 2, 20, 15]], [[0, 0, 8, 9]]]},
        "sets": {"images": pictures[0], "input_points": [[[[5, 6]], [[1, 2]]]], "input_labels": [[[1], [0]]]},
        "one": {
            "images": pictures[1],
            "input_points": [[[5, 6], [2, 2]]],
            "input_boxes": [[[1, 2, 3, 4], [5, 5, 9, 7]]],
        },
        "maps": {"images": pictures[0], "segmentation_maps": np.asarray(pictures[0])[..., 0] // 64},
    }
    return {name: processor(return_tensors=kind, **one) for name, one in given.items()}


_BERT = {"vocab.txt": "wordpiece.txt"}
_GPT2 = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_CLIP = {"vocab.json": "clip.json", "merges.txt": "clip-merges.txt"}
_PIXELS = {"size": {"height": 24, "width": 24}}
_EDGE = {"size": {"shortest_edge": 24}, "crop_size": {"height": 24, "width": 24}}
_TRANSCRIPT = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
_IMAGE = {"additional_special_tokens": ["<image>"], "pad_token": "<pad>"}

CASES = [
    Case("clip", "CLIPProcessor", "CLIPTokenizerFast", _CLIP, {"image_processor_type": "CLIPImageProcessor", **_EDGE}),
    Case(
        "blip", "BlipProcessor", "BertTokenizerFast", _BERT, {"image_processor_type": "BlipImageProcessor", **_PIXELS}
    ),
    Case(
        "vilt",
        "ViltProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "ViltImageProcessor", "size": {"shortest_edge": 32}, "size_divisor": 8},
    ),
    Case(
        "trocr", "TrOCRProcessor", "BertTokenizerFast", _BERT, {"image_processor_type": "ViTImageProcessor", **_PIXELS}
    ),
    Case(
        "llava",
        "LlavaProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "CLIPImageProcessor", **_EDGE},
        {"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
        _IMAGE,
    ),
    Case(
        "llava-full",
        "LlavaProcessor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "CLIPImageProcessor", **_EDGE},
        {"patch_size": 6, "vision_feature_select_strategy": "full"},
        _IMAGE,
    ),
    Case(
        "whisper",
        "WhisperProcessor",
        "WhisperTokenizerFast",
        _GPT2,
        {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1},
        tokens={"additional_special_tokens": _TRANSCRIPT},
        sound=True,
    ),
    Case(
        "wav2vec2",
        "Wav2Vec2Processor",
        "Wav2Vec2CTCTokenizer",
        {"vocab.json": "ctc.json"},
        {"feature_extractor_type": "Wav2Vec2FeatureExtractor"},
        sound=True,
    ),
    Case(
        "owlvit",
        "OwlViTProcessor",
        "CLIPTokenizerFast",
        _CLIP,
        {"image_processor_type": "OwlViTImageProcessor", **_PIXELS},
        tokens={"model_max_length": 64},
    ),
    Case(
        "donut",
        "DonutProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "DonutImageProcessor", **_PIXELS},
    ),
    Case(
        "align",
        "AlignProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "EfficientNetImageProcessor", **_PIXELS},
    ),
    Case(
        "clipseg",
        "CLIPSegProcessor",
        "CLIPTokenizerFast",
        _CLIP,
        {"image_processor_type": "ViTImageProcessor", **_PIXELS},
    ),
    Case(
        "sam",
        "SamProcessor",
        "",
        {},
        {
            "image_processor_type": "SamImageProcessor",
            "size": {"longest_edge": 32},
            "mask_size": {"longest_edge": 8},
            "pad_size": {"height": 32, "width": 32},
            "mask_pad_size": {"height": 8, "width": 8},
        },
    ),
    Case(
        "flava",
        "FlavaProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "FlavaImageProcessor", **_PIXELS, "crop_size": {"height": 24, "width": 24}},
    ),
    Case(
        "bridgetower",
        "BridgeTowerProcessor",
        "RobertaTokenizerFast",
        {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"},
        {
            "image_processor_type": "BridgeTowerImageProcessor",
            "size": {"shortest_edge": 24},
            "size_divisor": 8,
            "crop_size": {"shortest_edge": 24},
        },
    ),
    Case(
        "blip-2",
        "Blip2Processor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "BlipImageProcessor", **_PIXELS},
        {"num_query_tokens": 3},
        {"pad_token": "<pad>"},
    ),
    Case(
        "blip-2-old",
        "Blip2Processor",
        "GPT2TokenizerFast",
        _GPT2,
        {"image_processor_type": "BlipImageProcessor", **_PIXELS},
        tokens={"pad_token": "<pad>"},
    ),
    Case(
        "clap",
        "ClapProcessor",
        "RobertaTokenizerFast",
        {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"},
        {"feature_extractor_type": "ClapFeatureExtractor", "max_length_s": 1},
        rate=48000,
    ),
    Case(
        "speecht5",
        "SpeechT5Processor",
        "SpeechT5Tokenizer",
        {"spm_char.model": "char.model"},
        {"feature_extractor_type": "SpeechT5FeatureExtractor"},
    ),
    Case(
        "owlv2",
        "Owlv2Processor",
        "CLIPTokenizerFast",
        _CLIP,
        {"image_processor_type": "Owlv2ImageProcessor", **_PIXELS},
        tokens={"model_max_length": 64},
    ),
    Case("git", "GitProcessor", "BertTokenizerFast", _BERT, {"image_processor_type": "CLIPImageProcessor", **_EDGE}),
    Case(
        "chinese-clip",
        "ChineseCLIPProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "ChineseCLIPImageProcessor", **_PIXELS, "crop_size": {"height": 24, "width": 24}},
    ),
    Case(
        "altclip",
        "AltCLIPProcessor",
        "XLMRobertaTokenizerFast",
        {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"},
        {"image_processor_type": "CLIPImageProcessor", **_EDGE},
    ),
    Case(
        "dual",
        "VisionTextDualEncoderProcessor",
        "BertTokenizerFast",
        _BERT,
        {"image_processor_type": "ViTImageProcessor", **_PIXELS},
    ),
    Case(
        "siglip",
        "SiglipProcessor",
        "T5TokenizerFast",
        {"spiece.model": "t5.model"},
        {"image_processor_type": "SiglipImageProcessor", **_PIXELS},
    ),
    Case(
        "speech2text",
        "Speech2TextProcessor",
        "Speech2TextTokenizer",
        {"vocab.json": "spoken.json", "sentencepiece.bpe.model": "identity.model"},
        {"feature_extractor_type": "Speech2TextFeatureExtractor"},
        sound=True,
    ),
]
