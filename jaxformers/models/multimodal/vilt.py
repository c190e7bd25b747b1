"""ViLT: words and patches of an image side by side in one transformer encoder, without a model for either alone.

Paper: https://arxiv.org/abs/2102.03334. Serves ViLT for questions, retrieval, pairs of images (NLVR2) and masked words
and every checkpoint of model type "vilt".
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import ConfigError, InputError
from jaxformers.model import Head, extends
from jaxformers.models.text import bert
from jaxformers.models.vilt_patches import patches
from jaxformers.models.vision import vit
from jaxformers.nn import Conv2d, Embedding, LayerNorm, Linear, dropout, embed, layer_norm, linear, losses
from jaxformers.output import Output
from jaxformers.spec import Layers, Param, zeros

PREFIX = "vilt"
HEAD_EPS = 1e-5  # of the norm inside classifiers


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="vilt"):
    vocab_size: int = 30522
    type_vocab_size: int = 2
    modality_type_vocab_size: int = 2
    max_position_embeddings: int = 40
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int = 384
    patch_size: int = 32
    num_channels: int = 3
    qkv_bias: bool = True
    max_image_length: int | None = -1
    tie_word_embeddings: bool = False
    num_images: int = -1

    allowed = {"hidden_act": nn.ACTIVATION_NAMES}

    def check(self):
        yield from self.multiple("hidden_size", "num_attention_heads")
        if not 0 < self.patch_size <= self.image_size:
            yield f"patch_size must be at least 1 and at most image_size ({self.image_size}), got {self.patch_size}"
        positions = self.extra.get("position_embedding_type", "absolute")
        if positions != "absolute":
            yield f"position_embedding_type must be 'absolute', got {positions!r}"

    @property
    def grid(self) -> int:
        """Rows, and columns, of patches in an image."""
        return self.image_size // self.patch_size


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c, pooler: bool = True):
    d = c.hidden_size
    return {
        "embeddings": {
            "text_embeddings": bert.Embeddings(c, d),
            "cls_token": Param((1, 1, d), "- - embed", zeros),
            "patch_embeddings": {"projection": Conv2d(c.num_channels, d, c.patch_size, "- embed")},
            "position_embeddings": Param((1, c.grid**2 + 1, d), "- - embed", zeros),
            "token_type_embeddings": Embedding(c.modality_type_vocab_size, d, "- embed"),
        },
        "encoder": {"layer": Layers(vit.Layer(c) for _ in range(c.num_hidden_layers))},
        "layernorm": LayerNorm(d),
        **({"pooler": bert.Pooler(c)} if pooler else {}),
    }


def MaskedLM(c):
    return {"vilt": Model(c), "mlm_score": bert.Predictions(c)}


def ties(c):
    tied = {"mlm_score.decoder.bias": "mlm_score.bias"}
    if c.tie_word_embeddings:
        tied["mlm_score.decoder.weight"] = "vilt.embeddings.text_embeddings.word_embeddings.weight"
    return tied


def Classifier(din: int, hidden: int, classes: int):
    """Two layers with a norm and a gelu between them."""
    first = {"0": Linear(din, hidden, "embed -"), "1": LayerNorm(hidden, "-")}
    return {**first, "3": Linear(hidden, classes, "embed -")}


def QuestionAnswering(c):
    return {"vilt": Model(c), "classifier": Classifier(c.hidden_size, 2 * c.hidden_size, c.num_labels)}


def Retrieval(c):
    return {"vilt": Model(c), "rank_output": Linear(c.hidden_size, 1, "embed -")}


def ImagesAndText(c):
    if c.num_images < 1:
        raise ConfigError("ViltForImagesAndTextClassification", [f"num_images must be at least 1, got {c.num_images}"])
    width = c.hidden_size * c.num_images
    return {"vilt": Model(c), "classifier": Classifier(width, width, c.num_labels)}


def TokenClassifier(c):
    return {"vilt": Model(c, pooler=False), "classifier": Linear(c.hidden_size, c.num_labels, "embed -")}


# ------------------------------------------------------------------------------------------------------ functions


def words(p, c, input_ids, inputs_embeds, token_type_ids, key):
    """Embeddings [B, S, D] of a text."""
    x = nn.heads.embeddings("vilt", input_ids, inputs_embeds, lambda ids: embed(p["word_embeddings"], ids))
    kinds = jnp.zeros((1, 1), jnp.int32) if token_type_ids is None else token_type_ids
    x = x + embed(p["token_type_embeddings"], kinds)
    x = x + embed(p["position_embeddings"], jnp.arange(x.shape[1])[None])
    return dropout(layer_norm(p["LayerNorm"], x, c.layer_norm_eps), c.hidden_dropout_prob, key)


def model(
    p,
    c,
    input_ids=None,
    attention_mask=None,
    token_type_ids=None,
    pixel_values=None,
    pixel_mask=None,
    inputs_embeds=None,
    image_embeds=None,
    image_token_type_idx=1,
    output_hidden_states=False,
    output_attentions=False,
    key=None,
):
    """The encoder over words and patches: `last_hidden_state` [B, S + 1 + L, D], the text first.

    input_ids int [B, S] (or inputs_embeds [B, S, D]) and their mask; pixel_values [B, C, H, W] of any size and the
    mask [B, H, W] of their real pixels, which fill the upper left. `image_embeds` [B, L, D] stand for class token and
    patches, pixel_mask [B, ...] then for which of them are real. `image_token_type_idx` tells a second image from the
    first. `key` switches dropout on, and draws patches where `max_image_length` leaves some out.

    Patches keep their order and number; transformers 4.57.6 shuffles them and cuts off those that no image has.
    """
    if (pixel_values is None) == (image_embeds is None):
        raise InputError("vilt", ["exactly one of pixel_values and image_embeds must be given"])
    k_text, k_image, k_layers = nn.split(key, 3)
    held = p["embeddings"]
    x = words(held["text_embeddings"], c, input_ids, inputs_embeds, token_type_ids, k_text)
    real = jnp.ones(x.shape[:2], bool) if attention_mask is None else attention_mask.astype(bool)
    if image_embeds is None:
        y, seen = patches(held, c, pixel_values, pixel_mask, k_image)
    else:
        y, given = image_embeds, image_embeds.shape[:2]
        seen = jnp.ones(given, bool) if pixel_mask is None else pixel_mask.reshape(given).astype(bool)
    if x.shape[0] != y.shape[0]:
        raise InputError("vilt", [f"there must be an image a text, got {x.shape[0]} texts and {y.shape[0]} images"])
    kinds = held["token_type_embeddings"]
    x, y = x + embed(kinds, jnp.zeros((1, 1), int)), y + embed(kinds, jnp.full((1, 1), image_token_type_idx))
    first = jnp.concatenate([x, y.astype(x.dtype)], 1)
    mask = nn.mask.padding(jnp.concatenate([real, seen], 1))

    def step(p, x, key):
        return vit.layer(p, c, x, mask=mask, key=key, weights=output_attentions)

    layers = p["encoder"]["layer"]
    x, ys = nn.fold(step, layers, first, states=output_hidden_states, key=k_layers)
    x = layer_norm(p["layernorm"], x, c.layer_norm_eps)
    return Output(
        last_hidden_state=x,
        pooler_output=bert.pool(p["pooler"], x) if "pooler" in p else None,
        hidden_states=nn.hidden_states(first, ys),
        attentions=nn.collect(ys, "attention"),
    )


def of_text(out: Output, input_ids, inputs_embeds):
    """The states [B, S, D] of the words alone."""
    return out.last_hidden_state[:, : (inputs_embeds if input_ids is None else input_ids).shape[1]]


def classify(p, x):
    h = nn.gelu(layer_norm(p["1"], linear(p["0"], x), HEAD_EPS))
    return linear(p["3"], h)


# ------------------------------------------------------------------------------------------------------ heads


@extends(model, "image_token_type_idx")
def masked_lm(p, c, input_ids=None, *, inputs_embeds=None, labels=None, **inputs):
    """Words behind masks: `logits` [B, S, V]; labels int [B, S], -100 = not scored."""
    out = model(p["vilt"], c, input_ids, inputs_embeds=inputs_embeds, **inputs)
    table = p["vilt"]["embeddings"]["text_embeddings"]["word_embeddings"]
    logits = bert.predict(p["mlm_score"], c, of_text(out, input_ids, inputs_embeds), table)
    return nn.heads.masked_lm(out, logits, labels)


@extends(model, "image_token_type_idx")
def question_answering(p, c, *, labels=None, **inputs):
    """Scores of `num_labels` answers; labels float [B, num_labels] say how right each is; their losses add up."""
    out = model(p["vilt"], c, **inputs)
    logits = classify(p["classifier"], out.pooler_output)
    loss = None
    if labels is not None:
        x, y = logits.astype(jnp.float32), labels.astype(jnp.float32)
        loss = (jax.nn.softplus(x) - y * x).mean() * labels.shape[1]
    return nn.heads.carry(out, loss=loss, logits=logits)


@extends(model, "image_token_type_idx")
def retrieval(p, c, **inputs):
    """How well a text fits its image: `logits` [B, 1]."""
    out = model(p["vilt"], c, **inputs)
    return nn.heads.carry(out, logits=linear(p["rank_output"], out.pooler_output))


@extends(model, "image_token_type_idx")
def images_and_text(p, c, *, pixel_values=None, pixel_mask=None, image_embeds=None, labels=None, key=None, **inputs):
    """One of `num_labels` classes of a text about `num_images` images [B, I, C, H, W]; labels int [B].

    `hidden_states` and `attentions` have an entry an image.
    """
    given = {"pixel_values": pixel_values, "pixel_mask": pixel_mask, "image_embeds": image_embeds}
    axes = {"pixel_values": 5, "pixel_mask": 4, "image_embeds": 4}
    given = {n: x if x.ndim == axes[n] else x[:, None] for n, x in given.items() if x is not None}
    counts = {n: x.shape[1] for n, x in given.items() if x.shape[1] != c.num_images}
    if counts or not given.keys() - {"pixel_mask"}:
        problem = f"pixel_values or image_embeds must hold num_images = {c.num_images} images a text, got {counts}"
        raise InputError("ViltForImagesAndTextClassification", [problem])
    outs = [
        model(p["vilt"], c, **{n: x[:, i] for n, x in given.items()}, **inputs, image_token_type_idx=i + 1, key=k)
        for i, k in enumerate(nn.split(key, c.num_images))
    ]
    logits = classify(p["classifier"], jnp.concatenate([out.pooler_output for out in outs], -1))
    reported = {n: tuple(out[n] for out in outs) for n in ("hidden_states", "attentions") if n in outs[0]}
    return Output(loss=None if labels is None else losses.cross_entropy(logits, labels), logits=logits, **reported)


@extends(model, "image_token_type_idx")
def token_classification(p, c, input_ids=None, *, inputs_embeds=None, labels=None, key=None, **inputs):
    """One of `num_labels` classes a word; labels int [B, S]."""
    k_model, k_head = nn.split(key, 2)
    out = model(p["vilt"], c, input_ids, inputs_embeds=inputs_embeds, **inputs, key=k_model)
    x = dropout(of_text(out, input_ids, inputs_embeds), c.hidden_dropout_prob, k_head)
    return nn.heads.token_classification(out, linear(p["classifier"], x), labels)


HEADS = {
    "ViltModel": Head(Model, model),
    "ViltForMaskedLM": Head(MaskedLM, masked_lm, ties=ties),
    "ViltForQuestionAnswering": Head(QuestionAnswering, question_answering),
    "ViltForImageAndTextRetrieval": Head(Retrieval, retrieval),
    "ViltForImagesAndTextClassification": Head(ImagesAndText, images_and_text),
    "ViltForTokenClassification": Head(TokenClassifier, token_classification),
}
