"""The contract that every head of every model keeps. A new model inherits all of it from its case file."""

from __future__ import annotations

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from support.case import GOLDENS, Case, default_inputs, load_cases, model_types
from support.fill import fill, leaves, read_sketches, relative_error, sketch, sketch_error

import jaxformers as jf
from jaxformers import loading, models, sharding, spec
from jaxformers.model import arguments, main_input, run


@dataclasses.dataclass(frozen=True)
class Subject:
    """One case on one head, with name-filled weights and the outputs of one compiled call."""

    model_type: str
    case: Case
    head: str

    def __repr__(self):
        return f"{self.model_type}-{self.case.name}-{self.head}"

    @functools.cached_property
    def config(self):
        return jf.AutoConfig.for_model(self.model_type, **self.case.config)

    @functools.cached_property
    def model(self) -> jf.Model:
        name, head = models.find_head(self.config, self.head)
        params = spec.map_named(lambda path, p: jnp.asarray(filled(path, p)), head.declare(self.config))
        return jf.Model(params, self.config, head, name)

    @functools.cached_property
    def stacked(self) -> jf.Model:
        return self.model.replace(params=jf.stack(self.model.params))

    @functools.cached_property
    def inputs(self) -> dict[str, np.ndarray]:
        return self.case.make_inputs(self.head)

    @functools.cached_property
    def options(self) -> dict:
        known = arguments(self.model.head.apply)
        flags = {k: True for k in ("output_hidden_states", "output_attentions") if k in known}
        return flags | {k: v for k, v in self.case.options.items() if k in known}

    @functools.cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        return leaves(self.model(**self.inputs, **self.options))


def filled(path, p) -> np.ndarray:
    held = [fill(n, p.shape[len(p.stacked) :]) for n in spec.names(path)]
    return np.stack(held).reshape(p.shape)


@functools.cache
def goldens(model_type: str):
    return read_sketches(GOLDENS / f"{model_type}.npz")


SUBJECTS = [
    Subject(t, case, head)
    for t in model_types()
    for case in load_cases(t).CASES
    for head in case.heads or load_cases(t).HEADS
]
FIRST = list({(s.model_type, s.head): s for s in reversed(SUBJECTS)}.values())[::-1]


def _computed_by(model_type: str):
    """The function of an architecture's bare model."""
    return next(iter(models.module(model_type).HEADS.values())).apply


def _own() -> list[str]:
    """Of the architectures that are computed by one function that one whose file it stands in, else the first."""
    owners: dict = {}
    for t in model_types():
        apply = _computed_by(t)
        if apply.__module__ == models.module(t).__name__ or apply not in owners:
            owners[apply] = t
    return sorted(owners.values())


# The head behind the bare model in the table, of each architecture that has a computation of its own: what is costly
# to compile is run on these by default, and on the others, which are or end the same model, with `-m slow`.
CORE = {(t, load_cases(t).HEADS[:2][-1]) for t in _own()}


# What a default run compares with the reference: every head in the first case that has it, and of further cases, whose
# options change what is behind the heads, the bare model and the head behind it.
_ONCE = {repr(s) for s in FIRST} | {repr(s) for s in SUBJECTS if s.head in load_cases(s.model_type).HEADS[:2]}


def over(subjects, core: bool = False, options: bool = False):
    """One test per subject; those of one subject run in one process and share its compiled call.

    The slow suite alone runs, with `core`, heads that are not in CORE, and with `options` what is not in _ONCE.
    """

    def marks(s):
        late = (core and (s.model_type, s.head) not in CORE) or (options and repr(s) not in _ONCE)
        slow = [pytest.mark.slow] if late else []
        return [pytest.mark.xdist_group(repr(s)), *slow]

    return pytest.mark.parametrize("s", [pytest.param(s, id=repr(s), marks=marks(s)) for s in subjects])


@over(SUBJECTS, options=True)
def test_equals_the_reference(s: Subject):
    prefix = f"{s.case.name}/{s.head}/"
    expected = {k.removeprefix(prefix): v for k, v in goldens(s.model_type).items() if k.startswith(prefix)}
    assert expected, "no goldens recorded: run `make goldens`"
    missing = sorted(set(expected) - set(s.outputs))
    assert not missing, f"the reference also returns {missing}"
    errors = {k: sketch_error(sketch(s.outputs[k]), v) for k, v in expected.items()}
    assert max(errors.values()) <= s.case.tolerance, {k: e for k, e in errors.items() if e > s.case.tolerance}


