"""The encoder of Wav2Vec2 and HuBERT: convolutions over a waveform, then a transformer over what they make of it.

Papers: https://arxiv.org/abs/2006.11477, https://arxiv.org/abs/2106.07447. Heads are in `models.speech_heads`.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.nn import BatchNorm, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.group_norm import GroupNorm, group_norm
from jaxformers.nn.spec_augment import spans
from jaxformers.nn.temporal import TimeConv, time_conv
from jaxformers.nn.weight_norm import WeightNorm, older_names, weight_norm
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, normal, ones, uniform

EPS = 1e-5  # of the convolutions' norms


@dataclasses.dataclass(frozen=True)
class Speech(ModelConfig):
    """The fields that these architectures share, and what tells them apart."""

    vocab_size: int = 32
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout: float = 0.1
    activation_dropout: float = 0.1
    attention_dropout: float = 0.1
    feat_proj_dropout: float = 0.0
    final_dropout: float = 0.1
    layerdrop: float = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    feat_extract_norm: str = "group"
    feat_extract_activation: str = "gelu"
    conv_dim: tuple[int, ...] = (512, 512, 512, 512, 512, 512, 512)
    conv_stride: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_kernel: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_bias: bool = False
    num_conv_pos_embeddings: int = 128
    num_conv_pos_embedding_groups: int = 16
    do_stable_layer_norm: bool = False
    apply_spec_augment: bool = True
    mask_time_prob: float = 0.05
    mask_time_length: int = 10
    mask_time_min_masks: int = 2
    mask_feature_prob: float = 0.0
    mask_feature_length: int = 10
    mask_feature_min_masks: int = 0
    ctc_loss_reduction: str = "sum"
    ctc_zero_infinity: bool = False
    use_weighted_layer_sum: bool = False
    classifier_proj_size: int = 256
    pad_token_id: int | None = 0
    bos_token_id: int | None = 1
    eos_token_id: int | None = 2
    adapter_attn_dim: int | None = None

    allowed = {
        "hidden_act": nn.ACTIVATION_NAMES,
        "feat_extract_activation": nn.ACTIVATION_NAMES,
        "feat_extract_norm": ("group", "layer"),
        "ctc_loss_reduction": ("sum", "mean", "none"),
    }
    feat_proj_layer_norm = True
    conv_pos_batch_norm = False
    add_adapter = False

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads", "num_conv_pos_embedding_groups")
        lengths = {len(self.conv_dim), len(self.conv_stride), len(self.conv_kernel)}
        if len(lengths) != 1:
            yield f"conv_dim, conv_stride and conv_kernel must be equally long, got {sorted(lengths)}"

    def frames(self, samples, adapted: bool | None = None):
        """How many frames the convolutions (and the adapter, if there is one) make of so many samples."""
        for kernel, stride in zip(self.conv_kernel, self.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        if self.add_adapter if adapted is None else adapted:
            for _ in range(self.num_adapter_layers):
                samples = (samples - 1) // self.adapter_stride + 1
        return samples

    @property
    def output_width(self) -> int:
        """Of the last hidden states."""
        return self.output_hidden_size if self.add_adapter else self.hidden_size


# ------------------------------------------------------------------------------------------------------ declarations


def Extractor(c):
    layers = []
    for i, (cout, kernel) in enumerate(zip(c.conv_dim, c.conv_kernel, strict=True)):
        cin = c.conv_dim[i - 1] if i else 1
        layer = {
            "conv": TimeConv(cin, cout, kernel, "- channels", c.conv_bias, init=normal((2 / (cin * kernel)) ** 0.5))
        }
        if c.feat_extract_norm == "layer" or i == 0:
            layer["layer_norm"] = GroupNorm(cout)
        layers.append(layer)
    return {"conv_layers": layers}


def Positions(c):
    """A wide convolution whose weight is kept as lengths [1, 1, width] and directions, or is batch-normalised."""
    d, width, groups = c.hidden_size, c.num_conv_pos_embeddings, c.num_conv_pos_embedding_groups
    conv = TimeConv(d, d, width, "- embed", groups=groups, init=normal(2 / (width * d) ** 0.5))
    if c.conv_pos_batch_norm:
        return {"conv": conv, "batch_norm": BatchNorm(d)}
    return {"conv": WeightNorm(conv, axis=2, init=ones)}


def Layer(c):
    d, f, a = c.hidden_size, c.intermediate_size, c.adapter_attn_dim
    adapter = {}
    if c.do_stable_layer_norm and a is not None:
        adapter = {"norm": LayerNorm(d), "linear_1": Linear(d, a, "embed -"), "linear_2": Linear(a, d, "- embed")}
    return {
        "attention": {
            **{n: Linear(d, d, "embed heads") for n in ("q_proj", "k_proj", "v_proj")},
            "out_proj": Linear(d, d, "heads embed"),
        },
        "layer_norm": LayerNorm(d),
        "feed_forward": {"intermediate_dense": Linear(d, f), "output_dense": Linear(f, d, "mlp embed")},
        "final_layer_norm": LayerNorm(d),
        **({"adapter_layer": adapter} if adapter else {}),
    }


def Adapter(c):
    d, out = c.hidden_size, c.output_hidden_size
    narrow = {"proj": Linear(d, out, "embed -"), "proj_layer_norm": LayerNorm(out)} if d != out else {}
    conv = TimeConv(out, 2 * out, c.adapter_kernel_size, "- embed")
    return {**narrow, "layers": [{"conv": conv} for _ in range(c.num_adapter_layers)]}


def Model(c):
    d, wide = c.hidden_size, c.conv_dim[-1]
    hidden = c.mask_time_prob > 0 or c.mask_feature_prob > 0
    return {
        **({"masked_spec_embed": Param((d,), "embed", uniform(1.0))} if hidden else {}),
        "feature_extractor": Extractor(c),
        "feature_projection": {
            **({"layer_norm": LayerNorm(wide, "channels")} if c.feat_proj_layer_norm else {}),
            "projection": Linear(wide, d, "channels embed", init=uniform(wide**-0.5)),
        },
        "encoder": {
            "pos_conv_embed": Positions(c),
            "layer_norm": LayerNorm(d),
            "layers": Layers(Layer(c) for _ in range(c.num_hidden_layers)),
        },
        **({"adapter": Adapter(c)} if c.add_adapter else {}),
    }


def ties(c, prefix: str):
    """Older files call the two parts of the positions' weight otherwise."""
    return older_names({"encoder": {"pos_conv_embed": Positions(c)}}, prefix)


