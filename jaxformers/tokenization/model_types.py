"""Model types whose checkpoints have another model's tokenizer, where their files name no class."""

from __future__ import annotations

from jaxformers.tokenization.kinds import stem

# The class, as `kinds.stem` shortens it: the model types.
_MODELS = {
    "bert": "flava",
    "cohere": "aya_vision cohere2",
    "gemma": "gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma",
    "gpt2": """
        blip-2 dbrx emu3 exaone4 flex_olmo granite granitemoe granitemoehybrid granitemoeshared instructblip
        instructblipvideo minimax olmo3
    """,
    "gptneox": "falcon_mamba mamba mamba2 mpt olmo olmo2 olmoe rwkv stablelm xlstm",
    "layoutlmv3": "lilt",
    "llama": """
        arcee aria chameleon colpali deepseek_v2 deepseek_v3 deepseek_vl deepseek_vl_hybrid diffllama ernie4_5
        ernie4_5_moe fuyu idefics idefics2 idefics3 jamba janus jetmoe llama4 llama4_text llava llava_next
        llava_next_video llava_onevision ministral mistral3 mllama open-llama paligemma persimmon phi3 phimoe
        video_llava vipllava zamba zamba2
    """,
    "parakeet": "parakeet_ctc parakeet_encoder",
    "pretrained": """
        bitnet blt csm falcon glm glm4 glm4_moe glm4v glm4v_moe gpt_oss helium kosmos-2.5 modernbert moonshine moshi
        nemotron pixtral smollm3 voxtral
    """,
    "qwen2": "colqwen2 internvl qwen2_5_omni qwen3_omni_moe",
    "t5": "musicgen musicgen_melody pix2struct",
    "xlmroberta": "altclip kosmos-2 metaclip_2",
}
_CLASS_OF = {model: name for name, models in _MODELS.items() for model in models.split()}


def class_of(model_type: str) -> str:
    """The class of a model type's tokenizer; of those that share its name, and of unknown ones, the type itself."""
    return _CLASS_OF.get(model_type, stem(model_type))