def scalar(out) -> jax.Array:
    """One number that depends on every floating output."""
    floats = [x for x in jax.tree.leaves(out) if jnp.issubdtype(x.dtype, jnp.floating)]
    return sum(jnp.mean(jnp.square(x.astype(jnp.float32))) for x in floats)


@functools.partial(jax.jit, static_argnums=(0, 1))
def value_and_grad(head, options, model, arrays):
    def f(model):
        out = head.apply(model.params, model.config, **arrays, **dict(options))
        return scalar(out), out

    (_, out), grads = jax.value_and_grad(f, has_aux=True)(model)
    return out, grads.params


@over(FIRST, core=True)
def test_list_and_stack_agree(s: Subject):
    arrays = jax.tree.map(jnp.asarray, s.inputs)
    options = tuple(sorted(s.options.items()))
    out, grads = value_and_grad(s.model.head, options, s.model, arrays)
    out_stacked, grads_stacked = value_and_grad(s.model.head, options, s.stacked, arrays)
    for name, value in leaves(out).items():
        assert relative_error(leaves(out_stacked)[name], value) <= 1e-5, name
    flat, flat_stacked = spec.flatten(grads), spec.flatten(grads_stacked)
    assert set(flat) == set(spec.flatten(s.model.params))
    total = np.sqrt(sum(float(jnp.sum(jnp.square(g))) for g in flat.values()))
    assert 0 < total < np.inf
    for name, g in flat.items():
        assert float(jnp.linalg.norm(flat_stacked[name] - g)) <= 1e-4 * total, name


@over([s for s in FIRST if models.find_head(s.config, s.head)[1].cache and "decoder_input_ids" not in s.inputs])
def test_cached_decode_equals_one_pass(s: Subject):
    model = as_decoder(s)
    ids = s.inputs["input_ids"]
    rows, length = ids.shape[0], ids.shape[-1]
    for padding in (slice(0, 2), slice(2, 4)):  # on the left of a prompt, as in batched generation, and on its right
        mask = np.ones((rows, length), np.int32)
        mask[-1, padding] = 0
        positions = np.maximum(np.cumsum(mask, -1) - 1, 0).astype(np.int32)
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        images = {n: x for n, x in s.inputs.items() if n == "pixel_values"}  # whose tokens come first
        whole = model(**inputs, **images)
        field = "logits" if "logits" in whole else "last_hidden_state"
        cache = model.init_cache(rows, length + 3)
        parts = []
        for a, b in [(0, 4), (4, 5), (5, 6), (6, length)]:
            beside = images if a == 0 else {}
            out = model(**{name: x[:, a:b] for name, x in inputs.items()}, past_key_values=cache, **beside)
            cache = out.past_key_values
            parts.append(out[field])
        steps = np.concatenate(parts, 1)
        seen = mask.astype(bool)
        assert relative_error(steps[seen], np.asarray(whole[field])[seen]) <= 1e-5
        assert int(cache["index"]) == length


def as_decoder(s: Subject) -> jf.Model:
    turn = hasattr(s.config, "use_cache") and not (s.config.is_decoder or s.config.is_encoder_decoder)
    return s.model.replace(config=s.config.replace(is_decoder=True)) if turn else s.model


def writes(s: Subject) -> bool:
    return models.find_head(s.config, s.head)[1].cache is not None and not models.is_bare(s.config.model_type, s.head)


@over([s for s in FIRST if writes(s)])
def test_generates_what_full_passes_say(s: Subject):
    model, new = as_decoder(s), 3
    both = model.head.reads_source
    main = main_input(model.head.apply) if both else "input_ids"
    ids = s.inputs[main][:, :5] if main == "input_ids" else s.inputs[main]
    read = {main: ids}
    if main == "input_ids":
        read["attention_mask"] = np.ones(ids.shape, np.int32)
        read["attention_mask"][-1, :2] = 0
        read |= {n: x for n, x in s.inputs.items() if n == "pixel_values"}  # whose tokens come first
    starts = {"decoder_start_token_id": 3} if both else {}
    out = model.generate(**read, max_new_tokens=new, eos_token_id=None, pad_token_id=0, **starts)
    text, real = (np.full((2, 1), 3), np.ones((2, 1), np.int32)) if both else (ids, read["attention_mask"])
    for _ in range(new):  # in one shape, so that it is one program
        room = ((0, 0), (0, out.shape[1] - text.shape[1]))
        inputs = {"input_ids": np.pad(text, room), "attention_mask": np.pad(real, room)}
        inputs = {**read, **({f"decoder_{n}": x for n, x in inputs.items()} if both else inputs)}
        if not both and "position_ids" in arguments(model.head.apply):
            inputs["position_ids"] = np.maximum(np.cumsum(inputs["attention_mask"], -1) - 1, 0)
        token = np.asarray(model(**inputs).logits)[:, text.shape[1] - 1].argmax(-1)[:, None]
        text, real = np.concatenate([text, token], 1), np.concatenate([real, np.ones_like(token)], 1)
    np.testing.assert_array_equal(out, text)


