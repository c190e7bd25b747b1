"""Switch Transformers."""

from support.case import Case

HEADS = (
    "SwitchTransformersModel",
    "SwitchTransformersForConditionalGeneration",
    "SwitchTransformersEncoderModel",
)
WRITER = HEADS[1:2]
TINY = dict(
    vocab_size=67,
    d_model=32,
    d_kv=12,
    d_ff=24,
    num_layers=4,
    num_sparse_encoder_layers=2,
    num_decoder_layers=4,
    num_sparse_decoder_layers=1,
    num_heads=4,
    num_experts=5,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=12,
    is_encoder_decoder=True,
    decoder_start_token_id=0,
)
LABELS = {"decoder_input_ids": None, "decoder_attention_mask": None}
LOSSES = {"router_z_loss_coef": 0.3, "router_aux_loss_coef": 0.5}

CASES = [
    Case("some", TINY, HEADS),
    Case("losses", {**TINY, **LOSSES, "router_bias": True}, WRITER, extra=LABELS),
    Case("left_out", {**TINY, **LOSSES, "expert_capacity": 2, "num_experts": 3}, HEADS),
    Case(
        "all",
        {**TINY, "num_sparse_encoder_layers": 4, "num_sparse_decoder_layers": 4, "tie_word_embeddings": False},
        WRITER,
    ),
    Case("none_asked", {**TINY, "num_sparse_encoder_layers": 0, "dense_act_fn": "gelu_new"}, HEADS[2:]),
    Case("uneven", {**TINY, "num_layers": 2, "num_sparse_encoder_layers": 1, "layer_norm_epsilon": 0.1}, HEADS[:2]),
]
BASE = dict(
    d_ff=3072,
    num_sparse_encoder_layers=6,
    num_sparse_decoder_layers=6,
)
PUBLISHED = {
    "switch-base-8": (BASE, WRITER),
    "switch-base-256": ({**BASE, "num_experts": 256}, WRITER),
}
REFUSED = [
    ({"router_dtype": "float64"}, "router_dtype"),
    ({"num_experts": 1}, "num_experts and expert_capacity"),
    ({"dense_act_fn": "what"}, "dense_act_fn"),
    ({"is_decoder": True}, "is_decoder"),
]
