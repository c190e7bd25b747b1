"""Perceiver IO: a few latents read any input by cross-attention, think it over, and are read by queries.

Paper: https://arxiv.org/abs/2107.14795. Serves the checkpoints of DeepMind: the byte-level language model, the image
classifiers by learned positions, Fourier features and convolutions, optical flow, and videos with sound.
"""

from __future__ import annotations

import dataclasses

from jaxformers import nn
from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head, extends
from jaxformers.models import perceiver_inputs as reads
from jaxformers.models import perceiver_outputs as answers
from jaxformers.models.perceiver_encoder import Core, core
from jaxformers.nn import linear
from jaxformers.output import Output

PREFIX = "perceiver"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="perceiver"):
    num_latents: int = 256
    d_latents: int = 1280
    d_model: int = 768
    num_blocks: int = 1
    num_self_attends_per_block: int = 26
    num_self_attention_heads: int = 8
    num_cross_attention_heads: int = 8
    qk_channels: int | None = None
    v_channels: int | None = None
    cross_attention_shape_for_attention: str = "kv"
    self_attention_widening_factor: int = 1
    cross_attention_widening_factor: int = 1
    hidden_act: str = "gelu"
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    use_query_residual: bool = True
    vocab_size: int = 262
    max_position_embeddings: int = 2048
    image_size: int = 56
    train_size: tuple[int, ...] = (368, 496)
    num_frames: int = 16
    audio_samples_per_frame: int = 1920
    samples_per_patch: int = 16
    output_shape: tuple[int, ...] = (1, 16, 224, 224)
    output_num_channels: int = 512
    _label_trainable_num_channels: int = 1024

    allowed = {"hidden_act": nn.ACTIVATION_NAMES, "cross_attention_shape_for_attention": ("q", "kv")}

    def check(self):
        yield from self.multiple("d_latents", "num_self_attention_heads", "num_cross_attention_heads")
        for name in ("num_blocks", "num_self_attends_per_block"):
            if getattr(self, name) < 1:
                yield f"{name} must be at least 1, got {getattr(self, name)}"
        values = next((n for n in (self.v_channels, self.qk_channels) if n is not None), self.d_latents)
        if values != self.d_latents:
            yield f"v_channels (or qk_channels without it) must be d_latents, which they are added to, got {values}"
        if len(self.train_size) != 2:
            yield f"train_size must be (height, width), got {self.train_size}"
        if len(self.output_shape) != 4:
            yield f"output_shape must be (batch, frames, height, width), got {self.output_shape}"


# ------------------------------------------------------------------------------------------------------ declarations


def Model(c):
    return Core(c, c.d_model)


def Whole(c, channels: int, decoder, preprocessor=None, postprocessor=None):
    """A base model of inputs of so many channels with what stands before and behind it."""
    sides = {"input_preprocessor": preprocessor, "decoder": decoder, "output_postprocessor": postprocessor}
    return {PREFIX: {**Core(c, channels), **{name: p for name, p in sides.items() if p}}}


def MaskedWords(c):
    return {**Whole(c, c.d_model, answers.Words(c), reads.Text(c)), "embedding_decoder": answers.WordBias(c)}


def Sequences(c):
    return Whole(c, c.d_model, answers.Classes(c), reads.Text(c))


def LearnedImages(c):
    return Whole(c, 2 * reads.WIDTH, answers.Classes(c), reads.Learned(c))


def FourierImages(c):
    return Whole(c, reads.PIXELS, answers.Classes(c))


def ConvImages(c):
    return Whole(c, reads.CONV, answers.Classes(c), reads.Conv())


def Flow(c):
    return Whole(c, reads.FLOW, answers.Flow(c), reads.Flow())


def Video(c):
    return Whole(c, reads.video_width(c), answers.Video(c), reads.Video(c), answers.VideoEnds(c))


# ------------------------------------------------------------------------------------------------------ functions


@extends(core, "x")
def model(p, c, inputs, *, attention_mask=None, **options):
    """The encoder of inputs float [B, S, d_model]; attention_mask [B, S] is 1 where the latents read."""
    if inputs.ndim != 3 or inputs.shape[-1] != c.d_model:
        problem = f"inputs must have shape [batch, sequence, d_model = {c.d_model}], got {list(inputs.shape)}"
        raise InputError("perceiver", [problem])
    return core(p, c, inputs.astype(p["embeddings"]["latents"].dtype), attention_mask, **options)


def one_of(**given):
    """Texts and images come as `inputs` or under their own name, not as both."""
    held = [x for x in given.values() if x is not None]
    if len(held) != 1:
        raise InputError("perceiver", [f"exactly one of {' and '.join(given)} must be given, got {len(held)}"])
    return held[0]


def images(p, pixel_values, inputs):
    """float [B, 3, H, W], as it comes in."""
    x = nn.images("perceiver", one_of(pixel_values=pixel_values, inputs=inputs), reads.COLOURS)
    return x.astype(p[PREFIX]["embeddings"]["latents"].dtype)


def think(p, c, x, answer, output_attentions=False, key=None, **options):
    """The base model's output for x, and what `answer(decoder, c, latents, key, weights)` makes of its latents."""
    k_model, k_answer = nn.split(key, 2)
    out = core(p[PREFIX], c, x, **options, output_attentions=output_attentions, key=k_model)
    y, probs = answer(p[PREFIX].get("decoder"), c, out.last_hidden_state, k_answer, output_attentions)
    return Output({**out, "cross_attentions": (*out.cross_attentions, probs)}) if output_attentions else out, y


