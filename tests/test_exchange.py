"""Experts over devices: tokens are exchanged, none is dropped, and all comes out as on one device."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from support.fill import relative_error

import jaxformers as jf
from jaxformers import spec
from jaxformers.nn import Linear, exchange, moe

B, S, D, F, E = 4, 6, 8, 12, 4


def mesh(**axes) -> Mesh:
    n = int(np.prod(list(axes.values())))
    return Mesh(np.asarray(jax.devices()[:n]).reshape(tuple(axes.values())), tuple(axes))


def expert(p, x, linear):
    return linear(p["down"], jnp.tanh(linear(p["up"], x)))


def experts(bias: bool = True):
    declared = moe.Experts(E, {"up": Linear(D, F, bias=bias), "down": Linear(F, D, "mlp embed", bias=bias)})
    return spec.init({"experts": declared}, jax.random.key(0), std=1.0)["experts"]


def tokens(router: str, rows: int = B):
    rng = np.random.default_rng(0)
    x, logits = (jnp.asarray(rng.standard_normal((rows, S, n)), jnp.float32) for n in (D, E))
    return x, {"spread": logits, "one_for_all": logits.at[..., 2].add(50)}[router]


def step(count: int = 2):
    def loss(p, x, logits):
        y = moe.mix(p, x, *moe.choose(logits, count), expert)
        return jnp.square(y).sum() + jnp.sin(y).sum(), y

    return jax.value_and_grad(loss, (0, 1, 2), has_aux=True)


def compare(axes, rules, *given, count: int = 2) -> str:
    """Values and gradients over a mesh against one device's; returns the compiled program's text."""
    expected = jax.jit(step(count))(*given)
    with jf.running(mesh=mesh(**axes), rules=rules):
        compiled = jax.jit(step(count)).lower(*given).compile()
    for a, b in zip(jax.tree.leaves(compiled(*given)), jax.tree.leaves(expected), strict=True):
        assert np.linalg.norm(b) > 0
        assert relative_error(a, b) <= 1e-5
    return compiled.as_text()


MESHES = {
    "two owners": ({"expert": 2}, "expert"),
    "four owners": ({"expert": 4}, "expert"),
    "rows": ({"data": 2, "expert": 2}, "expert"),
    "split experts": ({"expert": 2, "fsdp": 2, "tensor": 2}, "expert+fsdp+tensor"),
    "positions": ({"expert": 4, "context": 2}, "expert+context"),
    "two axes": ({"data": 2, "fsdp": 2}, {"experts": ("data", "fsdp"), "batch": ("data", "fsdp")}),
}


@pytest.mark.parametrize("router", ["spread", "one_for_all"])
@pytest.mark.parametrize("name", MESHES)
def test_tokens_are_exchanged(name, router):
    text = compare(*MESHES[name], experts(), *tokens(router))
    assert "all-to-all" in text


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_experts_a_token(count):
    compare({"expert": 2}, "expert", experts(bias=False), *tokens("spread"), count=count)


@pytest.mark.parametrize(
    ("axes", "rules", "rows"),
    [
        ({"expert": 4}, "expert", 3),  # rows that do not divide, as of a short batch
        ({"expert": 2, "tensor": 2}, {"experts": ("expert", "tensor"), "batch": "expert"}, 4),
        ({"data": 2, "expert": 2}, {"experts": "expert", "batch": "data"}, 4),
    ],
)
def test_owners_that_read_the_same_tokens_add_up(axes, rules, rows):
    text = compare(axes, rules, experts(), *tokens("spread", rows))
    assert "all-reduce" in text
    assert "all-to-all" not in text


@pytest.mark.parametrize(("axes", "rules"), [({"expert": 8}, "expert"), ({"fsdp": 2, "tensor": 2}, "fsdp+tensor")])
def test_every_device_has_all_experts_and_its_own_tokens(axes, rules):
    """Experts that do not divide over the devices, and rules that do not split them."""
    given = (experts(), *tokens("spread", rows=8))
    assert "all-to-all" not in compare(axes, rules, *given)
    with jf.running(mesh=mesh(**axes), rules=rules):
        traced = str(jax.make_jaxpr(lambda p, x, logits: moe.mix(p, x, *moe.choose(logits, 2), expert))(*given))
    assert f"f32[{1 if rules == 'expert' else 4},{S},{D}]" in traced


def test_rules_that_split_no_tokens_are_left_to_xla():
    with jf.running(mesh=mesh(stage=4), rules="stage"):
        assert exchange.owners(E, (B, S, D)) is None


def test_noise_differs_from_device_to_device():
    def noisy(p, x, linear, key):
        return jnp.full_like(x, jax.random.uniform(key))

    p, (x, logits) = experts(), tokens("spread")

    def read(p, x, logits):
        return moe.mix(p, x, *moe.choose(logits, 2), noisy, jax.random.key(0))

    assert len(np.unique(jax.jit(read)(p, x, logits).round(5))) == 1
    with jf.running(mesh=mesh(data=2, context=2), rules="context"):
        assert len(np.unique(jax.jit(read)(p, x, logits).round(5))) == 4


def moved(text: str) -> int:
    """Bytes that a device sends to others by all-to-all in a compiled program without loops around them."""
    total = 0
    for result, groups in re.findall(r"= (.*?) all-to-all\(.*?replica_groups=(\{\{.*?\}\}|\[.*?\])", text):
        ways = groups.split("}")[0].count(",") + 1 if groups[0] == "{" else int(groups[1:-1].split(",")[1])
        shapes = re.findall(r"[fs]32\[([\d,]*)\]", result)
        total += sum(4 * int(np.prod([int(n) for n in s.split(",")])) for s in shapes) * (ways - 1) // ways
    return total


@pytest.mark.parametrize("ways", [2, 4])
@pytest.mark.parametrize("count", [1, 2])
def test_bytes_moved_are_what_the_documentation_says(ways, count):
    """A device's t tokens make room for t * min(K, E / n) rows to each of n - 1 others, there and back, twice."""
    given = (experts(), *tokens("spread"))
    text = compare({"expert": ways}, "expert", *given, count=count)
    room = B * S // ways * min(count, E // ways)
    rows = 4 * (ways - 1) * room * D * 4
    counts = (ways - 1) * (E // ways) * 4
    assert rows <= moved(text) <= rows + 2 * counts


def emulated(operand, output, input_offsets, send_sizes, output_offsets, recv_sizes, *, axis_name):
    """What `jax.lax.ragged_all_to_all` does, which XLA's CPU backend lacks."""
    me = jax.lax.axis_index(axis_name)
    every = [jax.lax.all_gather(a, axis_name) for a in (operand, input_offsets, send_sizes, output_offsets)]
    slots = jnp.arange(len(output))
    for x, begin, size, at in zip(*every, strict=True):
        row = slots - at[me]
        rows = x[jnp.clip(begin[me] + row, 0, len(x) - 1)]
        output = jnp.where(((row >= 0) & (row < size[me]))[:, None], rows, output)
    return output


@pytest.mark.parametrize("router", ["spread", "one_for_all"])
def test_tokens_in_parts_of_unequal_length(router, monkeypatch):
    monkeypatch.setattr(jax.lax, "ragged_all_to_all", emulated)
    monkeypatch.setattr(exchange, "platform", lambda: "tpu")
    monkeypatch.setattr(moe, "platform", lambda: "tpu")
    compare({"data": 2, "expert": 4}, "expert", experts(), *tokens(router, rows=8))
