# ruff: noqa: F401
"""Pure building blocks. A capitalised name declares parameters; the lower-case name computes with them."""

from jaxformers.nn import cache, heads, losses, mask, moe, resize, rope, scaling, sparse, ssm, windows
from jaxformers.nn.activation import ACTIVATIONS, activation, gelu
from jaxformers.nn.activation import NAMES as ACTIVATION_NAMES
from jaxformers.nn.alibi import alibi, key_positions
from jaxformers.nn.attention import attend, merge_heads, split_heads
from jaxformers.nn.cache import KVCache
from jaxformers.nn.conv import (
    Conv2d,
    channels_first,
    channels_last,
    conv2d,
    images,
    max_pool,
    pair,
    patchify,
    pixel_shuffle,
)
from jaxformers.nn.dropout import dropout, split, split_layers
from jaxformers.nn.fold import collect, fold, hidden_states, num_layers, pick
from jaxformers.nn.linear import Conv1D, Embedding, Linear, conv1d, embed, linear, unembed
from jaxformers.nn.mlp import GatedMLP, gated_mlp
from jaxformers.nn.norm import BatchNorm, LayerNorm, RMSNorm, batch_norm, layer_norm, rms_norm
from jaxformers.nn.position_bias import RelativeBias, relative_bias
from jaxformers.nn.positions import padded_positions
from jaxformers.nn.sinusoid import SinusoidTable, sinusoid_table, sinusoids
from jaxformers.nn.summary import SUMMARIES, Summary, summary
