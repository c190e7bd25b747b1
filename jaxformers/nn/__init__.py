# ruff: noqa: F401
"""Pure building blocks. A capitalised name declares parameters; the lower-case name computes with them."""

from jaxformers.nn import heads, losses, mask
from jaxformers.nn.activation import ACTIVATIONS, activation, gelu
from jaxformers.nn.activation import NAMES as ACTIVATION_NAMES
from jaxformers.nn.attention import attend, merge_heads, split_heads
from jaxformers.nn.cache import KVCache, advance, write
from jaxformers.nn.dropout import dropout, split, split_layers
from jaxformers.nn.fold import collect, fold, hidden_states, num_layers, pick
from jaxformers.nn.linear import Conv1D, Embedding, Linear, conv1d, embed, linear, unembed
from jaxformers.nn.norm import BatchNorm, LayerNorm, RMSNorm, batch_norm, layer_norm, rms_norm
