"""SegFormer: stages of attention to shortened sequences, and feed-forward layers that mix neighbours.

Paper: https://arxiv.org/abs/2105.15203. Serves SegFormer and MiT B0 to B5 and every checkpoint of model type
"segformer". Positions are not embedded: overlapping patches and depthwise convolutions tell them.
"""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.nn import BatchNorm, Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.dense import bilinear, semantic_loss
from jaxformers.nn.drop_path import drop_path, drop_path_rates
from jaxformers.output import Output
from jaxformers.spec import Layers

PREFIX = "segformer"
EPS = 1e-5  # of every norm, whatever `layer_norm_eps` says

STAGES = ("depths", "sr_ratios", "hidden_sizes", "patch_sizes", "strides", "num_attention_heads", "mlp_ratios")


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="segformer"):
    num_channels: int = 3
    num_encoder_blocks: int = 4
    depths: tuple[int, ...] = (2, 2, 2, 2)
    sr_ratios: tuple[int, ...] = (8, 4, 2, 1)
    hidden_sizes: tuple[int, ...] = (32, 64, 160, 256)
    patch_sizes: tuple[int, ...] = (7, 3, 3, 3)
    strides: tuple[int, ...] = (4, 2, 2, 2)
    num_attention_heads: tuple[int, ...] = (1, 2, 5, 8)
    mlp_ratios: tuple[float, ...] = (4, 4, 4, 4)
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    classifier_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    drop_path_rate: float = 0.1
    layer_norm_eps: float = 1e-6
    decoder_hidden_size: int = 256
    semantic_loss_ignore_index: int = 255
    reshape_last_stage: bool = True

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        n = self.num_encoder_blocks
        short = [name for name in STAGES if len(getattr(self, name)) != n]
        for name in short:
            yield f"{name} must have num_encoder_blocks = {n} entries, got {getattr(self, name)}"
        if not short and any(d % h for d, h in zip(self.hidden_sizes, self.num_attention_heads, strict=True)):
            yield (
                f"hidden_sizes must be multiples of num_attention_heads, got {self.hidden_sizes} and "
                f"{self.num_attention_heads}"
            )
        if not self.depths or min(self.depths) < 1:
            yield f"depths must be at least 1 in every stage, got {self.depths}"
        if not 0 <= self.drop_path_rate < 1:
            yield f"drop_path_rate must be in [0, 1), got {self.drop_path_rate}"


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c, i: int):
    d, ratio = c.hidden_sizes[i], c.sr_ratios[i]
    f = int(d * c.mlp_ratios[i])
    own = {n: Linear(d, d, "embed heads") for n in ("query", "key", "value")}
    if ratio > 1:
        own |= {"sr": Conv2d(d, d, ratio, "- embed"), "layer_norm": LayerNorm(d)}
    return {
        "layer_norm_1": LayerNorm(d),
        "attention": {"self": own, "output": {"dense": Linear(d, d, "heads embed")}},
        "layer_norm_2": LayerNorm(d),
        "mlp": {
            "dense1": Linear(d, f),
            "dwconv": {"dwconv": Conv2d(f, f, 3, "- mlp", groups=f)},
            "dense2": Linear(f, d, "mlp embed"),
        },
    }


def Patches(c, i: int):
    cin, d = (c.num_channels, *c.hidden_sizes)[i : i + 2]
    return {"proj": Conv2d(cin, d, c.patch_sizes[i], "- embed"), "layer_norm": LayerNorm(d)}


def Model(c):
    every = range(c.num_encoder_blocks)
    return {
        "encoder": {
            "patch_embeddings": [Patches(c, i) for i in every],
            "block": {str(i): Layers(Layer(c, i) for _ in range(c.depths[i])) for i in every},
            "layer_norm": [LayerNorm(c.hidden_sizes[i]) for i in every],
        }
    }


def Classifier(c):
    return {"segformer": Model(c), "classifier": Linear(c.hidden_sizes[-1], c.num_labels, "embed -")}


