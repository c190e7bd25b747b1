"""LayoutLMv3: one encoder over the words of a page, each with its box, and the patches of the page's picture.

Paper: https://arxiv.org/abs/2204.08387. Serves every checkpoint of model type "layoutlmv3".
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import nn
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import encoder_heads
from jaxformers.models.multimodal import layoutlm
from jaxformers.models.text import bert, roberta
from jaxformers.nn import Conv2d, Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear
from jaxformers.nn.position_bias import relative_buckets
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "layoutlmv3"
PAGE = 1000  # boxes are in thousandths of the page


@dataclasses.dataclass(frozen=True)
class Config(roberta.Config, model_type="layoutlmv3"):
    layer_norm_eps: float = 1e-5
    max_2d_position_embeddings: int = 1024
    coordinate_size: int = 128
    shape_size: int = 128
    has_relative_attention_bias: bool = True
    rel_pos_bins: int = 32
    max_rel_pos: int = 128
    rel_2d_pos_bins: int = 64
    max_rel_2d_pos: int = 256
    has_spatial_attention_bias: bool = True
    text_embed: bool = True
    visual_embed: bool = True
    input_size: int = 224
    num_channels: int = 3
    patch_size: int = 16

    allowed = {
        **roberta.Config.allowed,
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
    }

    def check(self):
        yield from super().check()
        if self.text_embed and 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            yield (
                "4 * coordinate_size + 2 * shape_size must be hidden_size, "
                f"got {self.coordinate_size}, {self.shape_size} and {self.hidden_size}"
            )
        if not (self.text_embed or self.visual_embed):
            yield "text_embed or visual_embed must be True, got False for both"
        if not 0 < self.patch_size <= self.input_size:
            yield f"patch_size must be at least 1 and at most input_size ({self.input_size}), got {self.patch_size}"

    @property
    def side(self) -> int:
        """Patches along a side of the picture."""
        return self.input_size // self.patch_size


# ------------------------------------------------------------------------------------------------------ declarations


def Embeddings(c):
    d = c.hidden_size
    sizes = {"x": c.coordinate_size, "y": c.coordinate_size, "h": c.shape_size, "w": c.shape_size}
    tables = {f"{n}_position_embeddings": Embedding(c.max_2d_position_embeddings, w, "- -") for n, w in sizes.items()}
    return {**bert.Embeddings(c, d), **tables}


def Picture(c):
    d = c.hidden_size
    return {
        "patch_embed": {"proj": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
        "cls_token": Param((1, 1, d), "- - embed", zeros),
        "pos_embed": Param((1, c.side**2 + 1, d), "- - embed", zeros),
        "LayerNorm": LayerNorm(d),
        "norm": LayerNorm(d),
    }


def Model(c):
    encoder = {"layer": Layers(bert.Layer(c) for _ in range(c.num_hidden_layers))}
    heads = c.num_attention_heads
    if c.has_relative_attention_bias:
        encoder["rel_pos_bias"] = Linear(c.rel_pos_bins, heads, "- heads", bias=False)
    if c.has_spatial_attention_bias:
        for n in "xy":
            encoder[f"rel_pos_{n}_bias"] = Linear(c.rel_2d_pos_bins, heads, "- heads", bias=False)
    return {
        **({"embeddings": Embeddings(c)} if c.text_embed else {}),
        **(Picture(c) if c.visual_embed else {}),
        "encoder": encoder,
    }


def TokenClassifier(c):
    few = c.num_labels < 10
    scorer = Linear(c.hidden_size, c.num_labels, "embed -") if few else encoder_heads.TwoLayers(c, c.num_labels)
    return {PREFIX: Model(c), "classifier": scorer}


def QuestionAnswering(c):
    return {PREFIX: Model(c), "qa_outputs": encoder_heads.TwoLayers(c, c.num_labels)}


# ------------------------------------------------------------------------------------------------------ functions


def words(p, c, input_ids, bbox, token_type_ids, position_ids, inputs_embeds, key):
    """Embeddings [B, S, D] of the words."""
    x = nn.heads.embeddings(c.model_type, input_ids, inputs_embeds, lambda ids: embed(p["word_embeddings"], ids))
    if position_ids is None:
        position_ids = nn.padded_positions(input_ids, x.shape[1], c.pad_token_id)
    x = x + jnp.concatenate(layoutlm.places(p, bbox), -1)
    return bert.embeddings(p, c, x, token_type_ids, position_ids, key)


def picture(p, c, pixel_values):
    """Embeddings [B, 1 + patches, D] of the whole picture and its patches."""
    size = (c.input_size, c.input_size)
    x = nn.patchify(p["patch_embed"]["proj"], nn.conv.images(c.model_type, pixel_values, c.num_channels, size))
    x = x.reshape(x.shape[0], -1, x.shape[-1])
    whole = jnp.broadcast_to(p["cls_token"], (x.shape[0], 1, x.shape[-1]))
    return layer_norm(p["norm"], jnp.concatenate([whole, x], 1) + p["pos_embed"], 1e-6)


def patch_boxes(side: int) -> np.ndarray:
    """int32 [1 + side^2, 4]: the boxes of the whole picture, a thousandth inside its edge, and of its patches."""
    edges = np.arange(side + 1) * PAGE // side
    top, left = (x.reshape(-1) for x in np.meshgrid(edges[:-1], edges[:-1], indexing="ij"))
    bottom, right = (x.reshape(-1) for x in np.meshgrid(edges[1:], edges[1:], indexing="ij"))
    return np.concatenate([[[1, 1, PAGE - 1, PAGE - 1]], np.stack([left, top, right, bottom], -1)]).astype(np.int32)


def position_bias(p, c, steps, boxes):
    """Scores [B, N, L, L] by the distance of two entries in their sequence and, by left and lower edge, on the page.

    The tables are not trained here, as in the reference.

    Args:
      p: the encoder's parameters.
      steps: int [L], places in the sequence; words and patches count from 0 each.
      boxes: int [B, L, 4].
    """

    def scores(name, at, most):
        table = jax.lax.stop_gradient(p[name]["weight"])
        buckets = relative_buckets(at[:, None, :] - at[:, :, None], table.shape[1], most, bidirectional=True)
        return jnp.moveaxis(table[:, buckets], 0, 1)

    if not c.has_relative_attention_bias:  # the other one is then never read, as in the reference
        return None
    bias = scores("rel_pos_bias", steps[None], c.max_rel_pos)
    if c.has_spatial_attention_bias:
        bias = bias + scores("rel_pos_x_bias", boxes[..., 0], c.max_rel_2d_pos)
        bias = bias + scores("rel_pos_y_bias", boxes[..., 3], c.max_rel_2d_pos)
    return bias * (c.hidden_size // c.num_attention_heads) ** -0.5


def model(
    p,
    c,
    input_ids=None,
    bbox=None,
    attention_mask=None,
    token_type_ids=None,
    position_ids=None,
    inputs_embeds=None,
    pixel_values=None,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder over words, a picture, or words and then a picture.

    Args:
      input_ids: int [B, S], or inputs_embeds [B, S, D].
      bbox: int [B, S, 4]: the box of each word, (left, top, right, bottom) in thousandths of the page; 0 if not given.
      attention_mask: int [B, S], 1 at words, 0 at padding.
      pixel_values: float [B, C, input_size, input_size], the page; it becomes 1 + (input_size / patch_size)^2 entries
        behind the words.
      key: switches dropout on.
    """
    k_words, k_joint, k_layers = nn.split(key, 3)
    read = input_ids is not None or inputs_embeds is not None
    given = {"text_embed": read, "visual_embed": pixel_values is not None}
    if not any(given.values()):
        raise InputError(c.model_type, ["one of input_ids, inputs_embeds and pixel_values must be given"])
    if problems := [
        f"this model has {n}=False and can not read what is given"
        for n, wanted in given.items()
        if wanted and not getattr(c, n)
    ]:
        raise InputError(c.model_type, problems)
    parts, boxes, seen = [], [], []
    if read:
        shape = (input_ids if inputs_embeds is None else inputs_embeds).shape[:2]
        bbox = layoutlm.boxes(c, bbox, shape)
        parts.append(words(p["embeddings"], c, input_ids, bbox, token_type_ids, position_ids, inputs_embeds, k_words))
        boxes.append(bbox)
        seen.append(jnp.ones(shape, jnp.int32) if attention_mask is None else attention_mask)
    if pixel_values is not None:
        parts.append(picture(p, c, pixel_values))
        batch, patches = parts[-1].shape[:2]
        boxes.append(jnp.broadcast_to(patch_boxes(c.side), (batch, patches, 4)))
        seen.append(jnp.ones((batch, patches), jnp.int32))
    steps = [jnp.arange(part.shape[1]) for part in parts]
    x = jnp.concatenate(parts, 1)
    if pixel_values is not None:
        x = dropout(layer_norm(p["LayerNorm"], x, c.layer_norm_eps), c.hidden_dropout_prob, k_joint)
    mask = nn.mask.padding(jnp.concatenate(seen, 1))
    bias = position_bias(p["encoder"], c, jnp.concatenate(steps), jnp.concatenate(boxes, 1))

    def step(p, x, key):
        return bert.layer(p, c, x, mask=mask, bias=bias, key=key, weights=output_attentions)

    first, layers = x, p["encoder"]["layer"]
    x, ys = nn.fold(step, layers, x, states=output_hidden_states, key=k_layers)
    return Output(
        last_hidden_state=x, hidden_states=nn.hidden_states(first, ys), attentions=nn.collect(ys, "attention")
    )