# ------------------------------------------------------------------------------------------------------ functions


def extract(p, c, input_values):
    """Features [B, S, C] of waveforms [B, T]."""
    if input_values.ndim != 2 or c.frames(input_values.shape[1], False) < 1:
        problem = (
            f"input_values must be waveforms [batch, samples] of at least one frame, got {list(input_values.shape)}"
        )
        raise InputError(c.model_type, [problem])
    x = input_values[..., None].astype(p["conv_layers"][0]["conv"]["weight"].dtype)
    for layer, stride in zip(p["conv_layers"], c.conv_stride, strict=True):
        x = time_conv(layer["conv"], x, stride)
        if "layer_norm" in layer and c.feat_extract_norm == "group":
            x = group_norm(layer["layer_norm"], x, x.shape[-1], EPS)
        elif "layer_norm" in layer:
            x = layer_norm(layer["layer_norm"], x, EPS)
        x = nn.activation(c.feat_extract_activation, x)
    return x


def frame_mask(c, attention_mask, length: int, adapted: bool | None = None):
    """bool [B, length]: which frames are of sound, for a mask [B, T] of samples that is 1 at sound, on the left."""
    frames = c.frames(attention_mask.astype(jnp.int32).sum(-1), adapted)
    return jnp.arange(length) < jnp.where(frames < 1, length, frames)[:, None]


def hide(p, c, x, mask_time_indices, mask, key):
    """Frames x [B, S, D] with the given ones, or when training spans drawn at random, behind a learned vector."""
    if not c.apply_spec_augment:
        return x
    k_time, k_feature = nn.split(key, 2)
    if mask_time_indices is None and key is not None and c.mask_time_prob > 0:
        how = c.mask_time_prob, c.mask_time_length, c.mask_time_min_masks
        mask_time_indices = spans(k_time, *x.shape[:2], *how, None if mask is None else mask.sum(-1))
    if mask_time_indices is not None:
        x = jnp.where(mask_time_indices.astype(bool)[..., None], p["masked_spec_embed"], x)
    if key is not None and c.mask_feature_prob > 0:
        how = c.mask_feature_prob, c.mask_feature_length, c.mask_feature_min_masks
        x = jnp.where(spans(k_feature, x.shape[0], x.shape[2], *how)[:, None], 0, x)
    return x


def positions(p, c, x):
    """What the neighbourhood of each frame adds to x [B, S, D]."""
    width = c.num_conv_pos_embeddings
    if "batch_norm" in p:
        x, _ = nn.batch_norm(p["batch_norm"], x, False)
    pads = width // 2, width // 2 - (width % 2 == 0)
    y = time_conv(weight_norm(p["conv"]), x, padding=pads, groups=c.num_conv_pos_embedding_groups)
    return nn.activation(c.feat_extract_activation, y)