def DecodeHead(c):
    d = c.decoder_hidden_size
    return {
        "linear_c": [{"proj": Linear(n, d, "embed channels")} for n in c.hidden_sizes],
        "linear_fuse": Conv2d(d * c.num_encoder_blocks, d, 1, bias=False),
        "batch_norm": BatchNorm(d),
        "classifier": Conv2d(d, c.num_labels, 1, "channels -"),
    }


def Segmenter(c):
    return {"segformer": Model(c), "decode_head": DecodeHead(c)}


# ------------------------------------------------------------------------------------------------------ functions


def flat(x):
    """[B, H, W, D] -> [B, H * W, D]."""
    return x.reshape(x.shape[0], -1, x.shape[-1])


def attention(p, c, x, heads: int, key, weights: bool):
    """Every position of x [B, H, W, D] attends to a map that is `sr_ratio` times smaller. Returns (y, weights)."""
    own, (k_probs, k_out) = p["self"], nn.split(key, 2)
    seen = x
    if "sr" in own:
        ratio = own["sr"]["weight"].shape[-1]
        seen = layer_norm(own["layer_norm"], nn.conv2d(own["sr"], x, ratio), EPS)
    q, k, v = (
        nn.split_heads(linear(own[n], flat(h)), heads) for n, h in (("query", x), ("key", seen), ("value", seen))
    )
    h, probs = nn.attend(q, k, v, rate=c.attention_probs_dropout_prob, key=k_probs, weights=weights)
    h = linear(p["output"]["dense"], nn.merge_heads(h))
    return dropout(h, c.hidden_dropout_prob, k_out).reshape(x.shape), probs


def layer(p, c, x, *, heads: int, rate, key, weights: bool):
    """A block over x [B, H, W, D]; with a key its branches are left out with probability `rate`."""
    k_attention, k_mid, k_out, *k_drop = nn.split(key, 5)
    h, probs = attention(p["attention"], c, layer_norm(p["layer_norm_1"], x, EPS), heads, k_attention, weights)
    x = x + drop_path(h, rate, k_drop[0])
    h = linear(p["mlp"]["dense1"], layer_norm(p["layer_norm_2"], x, EPS))
    h = nn.conv2d(p["mlp"]["dwconv"]["dwconv"], h, padding=1, groups=h.shape[-1])
    h = dropout(nn.activation(c.hidden_act, h), c.hidden_dropout_prob, k_mid)
    h = dropout(linear(p["mlp"]["dense2"], h), c.hidden_dropout_prob, k_out)
    return x + drop_path(h, rate, k_drop[1]), {"attention": probs}


