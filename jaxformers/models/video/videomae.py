"""VideoMAE: ViT over tubes of a video, pretrained to paint the nine tenths of them that are hidden.

Paper: https://arxiv.org/abs/2203.12602. Serves every checkpoint of model type "videomae".
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models.vision import vit
from jaxformers.nn import LayerNorm, Linear, layer_norm, linear
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "videomae"
EPS = 1e-5  # of the norms behind the encoder and in the decoder's end
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, which frames come normalised by


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="videomae"):
    image_size: int = 224
    patch_size: int = 16
    num_channels: int = 3
    num_frames: int = 16
    tubelet_size: int = 2
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    qkv_bias: bool = True
    use_mean_pooling: bool = True
    decoder_num_attention_heads: int = 6
    decoder_hidden_size: int = 384
    decoder_num_hidden_layers: int = 4
    decoder_intermediate_size: int = 1536
    norm_pix_loss: bool = True

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        for side in ("", "decoder_"):
            d, heads = getattr(self, f"{side}hidden_size"), getattr(self, f"{side}num_attention_heads")
            if d % heads:
                yield f"{side}hidden_size must be a multiple of {side}num_attention_heads, got {d} and {heads}"
        yield from self.multiple("image_size", "patch_size")
        yield from self.multiple("num_frames", "tubelet_size")

    @property
    def patches(self) -> tuple[int, int]:
        """Tubes in time, and in a frame."""
        return self.num_frames // self.tubelet_size, (self.image_size // self.patch_size) ** 2

    @property
    def decoder(self):
        """The config of the decoder's layers."""
        sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        return self.replace(**{n: getattr(self, f"decoder_{n}") for n in sizes})


# ------------------------------------------------------------------------------------------------------ declarations


def Layer(c):
    """ViT's, with the biases of queries and values beside their weights and none for keys."""
    p, d = vit.Layer(c), c.hidden_size
    own = {n: Linear(d, d, "embed heads", bias=False) for n in ("query", "key", "value")}
    biases = {f"{n}_bias": Param((d,), "heads", zeros) for n in "qv"} if c.qkv_bias else {}
    return {**p, "attention": {**p["attention"], "attention": {**own, **biases}}}


def Model(c):
    d, tube = c.hidden_size, (c.tubelet_size, c.patch_size, c.patch_size)
    projection = {
        "weight": Param((d, c.num_channels, *tube), "embed - - - -"),
        "bias": Param((d,), "embed", zeros),
    }
    return {
        "embeddings": {"patch_embeddings": {"projection": projection}},
        "encoder": {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))},
        **({} if c.use_mean_pooling else {"layernorm": LayerNorm(d)}),
    }


def PreTraining(c):
    d = c.decoder_hidden_size
    return {
        "videomae": Model(c),
        "encoder_to_decoder": Linear(c.hidden_size, d, "embed -", bias=False),
        "mask_token": Param((1, 1, d), "- - embed", zeros),
        "decoder": {
            "decoder_layers": Layers(Layer(c.decoder) for _ in range(c.decoder_num_hidden_layers)),
            "norm": LayerNorm(d),
            "head": Linear(d, c.num_channels * c.tubelet_size * c.patch_size**2, "embed -"),
        },
    }


