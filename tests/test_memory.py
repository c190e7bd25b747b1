"""Memory levers: what is kept on the host, what is computed again, and batches in parts. The numbers stay the same."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

import jaxformers as jf
from jaxformers import sharding, training
from jaxformers.context import REMAT
from jaxformers.errors import InputError, JaxformersError

SIZES = dict(vocab_size=32, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32)
IDS = np.random.default_rng(0).integers(0, 32, (8, 6)).astype(np.int32)


def make(stack: bool = True, **where):
    config = jf.AutoConfig.for_model("llama", **SIZES)
    return jf.init(config, "ForCausalLM", key=jax.random.key(1), stack=stack, **where)


def close(a, b, tolerance=1e-6):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert np.linalg.norm(np.asarray(x) - np.asarray(y)) <= tolerance * np.linalg.norm(np.asarray(y))


# ------------------------------------------------------------------------------------------------------ remat


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize("remat", [r for r in REMAT if r != "none"])
def test_what_is_computed_again_or_moved_is_the_same(remat, stack):
    model = make(stack)
    grad = jax.jit(jax.grad(lambda m: m.apply(m.params, input_ids=IDS, labels=IDS).loss))
    plain = grad(model)
    with jf.running(remat=remat):
        assert ("<host>" in str(jax.make_jaxpr(grad)(model))) == remat.startswith("offload")
        close(grad(model), plain)


# ------------------------------------------------------------------------------------------------------ the host


def test_parameters_and_optimizer_can_lie_in_the_hosts_memory():
    mesh = sharding.mesh(fsdp=8)
    model = make(mesh=mesh, rules="fsdp")
    plan = sharding.plan(jf.stack(model.head.declare(model.config)), mesh, "fsdp")
    host = plan.to("pinned_host")
    tx = optax.adamw(1e-2)

    def step(params, state, ids):
        loss, grads = jax.value_and_grad(lambda p: model.apply(p, input_ids=ids, labels=ids).loss)(params)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    def like(state, shardings):
        rest = NamedSharding(mesh, P())
        return optax.tree_utils.tree_map_params(
            tx, lambda _, s: s, state, shardings, transform_non_params=lambda _: rest
        )

    state = jax.jit(tx.init)(model.params)
    near, far = like(state, plan.optimizer), like(state, host.shardings)

    def offloaded(params, state, ids):
        params, state = jax.device_put(params, plan.shardings), jax.device_put(state, near)
        return step(params, state, ids)

    moved = jax.jit(offloaded, out_shardings=(host.shardings, far, None))
    a, b = (model.params, state), (jax.device_put(model.params, host.shardings), jax.device_put(state, far))
    for _ in range(2):
        *a, first = jax.jit(step)(*a, IDS)
        *b, second = moved(*b, IDS)
        assert {x.sharding.memory_kind for x in jax.tree.leaves(b[0])} == {"pinned_host"}
        close(second, first)
    close(b[0], a[0])
    with pytest.raises(JaxformersError, match="memory must be one of device, pinned_host"):
        plan.to("attic")


# ------------------------------------------------------------------------------------------------------ parts


def loss(model):
    return lambda params, batch: model.apply(params, input_ids=batch["ids"], labels=batch["ids"]).loss


@pytest.mark.parametrize("parts", [1, 2, 8])
def test_gradients_in_parts_are_those_of_the_whole_batch(parts):
    model = make()
    whole = jax.jit(jax.value_and_grad(loss(model)))(model.params, {"ids": IDS})
    close(jax.jit(training.accumulate(loss(model), parts))(model.params, {"ids": IDS}), whole, 2e-6)


def test_sums_have_the_dtype_that_is_asked_for():
    """Of 256 parts, bfloat16 sums lose what float32 sums keep."""
    ones = jnp.ones((512, 1))
    params = {"w": jnp.ones((1,), jnp.bfloat16)}

    def mean(params, x):
        return (x * params["w"]).mean()

    exact = jax.jit(training.accumulate(mean, 512))(params, ones)[1]["w"]
    rough = jax.jit(training.accumulate(mean, 512, jnp.bfloat16))(params, ones)[1]["w"]
    assert exact.dtype == rough.dtype == jnp.bfloat16
    assert exact == 1
    assert rough == 0.5


def test_sums_lie_where_zero_2_wants_them():
    mesh = sharding.mesh(data=8)
    model = make(mesh=mesh, rules="zero2")
    plan = sharding.plan(jf.stack(model.head.declare(model.config)), mesh, "zero2")
    ids = jax.device_put(IDS, plan.batch())
    with jf.running(mesh=mesh, rules="zero2"):
        run = jax.jit(training.accumulate(loss(model), 2, shardings=plan.gradients))
        value, grads = run(model.params, {"ids": ids})
    expected = jax.value_and_grad(loss(model))(make().params, {"ids": IDS})
    close((value, grads), expected, 2e-6)
    up = grads["model"]["layers"]["mlp"]["up_proj"]["weight"]
    assert up.sharding.spec == P(None, None, "data")


def test_parts_that_can_not_be():
    model = make()
    with pytest.raises(InputError, match="parts must divide the batch of 8, got 3"):
        training.accumulate(loss(model), 3)(model.params, {"ids": IDS})
    with pytest.raises(InputError, match="parts must be positive, got 0"):
        training.accumulate(loss(model), 0)
