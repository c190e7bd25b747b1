"""DETR's matching, its labels, and backbones under timm's tensor names, which no recorded value covers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.case import load_cases
from support.fill import fill, relative_error

import jaxformers as jf
from jaxformers import models, spec
from jaxformers.models import timm_resnet
from jaxformers.nn import detection

CASES = load_cases("detr")


def cheapest(cost):
    """The least cost of matching all columns, or all rows, of a matrix, by trying every way."""
    if cost.shape[0] < cost.shape[1]:
        return cheapest(cost.T)
    ways = itertools.permutations(range(cost.shape[0]), cost.shape[1])
    return min(sum(cost[q, t] for t, q in enumerate(way)) for way in ways)


@pytest.mark.parametrize(("queries", "labels"), [(6, 3), (4, 4), (3, 5)])
def test_assignment_is_the_cheapest(queries, labels):
    rng = np.random.default_rng(0)
    cost = rng.normal(0, 10, (40, queries, labels)).astype(np.float32)
    real = rng.integers(0, labels + 1, 40)
    valid = np.stack([rng.permutation(np.arange(labels) < n) for n in real])
    query, matched = jax.jit(detection.assign)(cost, valid)
    for c, q, m, v in zip(cost, np.asarray(query), np.asarray(matched), valid, strict=True):
        assert m.sum() == min(v.sum(), queries)
        assert (m <= v).all()
        assert len(set(q[m])) == m.sum()
        assert c[q[m], np.flatnonzero(m)].sum() == pytest.approx(cheapest(c[:, v]) if v.any() else 0, rel=1e-5)


def detector(**changes):
    values = {**CASES.TINY, **CASES.LABELS, **changes}
    config = jf.AutoConfig.for_model("detr", **values)
    name, head = models.find_head(config, "ForObjectDetection")
    params = spec.map_named(lambda path, p: jnp.asarray(fill(spec.names(path)[0], p.shape)), head.declare(config))
    return jf.Model(params, config, head, name)


def test_padding_of_labels_changes_nothing():
    model = detector(auxiliary_loss=True)
    x = CASES.inputs(model.name, CASES.TINY, np.random.default_rng(0))
    wider = {k: np.concatenate([v, np.full_like(v[:, :1], -1)], 1) for k, v in x["labels"].items()}
    wider["boxes"][wider["class_labels"] < 0] = np.nan

    @jax.jit
    @jax.value_and_grad
    def loss(params, labels):
        return model.apply(params, **{**x, "labels": labels}).loss

    (a, grads), (b, padded) = (loss(model.params, labels) for labels in (x["labels"], wider))
    assert float(a) == pytest.approx(float(b), rel=1e-6)
    for g, h in zip(jax.tree.leaves(grads), jax.tree.leaves(padded), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-3, atol=1e-5)


def test_labels_that_do_not_fit_are_refused():
    model = detector()
    x = CASES.inputs(model.name, CASES.TINY, np.random.default_rng(0))
    for labels in ({"boxes": x["labels"]["boxes"]}, {**x["labels"], "boxes": x["labels"]["boxes"][:, :2]}):
        with pytest.raises(jf.InputError, match="labels must"):
            model(**{**x, "labels": labels})
    several = jf.AutoConfig.for_model("detr", **{**CASES.TINY, "backbone_config": CASES.R101})
    with pytest.raises(jf.ConfigError, match="feature maps"):
        models.find_head(several, "ForSegmentation")[1].declare(several)


def renamed(p):
    """Parameters of our ResNet's backbone under timm's names."""

    def pair(conv, norm, at):
        return {f"conv{at}": conv, f"bn{at}": norm}

    def block(q):
        out = {}
        for i, conv in enumerate(q["layer"], 1):
            out |= pair(conv["convolution"], conv["normalization"], i)
        if "shortcut" in q:
            out["downsample"] = [q["shortcut"]["convolution"], q["shortcut"]["normalization"]]
        return out

    stem = p["embedder"]["embedder"]
    stages = {
        f"layer{i}": spec.Layers(block(q) for q in stage["layers"])
        for i, stage in enumerate(p["encoder"]["stages"], 1)
    }
    return {**pair(stem["convolution"], stem["normalization"], 1), **stages}


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_backbones_of_timm_equal_ours_under_other_names(name, monkeypatch):
    monkeypatch.setitem(timm_resnet.DEPTHS, name, (1, 3, 1, 1))
    basic = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]} if name == "resnet18" else {}
    every = ["stem", "stage1", "stage2", "stage3", "stage4"]
    config = jf.AutoConfig.for_model("resnet", depths=timm_resnet.DEPTHS[name], out_features=every, **basic)
    ours = jf.init(config, "Backbone", key=jax.random.key(0))
    params = renamed(ours.params)
    declared = spec.flatten(timm_resnet.Model(name))
    assert {k: p.shape for k, p in declared.items()} == {k: x.shape for k, x in spec.flatten(params).items()}
    x = np.random.default_rng(0).standard_normal((1, 3, 64, 96)).astype(np.float32)
    maps = jax.jit(timm_resnet.feature_maps)(params, jnp.moveaxis(x, 1, -1))
    stacked = jax.jit(timm_resnet.feature_maps)(jf.stack(params), jnp.moveaxis(x, 1, -1))
    for got, same, expected in zip(maps[1:], stacked[1:], ours(x).feature_maps[1:], strict=True):
        assert relative_error(np.moveaxis(got, -1, 1), expected) <= 1e-5
        assert relative_error(same, got) <= 1e-5


def test_a_dilated_last_stage_is_the_strided_one_at_every_place(monkeypatch):
    monkeypatch.setitem(timm_resnet.DEPTHS, "resnet50", (1, 1, 1, 3))
    params = jf.spec.init(timm_resnet.Model("resnet50"), jax.random.key(0))
    x = jnp.asarray(np.random.default_rng(0).standard_normal((1, 128, 64, 3)), jnp.float32)
    *_, plain = jax.jit(timm_resnet.feature_maps)(params, x)
    *_, dilated = jax.jit(lambda p, x: timm_resnet.feature_maps(p, x, dilated=True))(params, x)
    assert dilated.shape[1:3] == (8, 4)
    assert relative_error(dilated[:, ::2, ::2], plain) <= 1e-5


R50 = 41302368


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, R50),
        ({"backbone": "resnet101"}, R50 + 17 * (1024 * 256 + 256 * 256 * 9 + 256 * 1024)),
        ({"dilation": True}, R50),
    ],
)
def test_published_sizes_with_timms_names(changes, count):
    """As the authors' training logs count them: the stem, the first stage and batch normalisation are frozen.

    ResNet-101 has seventeen blocks more in its third stage.
    """
    config = jf.AutoConfig.for_model("detr", num_labels=91, **changes)
    head = models.find_head(config, "ForObjectDetection")[1]
    declared = head.declare(config)
    assert spec.count(declared, trainable=True) == count
    names = spec.flatten(declared)
    assert "model.backbone.conv_encoder.model.layer1.0.downsample.1.running_mean" in names
    x = {"pixel_values": jax.ShapeDtypeStruct((1, 3, 800, 1066), jnp.float32)}
    out = jax.eval_shape(lambda p, x: head.apply(p, config, **x), spec.abstract(spec.stack(declared)), x)
    assert out.logits.shape == (1, 100, 92)
    places = 50 * 67 if config.dilation else 25 * 34
    assert out.encoder_last_hidden_state.shape == (1, places, 256)


def test_files_with_timms_names_come_back_exact(tmp_path):
    tiny = {k: v for k, v in CASES.TINY.items() if "backbone" not in k}
    config = jf.AutoConfig.for_model("detr", backbone="resnet18", **tiny)
    model = jf.init(config, "ForSegmentation", key=jax.random.key(0))
    jf.save(model, tmp_path)
    again = jf.load(tmp_path)
    assert again.config == model.config.replace(architectures=(model.name,))
    same = jax.tree.map(lambda a, b: bool((a == b).all()), again.params, model.params)
    assert all(jax.tree.leaves(same))