@over([s for s in FIRST if "attention_mask" in s.inputs])
def test_padding_does_not_leak(s: Subject):
    inputs, changed = dict(s.inputs), []
    for ids, mask in (("input_ids", "attention_mask"), ("decoder_input_ids", "decoder_attention_mask")):
        if ids in inputs and mask in inputs:
            pad = inputs[mask] == 0
            assert pad.any()
            other = (inputs[ids] + 7) % s.config.get_text_config().vocab_size
            changed.append(ids)
            inputs[ids] = np.where(pad, other, inputs[ids]).astype(np.int32)
    real = s.inputs["attention_mask"].astype(bool)
    if "input_values" in inputs:  # waveforms, of which a frame is made for many samples
        assert not real.all()
        changed.append("input_values")
        inputs["input_values"] = np.where(real, inputs["input_values"], 7).astype(np.float32)
        real = np.arange(s.config.frames(real.shape[1])) < s.config.frames(real.sum(-1, keepdims=True))
    assert changed
    real_decoder = s.inputs.get("decoder_attention_mask", real).astype(bool)
    before, after = s.model(**s.inputs, **s.options), s.model(**inputs, **s.options)
    compared = 0
    named = ("last_hidden_state", "logits", "prediction_logits", "start_logits", "encoder_last_hidden_state")
    for name in (*named, "text_embeds", "projected_states"):
        if name not in before:
            continue
        a, b = np.asarray(before[name]), np.asarray(after[name])
        keep = real_decoder if not name.startswith("encoder") and "decoder_input_ids" in inputs else real
        if name in ("last_hidden_state", "start_logits") and a.shape[1] > keep.shape[1]:  # patches of an image follow
            keep = np.pad(keep, ((0, 0), (0, a.shape[1] - keep.shape[1])), constant_values=True)
        if a.shape[: keep.ndim] == keep.shape:
            a, b = a[keep], b[keep]
        elif s.head.endswith("ForSequenceClassification") and "score" in s.model.params:
            continue  # the last token is found by its id: changing padding ids changes what the call means
        assert relative_error(b, a) <= 1e-5, name
        compared += 1
    assert compared or "score" in s.model.params


@over(FIRST, core=True)
def test_eight_devices_equal_one(s: Subject):
    mesh = Mesh(np.asarray(jax.devices()[:8]).reshape(2, 2, 2), ("data", "fsdp", "tensor"))
    declared = spec.stack(s.model.head.declare(s.config))
    plan = sharding.plan(declared, mesh, "fsdp+tensor")
    params = jax.device_put(s.stacked.params, plan.shardings)
    split = [x for x in jax.tree.leaves(params) if not x.sharding.is_fully_replicated]
    assert split, "the rules split nothing"
    batch = NamedSharding(mesh, PartitionSpec("data"))
    inputs = jax.tree.map(
        lambda v: jax.device_put(v, batch if v.ndim and v.shape[0] == 2 else NamedSharding(mesh, PartitionSpec())),
        s.inputs,
    )
    with jf.running(mesh=mesh, rules="fsdp+tensor+sequence"):
        out = leaves(s.stacked.replace(params=params)(**inputs, **s.options))
    for name, value in s.outputs.items():
        assert relative_error(out[name], value) <= 1e-5, name


@over(FIRST)
def test_save_and_load_are_exact(s: Subject, tmp_path):
    s.stacked.save(tmp_path / "stacked")
    s.model.save(tmp_path / "list", max_shard_size=20_000)
    a = jf.load(tmp_path / "stacked")
    b = jf.load(tmp_path / "list", stack=True)
    assert a.name == b.name == s.head
    assert a.config == s.config.replace(architectures=(s.head,))
    chex_equal(a.params, s.model.params)
    chex_equal(b.params, s.stacked.params)


