"""SAM's mask decoder: tokens and an image attend to each other, then the tokens paint. https://arxiv.org/abs/2304.02643"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.nn import Embedding, LayerNorm, Linear, layer_norm, linear
from jaxformers.spec import Param, zeros

CROSS_RATE = 2  # by how much attention across is narrower inside a block; after the blocks the config tells it
EPS, FINAL_EPS = 1e-6, 1e-5  # of the norms outside the blocks


@dataclasses.dataclass(frozen=True)
class MaskDecoderConfig(ModelConfig):
    hidden_size: int = 256
    hidden_act: str = "relu"
    mlp_dim: int = 2048
    num_hidden_layers: int = 2
    num_attention_heads: int = 8
    attention_downsample_rate: int = 2
    num_multimask_outputs: int = 3
    iou_head_depth: int = 3
    iou_head_hidden_dim: int = 256
    layer_norm_eps: float = 1e-6

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        for rate in {1, CROSS_RATE, self.attention_downsample_rate}:
            if self.hidden_size // rate % self.num_attention_heads:
                width, heads = self.hidden_size, self.num_attention_heads
                yield f"hidden_size / {rate} must be a multiple of num_attention_heads, got {width} and {heads}"


# ------------------------------------------------------------------------------------------------------ declarations


def Attention(d: int, rate: int):
    p = {name: Linear(d, d // rate, "embed heads") for name in ("q_proj", "k_proj", "v_proj")}
    return {**p, "out_proj": Linear(d // rate, d, "heads embed")}


def Block(c):
    d = c.hidden_size
    return {
        "self_attn": Attention(d, 1),
        "layer_norm1": LayerNorm(d),
        "cross_attn_token_to_image": Attention(d, CROSS_RATE),
        "layer_norm2": LayerNorm(d),
        "mlp": {"lin1": Linear(d, c.mlp_dim), "lin2": Linear(c.mlp_dim, d, "mlp embed")},
        "layer_norm3": LayerNorm(d),
        "layer_norm4": LayerNorm(d),
        "cross_attn_image_to_token": Attention(d, CROSS_RATE),
    }


def FeedForward(din: int, width: int, dout: int, depth: int):
    return {
        "proj_in": Linear(din, width),
        "proj_out": Linear(width, dout, "mlp -"),
        "layers": [Linear(width, width, "mlp -") for _ in range(depth - 2)],
    }


def Upscale(cin: int, cout: int):
    """Declares a transposed convolution of 2x2 pixels, `weight` [in, out, 2, 2]."""
    return {"weight": Param((cin, cout, 2, 2), "- channels - -"), "bias": Param((cout,), "channels", zeros)}


def MaskDecoder(c):
    d, masks = c.hidden_size, c.num_multimask_outputs + 1
    return {
        "iou_token": Embedding(1, d, "- embed"),
        "mask_tokens": Embedding(masks, d, "- embed"),
        "transformer": {
            # A plain list: the first block is computed otherwise, and so they can not be scanned.
            "layers": [Block(c) for _ in range(c.num_hidden_layers)],
            "final_attn_token_to_image": Attention(d, c.attention_downsample_rate),
            "layer_norm_final_attn": LayerNorm(d),
        },
        "upscale_conv1": Upscale(d, d // 4),
        "upscale_conv2": Upscale(d // 4, d // 8),
        "upscale_layer_norm": LayerNorm(d // 4, "channels"),
        "output_hypernetworks_mlps": [FeedForward(d, d, d // 8, 3) for _ in range(masks)],
        "iou_prediction_head": FeedForward(d, c.iou_head_hidden_dim, masks, c.iou_head_depth),
    }


# ------------------------------------------------------------------------------------------------------ functions


def attention(p, c, q, k, v, bias=None):
    """q [B, S, D] attends to k [B, T, D], or [1, T, D] or the like, broadcast."""
    q, k, v = (
        nn.split_heads(linear(p[n], x), c.num_attention_heads)
        for n, x in zip(("q_proj", "k_proj", "v_proj"), (q, k, v), strict=True)
    )
    h, _ = nn.attend(q, k, v, bias=bias)
    return linear(p["out_proj"], nn.merge_heads(h))


def block(p, c, tokens, image, token_at, image_at, similarity, first: bool):
    """Tokens [B, S, D] and image [B, T, D] attend to each other. Returns both, and what the image took over."""

    def norm(i: int, x):
        return layer_norm(p[f"layer_norm{i}"], x, c.layer_norm_eps)

    if first:
        tokens = attention(p["self_attn"], c, tokens, tokens, tokens)
    else:
        q = tokens + token_at
        tokens = tokens + attention(p["self_attn"], c, q, q, tokens)
    tokens = norm(1, tokens)
    looked = attention(p["cross_attn_token_to_image"], c, tokens + token_at, image + image_at, image, similarity)
    tokens = norm(2, tokens + looked)
    h = nn.activation(c.hidden_act, linear(p["mlp"]["lin1"], tokens))
    tokens = norm(3, tokens + linear(p["mlp"]["lin2"], h))
    told = attention(p["cross_attn_image_to_token"], c, image + image_at, tokens + token_at, tokens)
    return tokens, norm(4, image + told), told


def transformer(p, c, tokens, image, image_at, similarity, target):
    """Returns tokens [B, S, D], image [B, T, D], and what the image took over in each block."""
    token_at, taken = tokens, []
    for i, one in enumerate(p["layers"]):
        if target is not None:
            tokens = tokens + target
            token_at = tokens if i == 0 else token_at  # the reference adds it in place: to both at first
        tokens, image, told = block(one, c, tokens, image, token_at, image_at, similarity, first=i == 0)
        taken.append(told)
    looked = attention(p["final_attn_token_to_image"], c, tokens + token_at, image + image_at, image)
    return layer_norm(p["layer_norm_final_attn"], tokens + looked, FINAL_EPS), image, taken


def feed_forward(p, x):
    x = nn.activation("relu", linear(p["proj_in"], x))
    for q in p["layers"]:
        x = nn.activation("relu", linear(q, x))
    return linear(p["proj_out"], x)


def upscale(p, x):
    """x [B, H, W, cin] -> [B, 2 H, 2 W, cout]: every pixel becomes a block of four of its own."""
    b, h, w, _ = x.shape
    y = jnp.einsum("bhwc,cdij->bhiwjd", x, p["weight"])
    return y.reshape(b, 2 * h, 2 * w, -1) + p["bias"]


def decode(p, c, image, image_at, sparse, similarity, target):
    """Masks [B, P, M, 4 rows, 4 columns] and their scores [B, P, M] of images [B, rows, columns, D].

    `sparse` [B, P, n, D] are the prompts of P masks, or None for a mask without any.
    """
    (b, rows, columns, d), count = image.shape, c.num_multimask_outputs + 1
    own = jnp.concatenate([p["iou_token"]["weight"], p["mask_tokens"]["weight"]])
    prompts = 1 if sparse is None else sparse.shape[1]
    tokens = jnp.broadcast_to(own, (b * prompts, *own.shape))
    if sparse is not None:
        tokens = jnp.concatenate([tokens, sparse.reshape(b * prompts, -1, d).astype(own.dtype)], 1)
    seen = image.reshape(b, rows * columns, d).repeat(prompts, 0)
    if target is not None:
        target = jnp.broadcast_to(target, (b, prompts, tokens.shape[1], d)).reshape(tokens.shape)
    tokens, seen, taken = transformer(p["transformer"], c, tokens, seen, image_at, similarity, target)
    x = upscale(p["upscale_conv1"], seen.reshape(b * prompts, rows, columns, d))
    x = nn.gelu(layer_norm(p["upscale_layer_norm"], x, EPS))
    x = nn.gelu(upscale(p["upscale_conv2"], x))
    brushes = [feed_forward(q, tokens[:, 1 + i]) for i, q in enumerate(p["output_hypernetworks_mlps"])]
    masks = jnp.einsum("bmd,bhwd->bmhw", jnp.stack(brushes, 1), x).reshape(b, prompts, count, *x.shape[1:3])
    scores = feed_forward(p["iou_prediction_head"], tokens[:, 0]).reshape(b, prompts, count)
    return masks, scores, taken