def encode(p, c, pixel_values, weights: bool, key):
    """Every stage's output [B, H, W, D], and every layer's attention weights or None."""
    p, total, at = p["encoder"], sum(c.depths), 0
    nn.images("segformer", pixel_values, c.num_channels)
    x = nn.channels_last(pixel_values).astype(p["patch_embeddings"][0]["proj"]["weight"].dtype)
    rates, keys = drop_path_rates(c.drop_path_rate, total), nn.split_layers(key, total)
    maps: list = []
    attentions: list = []
    for i, depth in enumerate(c.depths):
        patches, size = p["patch_embeddings"][i], c.patch_sizes[i]
        x = layer_norm(patches["layer_norm"], nn.conv2d(patches["proj"], x, c.strides[i], size // 2), EPS)
        if min(x.shape[1:3]) < c.sr_ratios[i]:
            problem = f"stage {i + 1} must be sr_ratio = {c.sr_ratios[i]} high and wide, got {list(x.shape[1:3])}"
            raise InputError("segformer", [problem], "use larger images")

        def step(p, x, rate, key, heads=c.num_attention_heads[i]):
            return layer(p, c, x, heads=heads, rate=rate, key=key, weights=weights)

        some = slice(at, at + depth)
        each: dict = {"rate": rates[some], "key": None if keys is None else keys[some]}
        x, ys = nn.fold(step, p["block"][str(i)], x, unroll_on_cpu=True, **each)
        x = layer_norm(p["layer_norm"][i], x, EPS)
        maps.append(x)
        attentions += nn.collect(ys, "attention") or ()
        at += depth
    return maps, tuple(attentions) or None


def outputs(c, maps, attentions, hidden: bool) -> dict:
    """The maps as the reference gives them: [B, D, H, W], but the last [B, H * W, D] unless `reshape_last_stage`."""
    shown = [nn.channels_first(x) for x in maps]
    if not c.reshape_last_stage:
        shown[-1] = flat(maps[-1])
    return {
        "last_hidden_state": shown[-1],
        "hidden_states": tuple(shown) if hidden else None,
        "attentions": attentions,
    }


def model(p, c, pixel_values, output_hidden_states=False, output_attentions=False, key=None):
    """Features of images float [B, C, H, W]: `last_hidden_state` [B, D, H / 32, W / 32].

    `hidden_states` are the outputs of the stages. `key` switches dropout and stochastic depth on.
    """
    maps, attentions = encode(p, c, pixel_values, output_attentions, key)
    return Output(outputs(c, maps, attentions, output_hidden_states))


def decode(p, c, maps, train: bool, key):
    """Scores [B, H, W, num_labels] of the stages' maps [B, H, W, D] at the first one's size, and new statistics."""
    size = maps[0].shape[1:3]
    x = jnp.concatenate(
        [bilinear(linear(q["proj"], x), size) for q, x in zip(p["linear_c"], maps, strict=True)][::-1], -1
    )
    x, state = nn.batch_norm(p["batch_norm"], nn.conv2d(p["linear_fuse"], x), train)
    x = dropout(nn.activation("relu", x), c.classifier_dropout_prob, key)
    return nn.conv2d(p["classifier"], x), {"batch_norm": state} if train else None


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image; labels as `losses.classification` takes them."""
    out = model(p["segformer"], c, pixel_values, **inputs)
    x = out.last_hidden_state
    x = x.mean((2, 3)) if c.reshape_last_stage else x.mean(1)
    return nn.heads.classification(out, c, linear(p["classifier"], x), labels)


@extends(model)
def semantic_segmentation(
    p,
    c,
    pixel_values,
    *,
    labels=None,
    train=False,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
    **inputs,
):
    """One of `num_labels` classes a pixel: `logits` [B, num_labels, H / 4, W / 4].

    labels int [B, H, W] of any size; `semantic_loss_ignore_index` marks pixels that are not scored. With a single
    label they are 0 or 1. With `train` the head's batch normalisation uses the batch's statistics, and `state` holds
    the new running ones. `key` switches dropout and stochastic depth on.
    """
    k_model, k_head = nn.split(key, 2)
    maps, attentions = encode(p["segformer"], c, pixel_values, output_attentions, k_model)
    logits, state = decode(p["decode_head"], c, maps, train, k_head)
    said = outputs(c, maps, attentions, output_hidden_states)
    return nn.heads.carry(
        Output(said),
        loss=None if labels is None else semantic_loss(logits, labels, c.semantic_loss_ignore_index),
        logits=nn.channels_first(logits),
        state={"decode_head": state} if train else None,
    )


def decode_head(p, c, encoder_hidden_states, train=False, key=None):
    """The segmenter's head alone: `logits` [B, num_labels, H, W] from the stages' maps [B, D, H, W], finest first.

    A last map [B, H * W, D] is taken to be square. `train` and `key` as for the segmenter.
    """
    maps = []
    for x in encoder_hidden_states:
        if x.ndim == 3:
            side = math.isqrt(x.shape[1])
            if side**2 != x.shape[1]:
                raise InputError("SegformerDecodeHead", [f"a map [B, H * W, D] must be square, got {list(x.shape)}"])
            maps.append(x.reshape(x.shape[0], side, side, -1))
        else:
            maps.append(nn.channels_last(x))
    logits, state = decode(p, c, maps, train, key)
    return Output(logits=nn.channels_first(logits), state=state)


HEADS = {
    "SegformerModel": Head(Model, model),
    "SegformerForImageClassification": Head(Classifier, image_classification),
    "SegformerForSemanticSegmentation": Head(Segmenter, semantic_segmentation),
    "SegformerDecodeHead": Head(DecodeHead, decode_head),
}
