"""A program for several processes: loads, trains, writes and saves a tiny Llama over all their devices.

`jaxformers launch ... job.py FOLDER` leaves what came of it in FOLDER/result.npz, to be compared with one process, and
what was refused in FOLDER/refused.json.
"""

import json
import pathlib
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

import jaxformers as jf
from jaxformers import checkpoints, sharding, spec

RULES = "fsdp+tensor"
IDS = np.random.default_rng(0).integers(3, 60, (8, 12))
PROMPTS = np.random.default_rng(1).integers(3, 60, (2, 5))
WORDS = dict(max_new_tokens=6, eos_token_id=None)


def optimizer():
    return optax.adamw(1e-2, eps=1e-3)


def train(model, batches, placed=None):
    """Parameters after a step a batch, and the losses."""
    made = optimizer()

    def step(params, state, batch):
        loss, grads = jax.value_and_grad(lambda p: model.apply(p, **batch, labels=batch["input_ids"]).loss)(params)
        updates, state = made.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    lie, out = None, None
    if placed is not None:
        whole = NamedSharding(jax.tree.leaves(placed)[0].mesh, PartitionSpec())
        shapes = jax.eval_shape(made.init, model.params)
        lie = optax.tree_map_params(made, lambda _, s: s, shapes, placed, transform_non_params=lambda _: whole)
        out = (placed, lie, None)
    step = jax.jit(step, out_shardings=out)
    params, state, losses = model.params, jax.jit(made.init, out_shardings=lie)(model.params), []
    for batch in batches:
        params, state, loss = step(params, state, batch)
        losses.append(loss)
    assert step._cache_size() == 1
    return params, jnp.stack(losses)


def refusals(mesh, mine) -> dict[str, str]:
    """What is said where processes do not fit together."""
    first = sharding.here().index == 0
    config = jf.AutoConfig.for_model("llama", vocab_size=8, hidden_size=8, num_hidden_layers=0)
    tries = {
        "rules": lambda: jf.init(config, mesh=mesh, rules="fsdp" if first else "tensor"),
        "shapes": lambda: jf.init(config.replace(vocab_size=8 if first else 16), mesh=mesh, rules="fsdp"),
        "rows": lambda: sharding.feed({"input_ids": mine if first else mine[1:]}, mesh, RULES),
        "names": lambda: sharding.feed({"ids" if first else "input_ids": mine}, mesh, RULES),
        "copies": lambda: sharding.feed({"input_ids": mine if first else mine + 1}, mesh, "tensor"),
    }
    said = {}
    for name, attempt in tries.items():
        try:
            attempt()
        except jf.JaxformersError as e:
            said[name] = str(e)
    return said


def main(folder: pathlib.Path) -> None:
    place = sharding.start(timeout=60)
    assert sharding.start() == place == sharding.here()
    warnings.simplefilter("error")
    mesh = sharding.mesh(fsdp=2, tensor=-1)
    model = jf.load(folder / "model", mesh=mesh, rules=RULES)
    placed = jax.tree.map(lambda x: x.sharding, model.params)
    assert not any(x.is_fully_addressable for x in jax.tree.leaves(model.params))

    mine = IDS[sharding.rows(len(IDS), mesh, RULES)]
    batches = [sharding.feed({"input_ids": ids}, mesh, RULES) for ids in (mine, mine[::-1])]
    assert np.array_equal(sharding.gather(batches[0])["input_ids"], IDS)
    with jf.running(mesh=mesh, rules=RULES):
        logits = sharding.gather(model(input_ids=IDS).logits)
        params, losses = train(model, batches, placed)
        trained = model.replace(params=params)
        words = trained.generate(PROMPTS, **WORDS)
    files = jf.save(trained, folder / "saved", max_shard_size="20KB")
    assert all(file.is_file() for file in files)  # in every process, once save returns
    again = jf.load(folder / "saved", mesh=sharding.mesh(tensor=-1), rules="tensor", stack=True)
    checkpoints.save_sharded(folder / "sharded", params)
    other = sharding.plan(model.head.declare(model.config), mesh, "fsdp").shardings
    read = checkpoints.load_sharded(folder / "sharded", spec.abstract(params, jnp.float32, other))
    same = [equal(spec.unstack(again.params), params), equal(read, params)]
    refused = refusals(mesh, mine)
    try:
        jf.save(trained, folder / "model" / "config.json")
    except jf.CheckpointError as e:
        refused["save"] = str(e)
    every = sharding.exchange(refused)
    if sharding.is_first():
        np.savez(folder / "result.npz", logits=logits, losses=np.asarray(losses), words=words, same=same)
        (folder / "refused.json").write_text(json.dumps(every))


def equal(a, b) -> bool:
    a, b = map(jax.tree.leaves, map(sharding.gather, (a, b)))
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
