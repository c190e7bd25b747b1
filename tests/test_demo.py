"""The demo: its numbers are the reference's, and the script runs."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import jaxformers as jf

SCRIPT = pathlib.Path(__file__).parents[1] / "notebooks" / "semantic_search.py"
COSINES = (1.0, 0.7553, -0.1050, 0.1419, -0.0708)  # PyTorch, rounded to four decimals
FIRST = (0.0332, 0.0044, -0.0063, 0.0484, -0.1387)
ROUNDED = 5e-5  # half a unit of the last decimal


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("semantic_search", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def embedder(demo):
    folder = demo.model_folder()
    return demo.Embedder(jf.load(folder), jf.AutoTokenizer.from_pretrained(folder))


def test_embeddings_equal_the_reference(demo, embedder):
    vectors = embedder(demo.SENTENCES)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    assert np.abs(vectors @ vectors[0] - COSINES).max() <= ROUNDED + 1e-5
    assert np.abs(vectors[0][:5] - FIRST).max() <= ROUNDED + 1e-5


def test_a_text_embeds_alike_in_any_batch(demo, embedder):
    page = embedder(demo.PAGE)
    assert len(embedder.programs) <= 2, "lengths are padded so that few programs are compiled"
    np.testing.assert_allclose(embedder(demo.PAGE[7:8])[0], page[7], atol=1e-5)


def test_search_finds_by_meaning(demo, embedder):
    page, queries = embedder(demo.PAGE), embedder(demo.QUERIES)
    found = [[demo.PAGE[i] for i, _ in demo.search(query, page)] for query in queries]
    assert [len(f) for f in found] == [3, 3, 3]
    assert "shard" in found[0][0]
    assert "dough" in found[1][0]
    assert "telescope" in found[2][0]


def test_runs_as_a_script():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for text, cosine in zip(("food", "bread", "baby", "prey", "XLA"), COSINES, strict=True):
        shown = re.search(rf"(-?\d\.\d{{4}})\W+(?:A|The|JAX) .*{text}\.", done.stdout)
        assert abs(float(shown[1]) - cosine) <= 2.01 * ROUNDED  # both are rounded
    for word in ("Similarity", "Time", "load", "compile", "run a batch"):
        assert word in done.stdout
