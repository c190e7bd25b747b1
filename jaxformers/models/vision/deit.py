"""DeiT: ViT with a second token, taught by another network, beside the class token.

Paper: https://arxiv.org/abs/2012.12877. Serves distilled DeiTs and every checkpoint of model type "deit".
"""

from __future__ import annotations

import dataclasses
import functools

from jaxformers.model import Head, extends
from jaxformers.models.vision import vit
from jaxformers.models.vision.vit import encode, model, reconstruct
from jaxformers.nn import Conv2d, Linear, heads, linear

PREFIX = "deit"


@dataclasses.dataclass(frozen=True)
class Config(vit.Config, model_type="deit"):
    tokens = ("cls_token", "distillation_token")


# ------------------------------------------------------------------------------------------------------ declarations

Unpooled = functools.partial(vit.Model, pooler=False)


def MaskedImage(c):
    decoder = Conv2d(c.hidden_size, c.encoder_stride**2 * c.num_channels, 1, "embed -")
    return {"deit": Unpooled(c, mask_token=True), "decoder": [decoder]}


def Classifier(c, *names: str):
    return {"deit": Unpooled(c), **{name: Linear(c.hidden_size, c.num_labels, "embed -") for name in names}}


# ------------------------------------------------------------------------------------------------------ heads


@extends(encode)
def masked_image(p, c, pixel_values, bool_masked_pos=None, **inputs):
    """Pixels behind masked patches: `reconstruction` [B, C, H, W]; the loss is the mean error over masked pixels.

    As in the reference every patch is painted by the token in front of it, the first one by the distillation token.
    """
    out = encode(p["deit"], c, pixel_values, bool_masked_pos, **inputs)
    return reconstruct(p, c, out, out.last_hidden_state[:, 1:-1], pixel_values, bool_masked_pos)


@extends(encode, "bool_masked_pos")
def image_classification(p, c, pixel_values, *, labels=None, **inputs):
    """One of `num_labels` classes (or targets) an image, by the class token; labels as `losses.classification`."""
    out = encode(p["deit"], c, pixel_values, **inputs)
    return heads.classification(out, c, linear(p["classifier"], out.last_hidden_state[:, 0]), labels)


@extends(encode, "bool_masked_pos")
def with_teacher(p, c, pixel_values, **inputs):
    """Scores [B, num_labels] by the class token, `cls_logits`, by the other, `distillation_logits`, and their mean."""
    out = encode(p["deit"], c, pixel_values, **inputs)
    x = out.last_hidden_state
    own, taught = linear(p["cls_classifier"], x[:, 0]), linear(p["distillation_classifier"], x[:, 1])
    return heads.carry(out, logits=(own + taught) / 2, cls_logits=own, distillation_logits=taught)


HEADS = {
    "DeiTModel": Head(vit.Model, model),
    "DeiTForImageClassification": Head(lambda c: Classifier(c, "classifier"), image_classification),
    "DeiTForImageClassificationWithTeacher": Head(
        lambda c: Classifier(c, "cls_classifier", "distillation_classifier"), with_teacher
    ),
    "DeiTForMaskedImageModeling": Head(MaskedImage, masked_image),
}
