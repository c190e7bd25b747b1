"""Checkpoint families that are another architecture under a new name: what their published config.json says.

Keys that neither side computes with are kept where real files have them: they must not be in the way.
"""

T5 = {
    "model_type": "t5",
    "is_encoder_decoder": True,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
T5_V1_1 = {
    **T5,
    "architectures": ["T5ForConditionalGeneration"],
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
    "relative_attention_num_buckets": 32,
    "layer_norm_epsilon": 1e-06,
    "output_past": True,
    "vocab_size": 32128,
}
MBART = {
    "model_type": "mbart",
    "architectures": ["MBartForConditionalGeneration"],
    "_num_labels": 3,
    "add_bias_logits": False,
    "add_final_layer_norm": True,
    "normalize_before": True,
    "normalize_embedding": True,
    "static_position_embeddings": False,
    "extra_pos_embeddings": 2,
    "gradient_checkpointing": False,
    "is_encoder_decoder": True,
    "max_position_embeddings": 1024,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": 2,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
    "label2id": {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2},
    "task_specific_params": {"translation_en_to_ro": {"decoder_start_token_id": 250020}},
}
ROBERTA = {
    "model_type": "roberta",
    "architectures": ["RobertaForMaskedLM"],
    "gradient_checkpointing": False,
    "layer_norm_eps": 1e-05,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
GPT2 = {
    "model_type": "gpt2",
    "architectures": ["GPT2LMHeadModel"],
    "bos_token_id": 50256,
    "eos_token_id": 50256,
    "n_ctx": 1024,
    "n_positions": 1024,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
}
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "_name_or_path": "meta-llama/Llama-2-7b-hf",
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "max_position_embeddings": 4096,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "transformers_version": "4.31.0.dev0",
    "use_cache": True,
}


def _t5(d: int, kv: int, ff: int, layers: int, heads: int, **more):
    sizes = {
        "d_model": d,
        "d_kv": kv,
        "d_ff": ff,
        "num_layers": layers,
        "num_decoder_layers": layers,
        "num_heads": heads,
    }
    return {**T5_V1_1, **sizes, **more}


def _bart(d: int, layers: int, heads: int, ff: int, **more):
    sides = {
        f"{s}_{n}": v for s in ("encoder", "decoder") for n, v in (("layers", layers), ("attention_heads", heads))
    }
    return {"d_model": d, "num_hidden_layers": layers, "encoder_ffn_dim": ff, "decoder_ffn_dim": ff, **sides, **more}


FAMILIES = {
    "BARThez": {**MBART, **_bart(768, 6, 12, 3072, vocab_size=50002, scale_embedding=False)},
    "BARTpho": {**MBART, **_bart(1024, 12, 16, 4096, vocab_size=40030, scale_embedding=True)},
    "mBART-50": {**MBART, **_bart(1024, 12, 16, 4096, vocab_size=250054, scale_embedding=True)},
    "BERTweet": {
        **ROBERTA,
        "vocab_size": 64001,
        "max_position_embeddings": 130,
        "tokenizer_class": "BertweetTokenizer",
    },
    "PhoBERT": {**ROBERTA, "vocab_size": 64001, "max_position_embeddings": 258, "tokenizer_class": "PhobertTokenizer"},
    "BORT": {
        "model_type": "bert",
        "architectures": ["BertForMaskedLM"],
        "hidden_size": 1024,
        "intermediate_size": 768,
        "num_attention_heads": 16,
        "num_hidden_layers": 4,
        "type_vocab_size": 1,
        "vocab_size": 28996,
        "tokenizer_class": "RobertaTokenizer",
    },
    "HerBERT": {
        "model_type": "bert",
        "architectures": ["BertForPreTraining"],
        "tokenizer_class": "HerbertTokenizerFast",
        "vocab_size": 50000,
        "max_position_embeddings": 514,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "sep_token_id": 2,
        "classifier_dropout": None,
    },
    "ByT5": _t5(1472, 64, 3584, 12, 6, num_decoder_layers=4, vocab_size=384, tokenizer_class="ByT5Tokenizer"),
    "T5v1.1": _t5(512, 64, 1024, 8, 6),
    "FLAN-T5": _t5(768, 64, 2048, 12, 12, n_positions=512, task_specific_params={"summarization": {"num_beams": 4}}),
    "FLAN-UL2": _t5(4096, 256, 16384, 32, 16, feed_forward_proj="gated-gelu", torch_dtype="bfloat16"),
    "UL2": _t5(4096, 256, 16384, 32, 16, feed_forward_proj="gated-silu", dense_act_fn="silu", is_gated_act=True),
    "MADLAD-400": _t5(1024, 128, 8192, 32, 16, vocab_size=256000, n_positions=512, use_cache=True),
    "CPM": {
        **GPT2,
        "n_embd": 2560,
        "n_layer": 32,
        "n_head": 32,
        "vocab_size": 30000,
        "tokenizer_class": "CpmTokenizer",
    },
    "DialoGPT": {
        **GPT2,
        "n_embd": 1024,
        "n_layer": 24,
        "n_head": 16,
        "vocab_size": 50257,
        "task_specific_params": {"conversational": {"max_length": 1000}},
    },
    "GPT-Sw3": {
        **GPT2,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": 3072,
        "n_positions": 2048,
        "vocab_size": 64000,
        "activation_function": "gelu",
        "scale_attn_weights": True,
        "reorder_and_upcast_attn": False,
        "tokenizer_class": "GPTSw3Tokenizer",
        "bos_token_id": 2,
        "eos_token_id": 3,
        "pad_token_id": 0,
    },
    "Megatron-GPT2": {
        **GPT2,
        "n_embd": 1024,
        "n_layer": 24,
        "n_head": 16,
        "n_inner": 4096,
        "vocab_size": 50257,
        "activation_function": "gelu_fast",
        "tokenizer_class": "GPT2TokenizerFast",
    },
    "Llama2": {
        **LLAMA,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "num_hidden_layers": 32,
        "vocab_size": 32000,
    },
    "CodeLlama": {
        **LLAMA,
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_attention_heads": 40,
        "num_key_value_heads": 40,
        "num_hidden_layers": 40,
        "vocab_size": 32016,
        "max_position_embeddings": 16384,
        "rope_theta": 1000000,
    },
    "NLLB": {
        "model_type": "m2m_100",
        "architectures": ["M2M100ForConditionalGeneration"],
        **_bart(1024, 12, 16, 4096, vocab_size=256206, scale_embedding=True),
        "decoder_layerdrop": 0,
        "encoder_layerdrop": 0,
        "is_encoder_decoder": True,
        "max_length": 200,
        "max_position_embeddings": 1024,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "decoder_start_token_id": 2,
        "tokenizer_class": "NllbTokenizer",
    },
    "TAPEX": {
        "model_type": "bart",
        "architectures": ["BartForConditionalGeneration"],
        **_bart(768, 6, 12, 3072, vocab_size=50265, scale_embedding=False),
        "add_bias_logits": False,
        "add_final_layer_norm": False,
        "classif_dropout": 0.1,
        "normalize_before": False,
        "normalize_embedding": True,
        "is_encoder_decoder": True,
        "no_repeat_ngram_size": 3,
        "max_length": 1024,
        "tokenizer_class": "TapexTokenizer",
    },
    "XLM-V": {
        **ROBERTA,
        "model_type": "xlm-roberta",
        "architectures": ["XLMRobertaForMaskedLM"],
        "vocab_size": 901629,
        "max_position_embeddings": 514,
        "output_past": True,
    },
}

# Sizes to shrink a family to; a config takes those that it knows.
TINY = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd"), 32),
    **dict.fromkeys(("intermediate_size", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "n_inner"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(
        ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads", "decoder_attention_heads"), 4
    ),
    **dict.fromkeys(("num_key_value_heads",), 4),
    **dict.fromkeys(("d_kv", "head_dim"), 8),
    "vocab_size": 70,
}


def shrunk(values: dict) -> dict:
    """The family's config at sizes that run in a moment; everything else stays."""
    return {**values, **{n: v for n, v in TINY.items() if n in values and values[n] is not None}}