# ------------------------------------------------------------------------------------------------------ heads


def score(p, c, x, key):
    return encoder_heads.two_layers(p, x, "tanh", encoder_heads.rate(c), key)


@extends(model)
def token_classification(p, c, input_ids=None, *, inputs_embeds=None, labels=None, key=None, **inputs):
    """One of `num_labels` classes a word; labels int [B, S]."""
    k_model, k_drop, k_head = nn.split(key, 3)
    out = model(p[PREFIX], c, input_ids, inputs_embeds=inputs_embeds, **inputs, key=k_model)
    given = input_ids if inputs_embeds is None else inputs_embeds
    if given is None:
        raise InputError(c.model_type, ["one of input_ids and inputs_embeds must be given: words are classified"])
    x = dropout(out.last_hidden_state[:, : given.shape[1]], c.hidden_dropout_prob, k_drop)
    logits = score(p["classifier"], c, x, k_head) if "dense" in p["classifier"] else linear(p["classifier"], x)
    return nn.heads.token_classification(out, logits, labels)


@extends(model)
def question_answering(p, c, *, start_positions=None, end_positions=None, key=None, **inputs):
    """Start and end of the answer among the words (and patches); positions int [B]."""
    k_model, k_head = nn.split(key, 2)
    out = model(p[PREFIX], c, **inputs, key=k_model)
    logits = score(p["qa_outputs"], c, out.last_hidden_state, k_head)
    return nn.heads.question_answering(out, logits, start_positions, end_positions)


HEADS = {
    "LayoutLMv3Model": Head(Model, model),
    "LayoutLMv3ForSequenceClassification": encoder_heads.sequence_classifier(
        Model, model, PREFIX, encoder_heads.first_token("tanh")
    ),
    "LayoutLMv3ForTokenClassification": Head(TokenClassifier, token_classification),
    "LayoutLMv3ForQuestionAnswering": Head(QuestionAnswering, question_answering),
}
