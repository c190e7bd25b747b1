"""What sharding costs in Python: planning and placing a 70 B tree in abstract, and calling a step on a sharded tree.

    python benchmarks/sharding.py

Prints seconds of a plan, and microseconds of a call whose program does next to nothing, so that what is left is the
way through Python and JAX: on stacked layers and on a list of them, on one device and on eight.
"""

from __future__ import annotations

import os
import statistics
import time

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import optax

import jaxformers as jf
from jaxformers import models, sharding, spec

LAYERS = 80
LLAMA_2_70B = dict(
    hidden_size=8192, intermediate_size=28672, num_hidden_layers=LAYERS, num_attention_heads=64, num_key_value_heads=8
)
TINY = dict(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=LAYERS, num_attention_heads=8,
    num_key_value_heads=8,
)  # fmt: skip
CALLS = 300


def planning(stack: bool) -> float:
    """Seconds to declare, plan and describe a 70 B model's parameters, from nothing."""
    mesh = sharding.mesh(fsdp=4, tensor=2)
    start = time.perf_counter()
    config = jf.AutoConfig.for_model("llama", **LLAMA_2_70B)
    declared = models.find_head(config, "ForCausalLM")[1].declare(config)
    declared = spec.stack(declared) if stack else declared
    plan = sharding.plan(declared, mesh, "fsdp+tensor")
    spec.abstract(declared, "bfloat16", plan.shardings)
    return time.perf_counter() - start


def calling(stack: bool, mesh: jax.sharding.Mesh, rules: str) -> tuple[float, float]:
    """Median microseconds until a call returns and until it is done; its program adds two numbers.

    It is given all parameters and AdamW's state.
    """
    config = jf.AutoConfig.for_model("llama", **TINY)
    model = jf.init(config, "ForCausalLM", stack=stack, mesh=mesh, rules=rules)
    state = jax.jit(optax.adamw(1e-3).init)(model.params)

    @jax.jit
    def step(params, state):
        return params["model"]["norm"]["weight"][0] + state[0].count

    jax.block_until_ready(step(model.params, state))
    returned, done = [], []
    for _ in range(CALLS):
        start = time.perf_counter()
        out = step(model.params, state)
        returned.append(time.perf_counter() - start)
        jax.block_until_ready(out)
        done.append(time.perf_counter() - start)
    return 1e6 * statistics.median(returned), 1e6 * statistics.median(done)


def main() -> None:
    print(f"jax {jax.__version__}, {jax.devices()[0].device_kind}, {len(jax.devices())} devices")
    for stack in (True, False):
        shape = "stacked" if stack else "a list of"
        print(f"plan Llama 2 70B, {shape} layers: {planning(stack):.3f} s")
    one = sharding.mesh(jax.devices()[:1], fsdp=1)
    eight = sharding.mesh(fsdp=4, tensor=2)
    for mesh, rules in ((one, "fsdp"), (eight, "fsdp+tensor")):
        for stack in (True, False):
            shape = "stacked" if stack else "a list of"
            returned, done = calling(stack, mesh, rules)
            print(f"call on {mesh.size} devices, {shape} {LAYERS} layers: {returned:.0f} us, done in {done:.0f} us")


if __name__ == "__main__":
    main()