def Classifier(c):
    norm = {"fc_norm": LayerNorm(c.hidden_size)} if c.use_mean_pooling else {}
    return {"videomae": Model(c), **norm, "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}


# ------------------------------------------------------------------------------------------------------ functions


def layer(p, c, x, *, key, weights):
    own = p["attention"]["attention"]
    biases = {n: {"bias": own[b]} for n, b in (("query", "q_bias"), ("value", "v_bias")) if b in own}
    own = {n: {**own[n], **biases.get(n, {})} for n in ("query", "key", "value")}
    return vit.layer({**p, "attention": {**p["attention"], "attention": own}}, c, x, key=key, weights=weights)


def waves(num: int, dim: int) -> np.ndarray:
    """float32 [1, num, dim]: sines and cosines of each position in turn. https://arxiv.org/abs/1706.03762"""
    angles = np.arange(num)[:, None] / 10000 ** (2 * (np.arange(dim) // 2) / dim)
    return np.where(np.arange(dim) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)[None]


def tubes(c, x):
    """Videos [B, T, C, H, W] cut into tubes: [B, T', H', W', tubelet, patch, patch, C]."""
    b, t, channels, h, w = x.shape
    ts, ps = c.tubelet_size, c.patch_size
    x = x.reshape(b, t // ts, ts, channels, h // ps, ps, w // ps, ps)
    return x.transpose(0, 1, 4, 6, 2, 5, 7, 3)


def embeddings(p, c, pixel_values):
    """Each tube is used once, so they are one matrix product: [B, patches, D]."""
    wanted = c.num_frames, c.num_channels, c.image_size, c.image_size
    if pixel_values.ndim != 5 or pixel_values.shape[1:] != wanted:
        names = f"[batch, {wanted[0]} frames, {wanted[1]} channels, {wanted[2]}, {wanted[3]}]"
        raise InputError(c.model_type, [f"pixel_values must be {names}, got {list(pixel_values.shape)}"])
    projection = p["patch_embeddings"]["projection"]
    w = projection["weight"].transpose(0, 2, 3, 4, 1)
    x = tubes(c, pixel_values.astype(w.dtype))
    x = linear({**projection, "weight": w.reshape(w.shape[0], -1)}, x.reshape(x.shape[0], np.prod(c.patches), -1))
    return x + waves(x.shape[1], x.shape[2]).astype(x.dtype)


def sort(c, bool_masked_pos, num_masked):
    """The places [B, patches] of tubes that are seen, then of those that are hidden, and how many are hidden."""
    tall, wide = c.patches
    if num_masked is None:
        num_masked = tall * int(0.9 * wide)
    if bool_masked_pos.shape[1:] != (tall * wide,):
        got = list(bool_masked_pos.shape)
        raise InputError(c.model_type, [f"bool_masked_pos must be [batch, patches] [B, {tall * wide}], got {got}"])
    return jnp.argsort(bool_masked_pos.astype(bool), axis=1, stable=True), num_masked


def pick(x, places):
    """x [B or 1, P, D] at places int [B, K]: [B, K, D]."""
    return jnp.take_along_axis(jnp.broadcast_to(x, (places.shape[0], *x.shape[1:])), places[..., None], 1)


def model(
    p,
    c,
    pixel_values,
    bool_masked_pos=None,
    num_masked=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """Features of videos [B, T, C, H, W]: `last_hidden_state` [B, patches, D], or of the tubes that are seen.

    `bool_masked_pos` bool [B, patches] hides the same number of tubes in each video: `num_masked`, a number that the
    program is compiled for, nine tenths of a frame's by default. If it is another, all is nan. `key` switches dropout
    on.
    """
    first, layers = embeddings(p["embeddings"], c, pixel_values), p["encoder"]["layer"]
    if bool_masked_pos is not None:
        places, hidden = sort(c, bool_masked_pos, num_masked)
        first = pick(first, places[:, : first.shape[1] - hidden])
        right = (bool_masked_pos.astype(bool).sum(-1) == hidden).all()
        first = jnp.where(right, first, jnp.nan)

    def step(p, x, key):
        return layer(p, c, x, key=key, weights=output_attentions)

    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=key)
    return Output(
        last_hidden_state=layer_norm(p["layernorm"], x, c.layer_norm_eps) if "layernorm" in p else x,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


def targets(c, pixel_values):
    """The pixels of each tube, float32 [B, patches, tubelet * patch^2 * C], as they are to be painted."""
    x = pixel_values.astype(jnp.float32)
    if c.num_channels == 3:
        x = x * jnp.asarray(STD)[:, None, None] + jnp.asarray(MEAN)[:, None, None]
    elif not c.norm_pix_loss:
        raise InputError(c.model_type, ["num_channels must be 3 without norm_pix_loss: other colours are not known"])
    x = tubes(c, x).reshape(x.shape[0], np.prod(c.patches), -1, c.num_channels)
    if c.norm_pix_loss:
        x = (x - x.mean(2, keepdims=True)) / (jnp.sqrt(x.var(2, keepdims=True, ddof=1)) + 1e-6)
    return x.reshape(*x.shape[:2], -1)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model)
def pretraining(p, c, pixel_values, bool_masked_pos, *, num_masked=None, key=None, **inputs):
    """Painted tubes `logits` [B, hidden, tubelet * patch^2 * C] and their mean squared error; masks as the model's."""
    k_model, k_decode = nn.split(key, 2)
    out = model(p["videomae"], c, pixel_values, bool_masked_pos, num_masked, **inputs, key=k_model)
    x = linear(p["encoder_to_decoder"], out.last_hidden_state)
    places, _ = sort(c, bool_masked_pos, num_masked)
    at = pick(jnp.asarray(waves(places.shape[1], x.shape[-1]), x.dtype), places)
    seen = x.shape[1]
    x = jnp.concatenate([x + at[:, :seen], p["mask_token"] + at[:, seen:]], 1)
    decoder = p["decoder"]
    x, _ = nn.fold(
        lambda p, x, key: layer(p, c.decoder, x, key=key, weights=False), decoder["decoder_layers"], x, key=k_decode
    )
    logits = linear(decoder["head"], layer_norm(decoder["norm"], x[:, seen:], EPS))
    wanted = pick(targets(c, pixel_values), places[:, seen:])
    return nn.heads.carry(out, loss=jnp.square(logits.astype(jnp.float32) - wanted).mean(), logits=logits)


@extends(model, "bool_masked_pos", "num_masked")
def video_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) a video; labels as `losses.classification` takes them."""
    out = model(p["videomae"], c, pixel_values, **inputs)
    x = out.last_hidden_state
    x = layer_norm(p["fc_norm"], x.mean(1), EPS) if "fc_norm" in p else x[:, 0]
    return nn.heads.classification(out, c, linear(p["classifier"], x), labels)


HEADS = {
    "VideoMAEModel": Head(Model, model),
    "VideoMAEForPreTraining": Head(PreTraining, pretraining),
    "VideoMAEForVideoClassification": Head(Classifier, video_classification),
}
