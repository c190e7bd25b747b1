"""HuBERT."""

from support.case import Case

from cases.wav2vec2 import LARGE, STABLE, inputs
from cases.wav2vec2 import TINY as SPEECH

HEADS = ("HubertModel", "HubertForCTC", "HubertForSequenceClassification")
NOT_HERE = (
    "num_codevectors_per_group",
    "codevector_dim",
    "proj_codevector_dim",
    "num_negatives",
    "xvector_output_dim",
)
TINY = {n: v for n, v in SPEECH.items() if n not in NOT_HERE and not n.startswith("tdnn")}
CASES = [
    Case("layer", {**TINY, "feat_extract_norm": "layer"}, inputs=inputs),
    Case("group", {**TINY, "feat_proj_layer_norm": False}, inputs=inputs),
    Case("batch_norm", {**TINY, "conv_pos_batch_norm": True}, HEADS[:1], inputs=inputs),
    Case(
        "stable",
        {**{n: v for n, v in STABLE.items() if n in TINY or n not in SPEECH}, "use_weighted_layer_sum": True},
        inputs=inputs,
    ),
]
PUBLISHED = {
    "facebook/hubert-base-ls960": ({}, ("HubertModel",)),
    "facebook/hubert-large-ls960-ft": (LARGE, ("HubertForCTC",)),
}
REFUSED = [
    ({"hidden_act": "gelu_wide"}, "hidden_act"),
    ({"hidden_size": 30}, "num_attention_heads"),
    ({"ctc_loss_reduction": "most"}, "ctc_loss_reduction"),
]