def attention(p, c, x, mask, key, weights):
    q, k, v = (nn.split_heads(linear(p[n], x), c.num_attention_heads) for n in ("q_proj", "k_proj", "v_proj"))
    h, probs = nn.attend(q, k, v, mask=mask, rate=c.attention_dropout, key=key, weights=weights)
    return linear(p["out_proj"], nn.merge_heads(h)), probs


def feed_forward(p, c, x, key):
    k_in, k_out = nn.split(key, 2)
    h = dropout(nn.activation(c.hidden_act, linear(p["intermediate_dense"], x)), c.activation_dropout, k_in)
    return dropout(linear(p["output_dense"], h), c.hidden_dropout, k_out)


def layer(p, c, x, mask, key, weights):
    k_probs, k_attention, k_ff, k_drop = nn.split(key, 4)
    stable, before = c.do_stable_layer_norm, x
    h = layer_norm(p["layer_norm"], x, c.layer_norm_eps) if stable else x
    h, probs = attention(p["attention"], c, h, mask, k_probs, weights)
    x = x + dropout(h, c.hidden_dropout, k_attention)
    if stable:
        x = x + feed_forward(p["feed_forward"], c, layer_norm(p["final_layer_norm"], x, c.layer_norm_eps), k_ff)
        if "adapter_layer" in p:
            a = p["adapter_layer"]
            x = x + linear(a["linear_2"], jax.nn.relu(linear(a["linear_1"], layer_norm(a["norm"], x, EPS))))
    else:
        x = layer_norm(p["layer_norm"], x, c.layer_norm_eps)
        x = layer_norm(p["final_layer_norm"], x + feed_forward(p["feed_forward"], c, x, k_ff), c.layer_norm_eps)
    if key is not None and c.layerdrop > 0:  # https://arxiv.org/abs/1909.11556
        x = jnp.where(jax.random.bernoulli(k_drop, c.layerdrop), before, x)
    return x, {"attention": probs}


def encode(p, c, x, mask, states, weights, key):
    """The transformer over frames x [B, S, D], of which those in mask bool [B, S] are of sound (all for None)."""
    k_in, k_layers = nn.split(key, 2)
    if mask is not None:
        x = jnp.where(mask[..., None], x, 0)
    x = x + positions(p["pos_conv_embed"], c, x)
    if not c.do_stable_layer_norm:
        x = layer_norm(p["layer_norm"], x, c.layer_norm_eps)
    first, seen = dropout(x, c.hidden_dropout, k_in), nn.mask.padding(mask)

    def step(p, x, key):
        return layer(p, c, x, seen, key, weights)

    x, ys = nn.fold(step, p["layers"], first, states=states, key=k_layers)
    hidden = nn.hidden_states(first, ys)
    if c.do_stable_layer_norm:
        x = layer_norm(p["layer_norm"], x, c.layer_norm_eps)
        hidden = hidden and (*hidden[:-1], x)
    return x, hidden, nn.collect(ys, "attention")


def adapt(p, c, x):
    """Frames x [B, S, D] made fewer by gated, strided convolutions."""
    if "proj" in p:
        x = layer_norm(p["proj_layer_norm"], linear(p["proj"], x), EPS)
    for layer in p["layers"]:
        value, gate = jnp.split(time_conv(layer["conv"], x, c.adapter_stride, 1), 2, -1)
        x = value * jax.nn.sigmoid(gate)
    return x


def model(
    p,
    c,
    input_values,
    attention_mask=None,
    mask_time_indices=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder over waveforms input_values [B, T]; attention_mask [B, T] is 1 at sound, 0 at padding on the right.

    Frames where `mask_time_indices` bool [B, S] is true are hidden behind a learned vector. `key` switches dropout on,
    and hides spans of frames and features at random. `extract_features` [B, S, C] are the normed convolutions' output.
    """
    k_project, k_hide, k_encode = nn.split(key, 3)
    features = extract(p["feature_extractor"], c, input_values)
    mask = None if attention_mask is None else frame_mask(c, attention_mask, features.shape[1], False)
    project = p["feature_projection"]
    if "layer_norm" in project:
        features = layer_norm(project["layer_norm"], features, c.layer_norm_eps)
    x = dropout(linear(project["projection"], features), c.feat_proj_dropout, k_project)
    x = hide(p, c, x, mask_time_indices, mask, k_hide)
    x, hidden, probs = encode(p["encoder"], c, x, mask, output_hidden_states, output_attentions, k_encode)
    if "adapter" in p:
        x = adapt(p["adapter"], c, x)
    return Output(last_hidden_state=x, extract_features=features, hidden_states=hidden, attentions=probs)