def chex_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@over(FIRST)
def test_bfloat16_in_bfloat16_out(s: Subject):
    def half(x):
        return jax.ShapeDtypeStruct(x.shape, jnp.bfloat16 if jnp.issubdtype(x.dtype, jnp.floating) else x.dtype)

    params = jax.tree.map(half, s.model.params)
    targets = {k for k in s.inputs if "labels" in k}
    inputs = {k: v if k in targets else jax.tree.map(half, v) for k, v in s.inputs.items()}
    out = jax.eval_shape(lambda p, x: s.model.head.apply(p, s.config, **x, **s.options), params, inputs)
    wrong = {
        k: v.dtype
        for k, v in leaves_of(out)
        if jnp.issubdtype(v.dtype, jnp.floating)
        and v.dtype != jnp.bfloat16
        and not any(w in k for w in ("loss", "router"))
    }
    assert not wrong


@over(FIRST)
def test_one_trace_per_shape(s: Subject):
    s.model(**s.inputs, **s.options)
    traces = run._cache_size()
    again = jax.tree.map(np.copy, s.inputs)
    s.model.replace(params=jax.tree.map(lambda x: x + 0, s.model.params))(**again, **s.options)
    assert run._cache_size() == traces


@pytest.mark.parametrize("model_type", model_types())
def test_every_head_loads_from_the_file_of_every_other(model_type):
    config = jf.AutoConfig.for_model(model_type, **load_cases(model_type).CASES[0].config)
    module = models.module(model_type)
    prefixes = {module.PREFIX, *(h.prefix for h in module.HEADS.values() if h.prefix)}

    def bare(name):
        first, _, rest = name.partition(".")
        return rest if first in prefixes else name

    for source, giver in module.HEADS.items():
        file = spec.flatten(giver.declare(config))
        held = {bare(name): p.shape for name, p in file.items()}
        for target, head in module.HEADS.items():
            declared = spec.flatten(head.declare(config))
            if any(held.get(bare(n), p.shape) != p.shape for n, p in declared.items()):
                continue  # two heads that call different things by one name: refused, as the reference does
            tensors = spec.abstract(file)
            if not any(bare(n) in held for n in declared):  # towers that share nothing
                with pytest.raises(jf.CheckpointError, match="missing"):
                    loading.fit(config, head, tensors, f"{target} from {source}")
                continue
            fitted = loading.fit(config, head, tensors, f"{target} from {source}")
            tied = {bare(alias): bare(name) for alias, name in head.ties(config).items()}
            there = {tied.get(n, n) for n in held} | held.keys()
            assert {n for n in declared if bare(n) not in there} == set(fitted.fresh), (source, target)
            asked = {bare(d) for d in declared}
            assert {n for n in file if tied.get(bare(n), bare(n)) not in asked} == set(fitted.unused)


PUBLISHED = [
    (t, name, head) for t in model_types() for name, (_, heads) in load_cases(t).PUBLISHED.items() for head in heads
]


@pytest.mark.parametrize(("model_type", "name", "head"), PUBLISHED)
def test_published_sizes(model_type, name, head):
    config = jf.AutoConfig.for_model(model_type, **load_cases(model_type).PUBLISHED[name][0])
    chosen = models.find_head(config, head)[1]
    declared = chosen.declare(config)
    counts = json.loads((GOLDENS / f"{model_type}.json").read_text())
    assert spec.count(declared, trainable=True) == counts[f"{name}/{head}"]
    stacked = spec.stack(declared)
    assert spec.count(stacked, trainable=True) == counts[f"{name}/{head}"]
    make = getattr(load_cases(model_type), "inputs", default_inputs)
    inputs = make(head, config.to_dict(), np.random.default_rng(0))
    out = jax.eval_shape(lambda p, x: chosen.apply(p, config, **x), spec.abstract(stacked), inputs)
    whole = ("loss", "image_hidden_states", "router_logits", "audio_codes")  # of the batch as one, or of chunks first
    assert all(x.shape[:1] in ((), (2,)) for name, x in leaves_of(out) if not any(word in name for word in whole))


def leaves_of(out):
    return [(jax.tree_util.keystr(path), x) for path, x in jax.tree_util.tree_leaves_with_path(out)]


REFUSED = [(t, values, word) for t in model_types() for values, word in load_cases(t).REFUSED]


@pytest.mark.parametrize(("model_type", "values", "word"), REFUSED)
def test_values_that_would_change_the_arithmetic_are_refused(model_type, values, word):
    with pytest.raises(jf.ConfigError, match=word):
        jf.AutoConfig.for_model(model_type, **values)


@pytest.mark.parametrize("model_type", sorted(models.TABLE))
def test_every_head_has_a_case(model_type):
    heads = models.module(model_type).HEADS
    assert {s.head for s in SUBJECTS if s.model_type == model_type} == set(heads)
