"""The static table of architectures. A module is imported when its model type is first asked for.

Each row maps the `model_type` of a `config.json` to its module in this package, which holds `Config`, `PREFIX` (the
name under which heads keep the base model) and `HEADS`.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from jaxformers.config import ModelConfig, unknown_model_type
from jaxformers.errors import ConfigError, nearest
from jaxformers.model import Head

TABLE = {
    "albert": "text.albert",
    "audio-spectrogram-transformer": "audio.audio_spectrogram_transformer",
    "bart": "text.bart",
    "beit": "vision.beit",
    "bert": "text.bert",
    "blip": "multimodal.blip",
    "blip_text_model": "multimodal.blip_text_model",
    "blip_vision_model": "multimodal.blip_vision_model",
    "bloom": "text.bloom",
    "clip": "multimodal.clip",
    "clip_text_model": "multimodal.clip_text_model",
    "clip_vision_model": "multimodal.clip_vision_model",
    "convnext": "vision.convnext",
    "deberta-v2": "text.deberta_v2",
    "decision_transformer": "rl.decision_transformer",
    "deit": "vision.deit",
    "detr": "vision.detr",
    "dinov2": "vision.dinov2",
    "distilbert": "text.distilbert",
    "dpt": "vision.dpt",
    "electra": "text.electra",
    "encodec": "audio.encodec",
    "encoder-decoder": "text.encoder_decoder",
    "esm": "text.esm",
    "falcon": "text.falcon",
    "gemma2": "text.gemma2",
    "gpt2": "text.gpt2",
    "gpt_bigcode": "text.gpt_bigcode",
    "gpt_neo": "text.gpt_neo",
    "gpt_neox": "text.gpt_neox",
    "gpt_oss": "text.gpt_oss",
    "gptj": "text.gptj",
    "hubert": "audio.hubert",
    "layoutlm": "multimodal.layoutlm",
    "layoutlmv3": "multimodal.layoutlmv3",
    "llama": "text.llama",
    "llava": "multimodal.llava",
    "longformer": "text.longformer",
    "m2m_100": "text.m2m_100",
    "mamba": "text.mamba",
    "marian": "text.marian",
    "mbart": "text.mbart",
    "mistral": "text.mistral",
    "mobilenet_v2": "vision.mobilenet_v2",
    "modernbert": "text.modernbert",
    "mpnet": "text.mpnet",
    "mixtral": "text.mixtral",
    "mt5": "text.mt5",
    "opt": "text.opt",
    "pegasus": "text.pegasus",
    "perceiver": "multimodal.perceiver",
    "phi": "text.phi",
    "qwen2": "text.qwen2",
    "qwen3": "text.qwen3",
    "resnet": "vision.resnet",
    "roberta": "text.roberta",
    "rwkv": "text.rwkv",
    "sam": "vision.sam",
    "sam_vision_model": "vision.sam_vision_model",
    "segformer": "vision.segformer",
    "speech-encoder-decoder": "audio.speech_encoder_decoder",
    "swin": "vision.swin",
    "switch_transformers": "text.switch_transformers",
    "t5": "text.t5",
    "time_series_transformer": "time_series.time_series_transformer",
    "vilt": "multimodal.vilt",
    "vision-encoder-decoder": "multimodal.vision_encoder_decoder",
    "vision-text-dual-encoder": "multimodal.vision_text_dual_encoder",
    "videomae": "video.videomae",
    "vit": "vision.vit",
    "vit_mae": "vision.vit_mae",
    "wav2vec2": "audio.wav2vec2",
    "whisper": "audio.whisper",
    "xlm-roberta": "text.xlm_roberta",
}


def module(model_type: str, where: str = "config") -> ModuleType:
    """The module that computes a model type.

    Raises:
      ConfigError: the table does not hold it; the error names the nearest ones.
    """
    if model_type not in TABLE:
        raise unknown_model_type(where, model_type, TABLE)
    return importlib.import_module(f"jaxformers.models.{TABLE[model_type]}")


def find_head(config: ModelConfig, name: str | None = None) -> tuple[str, Head]:
    """A head by full name ("BertForMaskedLM"), by suffix ("ForMaskedLM", "Model") or, for None, the config's own.

    Raises:
      ConfigError: the model type has no such head; the error lists those it has.
    """
    heads: dict[str, Head] = module(config.model_type).HEADS
    if name is None:
        named = [a for a in config.architectures or () if a in heads]
        name = named[0] if named else base_head(config)
    if name in heads:
        return name, heads[name]
    stem = base_head(config).removesuffix("Model")
    if stem + name in heads:
        return stem + name, heads[stem + name]
    hint = ", ".join(nearest(stem + name, heads, 3))
    problem = f"head must be one of {', '.join(heads)}, got {name!r}; nearest: {hint}"
    raise ConfigError(config.model_type, [problem])


def is_bare(model_type: str, name: str) -> bool:
    """Is it the bare model, with other heads made of it? An architecture's only head does what there is to do."""
    heads = module(model_type).HEADS
    return name == next(iter(heads)) and len(heads) > 1


def base_head(config: ModelConfig) -> str:
    """The name of the head that is the bare model: the first in its module's table."""
    return next(iter(module(config.model_type).HEADS))
