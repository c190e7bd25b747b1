"""ResNet under the tensor names of the library timm, with frozen batch normalisation: the backbone of detectors.

Paper: https://arxiv.org/abs/1512.03385. Checkpoints of DETR and its kin hold their backbone so.
"""

from __future__ import annotations

import math

from jaxformers import nn
from jaxformers.nn import BatchNorm, Conv2d
from jaxformers.spec import Layers, normal

DEPTHS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
STEM, WIDTHS = 64, (64, 128, 256, 512)


def expansion(name: str) -> int:
    """How much wider a block's output is than its 3x3 convolutions."""
    return 1 if name in ("resnet18", "resnet34") else 4


def channels(name: str) -> tuple[int, ...]:
    """Of the stem and of every stage."""
    return (STEM, *(n * expansion(name) for n in WIDTHS))


def Conv(cin: int, cout: int, kernel: int):
    return Conv2d(cin, cout, kernel, bias=False, init=normal(math.sqrt(2 / (cout * kernel**2))))


def Block(name: str, cin: int, width: int, stride: int):
    cout = width * expansion(name)
    sizes = [(cin, width, 3), (width, cout, 3)]
    if expansion(name) > 1:
        sizes = [(cin, width, 1), (width, width, 3), (width, cout, 1)]
    p: dict = {}
    for i, (a, b, kernel) in enumerate(sizes, 1):
        p |= {f"conv{i}": Conv(a, b, kernel), f"bn{i}": BatchNorm(b)}
    if cin != cout or stride != 1:
        p["downsample"] = [Conv(cin, cout, 1), BatchNorm(cout)]
    return p


def Model(name: str, num_channels: int = 3):
    """Declares the stem and `layer1` to `layer4`."""
    widths, p = channels(name), {"conv1": Conv(num_channels, STEM, 7), "bn1": BatchNorm(STEM)}
    for i, depth in enumerate(DEPTHS[name]):
        first = Block(name, widths[i], WIDTHS[i], 1 if i == 0 else 2)
        rest = [Block(name, widths[i + 1], WIDTHS[i], 1) for _ in range(depth - 1)]
        p[f"layer{i + 1}"] = Layers([first, *rest])
    return p


def conv_norm(conv, norm, x, **how):
    return nn.batch_norm(norm, nn.conv2d(conv, x, **how), train=False)[0]


def block(p, x, stride: int, dilation: int):
    """A residual block. The first of a stage, which has a projecting shortcut, strides and is never dilated."""
    stride, dilation = (stride, 1) if "downsample" in p else (1, dilation)
    names = [n for n in ("conv1", "conv2", "conv3") if n in p]
    strided = "conv2" if "conv3" in p else "conv1"
    h = x
    for i, name in enumerate(names, 1):
        apart = dilation if p[name]["weight"].shape[-1] == 3 else 0
        how = {"stride": stride if name == strided else 1, "padding": apart, "dilation": max(apart, 1)}
        h = conv_norm(p[name], p[f"bn{i}"], nn.activation("relu", h) if i > 1 else h, **how)
    if "downsample" in p:
        conv, norm = p["downsample"]
        x = conv_norm(conv, norm, x, stride=stride)
    return nn.activation("relu", h + x), {}


def feature_maps(p, x, dilated: bool = False):
    """The stem's and every stage's output of images x [B, H, W, C], finest first.

    `dilated` (DC5): the last stage does not stride; its convolutions after the first block are dilated instead.
    """
    x = nn.activation("relu", conv_norm(p["conv1"], p["bn1"], x, stride=2, padding=3))
    maps = [x]
    x = nn.max_pool(x, 3, 2, 1)
    for i in range(len(WIDTHS)):
        last = dilated and i == len(WIDTHS) - 1

        def step(p, x, stride=1 if i == 0 or last else 2, dilation=2 if last else 1):
            return block(p, x, stride, dilation)

        x, _ = nn.fold(step, p[f"layer{i + 1}"], x, unroll_on_cpu=True)
        maps.append(x)
    return maps
