"""Stochastic depth."""

import jax
import numpy as np

import jaxformers as jf
from jaxformers.nn.drop_path import drop_path, drop_path_rates


def test_whole_rows_are_dropped_and_the_rest_scaled():
    x = np.random.default_rng(0).standard_normal((4000, 2, 3)).astype(np.float32)
    y = np.asarray(drop_path(x, 0.25, jax.random.key(0)))
    kept = (y != 0).all((1, 2))
    assert ((y == 0).all((1, 2)) | kept).all()
    assert 0.72 < kept.mean() < 0.78
    np.testing.assert_allclose(y[kept], x[kept] / 0.75, rtol=1e-6)
    assert drop_path(x, 0.25, None) is x


def test_rates_grow_with_depth():
    np.testing.assert_allclose(drop_path_rates(0.3, 4), [0, 0.1, 0.2, 0.3], rtol=1e-6)


def test_layers_drop_with_their_own_rates_in_a_list_and_in_a_stack():
    tiny = {"num_stages": 2, "hidden_sizes": [8, 12], "depths": [3, 2], "layer_scale_init_value": 1.0}
    config = jf.AutoConfig.for_model("convnext", drop_path_rate=0.5, initializer_range=0.3, **tiny)
    model = jf.init(config, key=jax.random.key(0))
    stacked = model.replace(params=jf.stack(model.params))
    x = np.random.default_rng(0).standard_normal((4, 3, 16, 16)).astype(np.float32)
    plain = model(x).last_hidden_state
    a, b = (m(x, key=jax.random.key(1)).last_hidden_state for m in (model, stacked))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert not np.allclose(a, plain, atol=1e-3)