def image_classes(p, c, x, labels, options, state=None):
    out, logits = think(p, c, x, answers.classes, **options)
    return Output({**nn.heads.classification(out, c, logits, labels), "state": state})


# ------------------------------------------------------------------------------------------------------ heads


@extends(core, "x")
def masked_words(p, c, input_ids=None, *, inputs=None, labels=None, **options):
    """Scores of every byte at all `max_position_embeddings` places, which labels int must cover; -100 = not scored.

    Texts are int [B, S], as `input_ids` or as `inputs`.
    """
    table = p[PREFIX]["input_preprocessor"]
    x = reads.text(table, one_of(input_ids=input_ids, inputs=inputs))
    if labels is not None and labels.shape != (len(x), c.max_position_embeddings):
        problem = f"labels must have shape {[len(x), c.max_position_embeddings]}, got {list(labels.shape)}"
        raise InputError("perceiver", [problem], "fill them up with -100, and texts with padding")
    out, y = think(p, c, x, answers.words, **options)
    logits = linear({"weight": table["embeddings"]["weight"], "bias": p["embedding_decoder"]["bias"]}, y)
    return nn.heads.masked_lm(out, logits, labels)


@extends(core, "x")
def sequence_classification(p, c, input_ids=None, *, inputs=None, labels=None, **options):
    """One of `num_labels` classes (or targets) a text int [B, S]; labels as `losses.classification` takes them."""
    x = reads.text(p[PREFIX]["input_preprocessor"], one_of(input_ids=input_ids, inputs=inputs))
    out, logits = think(p, c, x, answers.classes, **options)
    return nn.heads.classification(out, c, logits, labels)


@extends(core, "x")
def learned_image(p, c, pixel_values=None, *, inputs=None, labels=None, interpolate_pos_encoding=False, **options):
    """One of `num_labels` classes an image [B, 3, H, W] of the config's `image_size`, by learned positions.

    With `interpolate_pos_encoding` the positions are stretched to images of another size.
    """
    x, n = images(p, pixel_values, inputs), c.image_size
    if not interpolate_pos_encoding:
        nn.images("perceiver", x, reads.COLOURS, (n, n), "resize the images or pass interpolate_pos_encoding=True")
    x = reads.learned(p[PREFIX]["input_preprocessor"], c, x, interpolate_pos_encoding)
    return image_classes(p, c, x, labels, options)


@extends(core, "x")
def fourier_image(p, c, pixel_values=None, *, inputs=None, labels=None, **options):
    """One of `num_labels` classes an image [B, 3, H, W], whose pixels are told apart by Fourier features."""
    return image_classes(p, c, reads.pixels(images(p, pixel_values, inputs)), labels, options)


@extends(core, "x")
def conv_image(p, c, pixel_values=None, *, inputs=None, labels=None, train=False, **options):
    """One of `num_labels` classes an image [B, 3, H, W], a quarter as high and wide after a convolution.

    With `train` its normalisation uses the batch's statistics, and `state` holds the new running ones:
    `jf.update(params, out.state)` are the parameters to go on with.
    """
    x, new = reads.conv(p[PREFIX]["input_preprocessor"], images(p, pixel_values, inputs), train)
    state = {PREFIX: {"input_preprocessor": new}} if train else None
    return image_classes(p, c, x, labels, options, state)


@extends(core, "x")
def optical_flow(p, c, inputs, **options):
    """`logits` [B, H, W, 2]: how far each pixel moves right and down.

    inputs: float [B, 2, 27, H, W], two frames of the config's `train_size`; 27 = 3 colours of 3 x 3 neighbours.
    """
    x = reads.flow(p[PREFIX]["input_preprocessor"], c, inputs.astype(p[PREFIX]["embeddings"]["latents"].dtype))

    def answer(decoder, c, z, key, weights):
        return answers.flow(decoder, c, x, z, key, weights)

    out, logits = think(p, c, x, answer, **options)
    return nn.heads.carry(out, logits=logits)


@extends(core, "x")
def video(p, c, inputs, *, subsampled_output_points=None, **options):
    """`logits` of a video: its sound, pixels and class again.

    Args:
      inputs: "image" float [B, T, 3, H, W], "audio" float [B, samples (, 1)], "label" float [B, num_labels].
      subsampled_output_points: "audio" int [m], patches of the sound, and "image" int [n], pixels counted through
        frames, rows and columns of the config's `output_shape`: what is asked for.
    """
    x = reads.video(p[PREFIX]["input_preprocessor"], c, inputs)

    def answer(decoder, c, z, key, weights):
        return answers.video(decoder, p[PREFIX]["output_postprocessor"], c, subsampled_output_points, z, key, weights)

    out, logits = think(p, c, x, answer, **options)
    return nn.heads.carry(out, logits=logits)


HEADS = {
    "PerceiverModel": Head(Model, model),
    "PerceiverForMaskedLM": Head(MaskedWords, masked_words),
    "PerceiverForSequenceClassification": Head(Sequences, sequence_classification),
    "PerceiverForImageClassificationLearned": Head(LearnedImages, learned_image),
    "PerceiverForImageClassificationFourier": Head(FourierImages, fourier_image),
    "PerceiverForImageClassificationConvProcessing": Head(ConvImages, conv_image),
    "PerceiverForOpticalFlow": Head(Flow, optical_flow),
    "PerceiverForMultimodalAutoencoding": Head(Video, video),
}
