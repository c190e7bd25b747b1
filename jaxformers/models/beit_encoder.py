"""The encoder of BEiT and its relatives: pre-layer-norm blocks with scaled branches and relative positions.

Paper: https://arxiv.org/abs/2106.08254. Relative positions have a score for every head and every offset between two
patches, and three more for pairs with the class token; each layer may have its own, and all of them a shared one.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, LayerNorm, Linear, dropout, layer_norm, linear
from jaxformers.nn.dense import bilinear
from jaxformers.nn.drop_path import drop_path, drop_path_rates
from jaxformers.spec import Layers, Param, constant, zeros


def RelativePositions(c):
    rows, columns = c.grid()
    shape = ((2 * rows - 1) * (2 * columns - 1) + 3, c.num_attention_heads)
    return {"relative_position_bias_table": Param(shape, "- heads", zeros)}


def Embeddings(c):
    d, (rows, columns) = c.hidden_size, c.grid()
    token = Param((1, 1, d), "- - embed", zeros)
    table = Param((1, rows * columns + 1, d), "- - embed", zeros)
    return {
        "cls_token": token,
        **({"mask_token": token} if c.use_mask_token else {}),
        "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
        **({"position_embeddings": table} if c.use_absolute_position_embeddings else {}),
    }


def Layer(c):
    d, f = c.hidden_size, c.intermediate_size
    scale = Param((d,), "embed", constant(c.layer_scale_init_value))
    own = {n: Linear(d, d, "embed heads", bias=n != "key") for n in ("query", "key", "value")}
    if c.use_relative_position_bias:
        own["relative_position_bias"] = RelativePositions(c)
    return {
        "attention": {"attention": own, "output": {"dense": Linear(d, d, "heads embed")}},
        "intermediate": {"dense": Linear(d, f)},
        "output": {"dense": Linear(f, d, "mlp embed")},
        "layernorm_before": LayerNorm(d),
        "layernorm_after": LayerNorm(d),
        **({"lambda_1": scale, "lambda_2": scale} if c.layer_scale_init_value > 0 else {}),
    }


def Encoder(c):
    layers = {"layer": Layers(Layer(c) for _ in range(c.num_hidden_layers))}
    shared = {"relative_position_bias": RelativePositions(c)} if c.use_shared_relative_position_bias else {}
    return {"embeddings": Embeddings(c), "encoder": {**shared, **layers}}


@functools.cache
def position_rows(rows: int, columns: int) -> np.ndarray:
    """int32 [1 + patches, 1 + patches]: the table's row for each pair of a query and a key, the class token first."""
    at = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")).reshape(2, -1)
    down, right = at[:, :, None] - at[:, None, :]
    offsets = (2 * rows - 1) * (2 * columns - 1)
    out = np.empty((rows * columns + 1,) * 2, np.int32)
    out[1:, 1:] = (down + rows - 1) * (2 * columns - 1) + right + columns - 1
    out[0, :], out[:, 0] = offsets, offsets + 1
    out[0, 0] = offsets + 2
    return out


def relative_positions(p, c, grid: tuple[int, int]):
    """Scores [1, N, 1 + patches, 1 + patches] of a grid of patches; the table is stretched if it is not the config's.

    A table of an oblong grid is taken column by column, as the reference does: for square ones that is no difference.
    """
    table, (rows, columns) = p["relative_position_bias_table"], c.grid()
    offsets = table[:-3].reshape(2 * columns - 1, 2 * rows - 1, -1)
    offsets = bilinear(offsets, (2 * grid[0] - 1, 2 * grid[1] - 1)).reshape(-1, table.shape[-1])
    scores = jnp.concatenate([offsets, table[-3:]])[position_rows(*grid)]
    return jnp.moveaxis(scores, -1, 0)[None]


def attention(p, c, x, *, grid, bias, key, weights):
    """Self-attention over x [B, 1 + patches, D] with the positions' scores `bias` or None. Returns (y, weights)."""
    own, (k_probs, k_out) = p["attention"], nn.split(key, 2)
    q, k, v = (nn.split_heads(linear(own[n], x), c.num_attention_heads) for n in ("query", "key", "value"))
    if "relative_position_bias" in own:
        scores = relative_positions(own["relative_position_bias"], c, grid)
        bias = scores if bias is None else bias + scores
    h, probs = nn.attend(q, k, v, bias=bias, rate=c.attention_probs_dropout_prob, key=k_probs, weights=weights)
    return dropout(linear(p["output"]["dense"], nn.merge_heads(h)), c.hidden_dropout_prob, k_out), probs


def layer(p, c, x, *, grid, bias, rate, key, weights):
    k_attention, k_out, *k_drop = nn.split(key, 4)
    h = layer_norm(p["layernorm_before"], x, c.layer_norm_eps)
    h, probs = attention(p["attention"], c, h, grid=grid, bias=bias, key=k_attention, weights=weights)
    x = x + drop_path(h * p["lambda_1"] if "lambda_1" in p else h, rate, k_drop[0])
    h = linear(p["intermediate"]["dense"], layer_norm(p["layernorm_after"], x, c.layer_norm_eps))
    h = dropout(linear(p["output"]["dense"], nn.activation(c.hidden_act, h)), c.hidden_dropout_prob, k_out)
    return x + drop_path(h * p["lambda_2"] if "lambda_2" in p else h, rate, k_drop[1]), {"attention": probs}


def embed(p, c, pixel_values, bool_masked_pos, key):
    """A class token and the patches [B, 1 + patches, D]; positions are stretched over images of other sizes."""
    x = nn.patchify(p["patch_embeddings"]["projection"], pixel_values)
    grid, x = x.shape[1:3], x.reshape(x.shape[0], -1, x.shape[-1])
    if bool_masked_pos is not None:
        if "mask_token" not in p:
            raise InputError(c.model_type, ["bool_masked_pos needs use_mask_token in the config"])
        if bool_masked_pos.shape != x.shape[:2]:
            got = list(bool_masked_pos.shape)
            raise InputError(
                c.model_type, [f"bool_masked_pos must be [batch, patches] {list(x.shape[:2])}, got {got}"]
            )
        x = jnp.where(bool_masked_pos.astype(bool)[..., None], p["mask_token"], x)
    x = jnp.concatenate([jnp.broadcast_to(p["cls_token"], (x.shape[0], 1, x.shape[-1])), x], 1)
    x = x + vit.positions(p, c, grid) if "position_embeddings" in p else x
    return dropout(x, c.hidden_dropout_prob, key)


def encode(p, c, pixel_values, bool_masked_pos=None, states=False, weights=False, key=None):
    """The layers over images [B, C, H, W] of any size. Returns (x, hidden states, attentions)."""
    nn.images(c.model_type, pixel_values, c.num_channels)
    k_embed, k_layers = nn.split(key, 2)
    first = embed(p["embeddings"], c, pixel_values, bool_masked_pos, k_embed)
    grid, own = c.grid(pixel_values.shape[2:]), p["encoder"]
    shared = "relative_position_bias" in own
    bias = relative_positions(own["relative_position_bias"], c, grid) if shared else None

    def step(p, x, rate, key):
        return layer(p, c, x, grid=grid, bias=bias, rate=rate, key=key, weights=weights)

    n = nn.num_layers(own["layer"])
    each: dict = {"rate": drop_path_rates(c.drop_path_rate, n), "key": k_layers}
    x, ys = nn.fold(step, own["layer"], first, states=states, **each)
    return x, nn.hidden_states(first, ys), nn.collect(ys, "attention")
