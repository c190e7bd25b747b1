"""Which class joins a tokenizer with what prepares images or sound, for which checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """Processors that are alike.

    Args:
      models: the model types whose checkpoints they belong to.
      writes: is text what the model is to write about images or sound, and its ids `labels`?
      types: are token types returned, if the tokenizer has them?
      usual: options of the tokenizer's call that are not the tokenizer's own.
      reads: is there a tokenizer?
      prepares: is there an image processor or a feature extractor?
      made_by: "module.Class" in `jaxformers.processing.joint`, of those that do more than call both parts.
    """

    models: str
    writes: bool = False
    types: bool = True
    usual: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reads: bool = True
    prepares: bool = True
    made_by: str = ""


_WHOLE = {"padding": "max_length"}
_LEFT = {"padding_side": "left"}
KINDS = {
    "CLIPProcessor": Kind("aimv2 clip groupvit metaclip_2"),
    "CLIPSegProcessor": Kind("clipseg", made_by="queries.CLIPSeg"),
    "ChineseCLIPProcessor": Kind("chinese_clip"),
    "AltCLIPProcessor": Kind("altclip"),
    "AlignProcessor": Kind("align", usual={**_WHOLE, "max_length": 64}),
    "SiglipProcessor": Kind("siglip"),
    "Siglip2Processor": Kind(
        "siglip2", usual={**_WHOLE, "truncation": True, "max_length": 64}, made_by="patches.Siglip2"
    ),
    "VisionTextDualEncoderProcessor": Kind("vision-text-dual-encoder"),
    "BlipProcessor": Kind("blip", types=False),
    "GitProcessor": Kind("git"),
    "ViltProcessor": Kind("vilt"),
    "OwlViTProcessor": Kind("owlvit", usual=_WHOLE, made_by="queries.Owl"),
    "Owlv2Processor": Kind("owlv2", usual=_WHOLE, made_by="queries.Owl"),
    "GroundingDinoProcessor": Kind("grounding-dino", made_by="grounding.GroundingDino"),
    "XCLIPProcessor": Kind("xclip", made_by="videos.Videos"),
    "TvpProcessor": Kind("tvp", made_by="videos.Tvp"),
    "FlavaProcessor": Kind("flava"),
    "BridgeTowerProcessor": Kind("bridgetower"),
    "Blip2Processor": Kind("blip-2", types=False, made_by="prefixes.Blip2"),
    "InstructBlipProcessor": Kind("instructblip", types=False, made_by="prefixes.InstructBlip"),
    "InstructBlipVideoProcessor": Kind("instructblipvideo", types=False, made_by="prefixes.InstructBlipVideo"),
    "Pix2StructProcessor": Kind("pix2struct", types=False, made_by="patches.Pix2Struct"),
    "OneFormerProcessor": Kind("oneformer", made_by="tasks.OneFormer"),
    "Kosmos2Processor": Kind("kosmos-2", types=False, made_by="boxes.Kosmos2"),
    "SamProcessor": Kind("sam", reads=False, made_by="prompts.Sam"),
    "SamHQProcessor": Kind("sam_hq", reads=False, made_by="prompts.Sam"),
    "DonutProcessor": Kind("donut-swin", made_by="pages.Donut"),
    "NougatProcessor": Kind("nougat", writes=True, made_by="pages.Nougat"),
    "MarkupLMProcessor": Kind("markuplm", made_by="markup.MarkupLM"),
    "LayoutLMv2Processor": Kind("layoutlmv2", made_by="layouts.LayoutOfBytes"),
    "LayoutXLMProcessor": Kind("layoutxlm", made_by="layouts.LayoutOfBytes"),
    "LayoutLMv3Processor": Kind("layoutlmv3", made_by="layouts.Layout"),
    "UdopProcessor": Kind("udop", made_by="layouts.Udop"),
    "BrosProcessor": Kind("bros", prepares=False, made_by="layouts.Bros"),
    "TrOCRProcessor": Kind("vision-encoder-decoder trocr", writes=True),
    "MgpstrProcessor": Kind("mgp-str", writes=True, made_by="readings.MgpStr"),
    "LlavaProcessor": Kind("llava vipllava", made_by="placeholders.Llava"),
    "LlavaNextProcessor": Kind("granitevision llava_next", made_by="placeholders.LlavaNext"),
    "LlavaOnevisionProcessor": Kind("llava_onevision", made_by="onevision.LlavaOnevision"),
    "InternVLProcessor": Kind("internvl", usual=_LEFT, made_by="squares.InternVL"),
    "AyaVisionProcessor": Kind("aya_vision", usual={"padding": True, **_LEFT}, made_by="squares.AyaVision"),
    "PixtralProcessor": Kind("pixtral mistral3", made_by="placeholders.Pixtral"),
    "Qwen2VLProcessor": Kind("qwen2_vl", made_by="qwen.Qwen2VL"),
    "Qwen2_5_VLProcessor": Kind("qwen2_5_vl", made_by="qwen.Qwen25VL"),
    "PaliGemmaProcessor": Kind("paligemma", made_by="suffixes.PaliGemma"),
    "ColPaliProcessor": Kind("colpali", made_by="retrieval.ColPali"),
    "IdeficsProcessor": Kind("idefics", made_by="interleaved.Idefics"),
    "Idefics2Processor": Kind("idefics2", made_by="groups.Idefics2"),
    "Idefics3Processor": Kind("idefics3", made_by="groups.Idefics3"),
    "SmolVLMProcessor": Kind("smolvlm", made_by="groups.Idefics3"),
    "Gemma3Processor": Kind("gemma3", made_by="soft_tokens.Gemma3"),
    "ChameleonProcessor": Kind("chameleon", made_by="soft_tokens.Chameleon"),
    "MllamaProcessor": Kind("mllama", made_by="crossed.Mllama"),
    "TvltProcessor": Kind("tvlt", reads=False, prepares=False, made_by="tvlt.Tvlt"),
    "FuyuProcessor": Kind("fuyu", made_by="fuyu.Fuyu"),
    "WhisperProcessor": Kind("whisper", writes=True, made_by="transcripts.Whisper"),
    "Wav2Vec2Processor": Kind(
        "wav2vec2 hubert wavlm sew sew-d unispeech unispeech-sat wav2vec2-conformer",
        writes=True,
        made_by="speech.Transcribed",
    ),
    "MCTCTProcessor": Kind("mctct", writes=True, made_by="speech.Transcribed"),
    "Wav2Vec2ProcessorWithLM": Kind("", writes=True, made_by="beams.WithLanguageModel"),
    "ClvpProcessor": Kind("clvp"),
    "Speech2Text2Processor": Kind("speech_to_text_2", writes=True),
    "Speech2TextProcessor": Kind("speech_to_text", writes=True),
    "Wav2Vec2BertProcessor": Kind("wav2vec2-bert", writes=True, made_by="speech.Transcribed"),
    "Qwen2AudioProcessor": Kind("qwen2_audio", made_by="heard.Qwen2Audio"),
    "ClapProcessor": Kind("clap"),
    "SeamlessM4TProcessor": Kind("seamless_m4t seamless_m4t_v2", made_by="speech.SeamlessM4T"),
    "MusicgenProcessor": Kind("musicgen", made_by="music.Musicgen"),
    "BarkProcessor": Kind("bark", types=False, usual=_WHOLE, prepares=False, made_by="voices.Bark"),
    "MusicgenMelodyProcessor": Kind("musicgen_melody", made_by="music.MusicgenMelody"),
    "SpeechT5Processor": Kind("speecht5", made_by="speech.SpeechT5"),
}
