"""Time Series Transformer."""

import numpy as np
from support.case import Case

HEADS = ("TimeSeriesTransformerModel", "TimeSeriesTransformerForPrediction")
TINY = dict(
    prediction_length=5,
    context_length=6,
    lags_sequence=[1, 2, 4],
    num_time_features=2,
    num_dynamic_real_features=1,
    num_static_categorical_features=2,
    num_static_real_features=1,
    cardinality=[7, 5],
    embedding_dimension=[3, 2],
    d_model=16,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=2,
    decoder_attention_heads=4,
    encoder_ffn_dim=24,
    decoder_ffn_dim=20,
)
PLAIN = {k: v for k, v in TINY.items() if not k.startswith(("num_", "cardinality", "embedding"))}


def inputs(head, c, rng):
    """Two series of whole numbers about 50 and 500, some of them missing, and all that the config knows of them."""
    variates = () if c.get("input_size", 1) == 1 else (c["input_size"],)
    lags, ahead = c.get("lags_sequence") or [1, 2, 3, 4, 5, 6, 7], c["prediction_length"]
    past = (c.get("context_length") or ahead) + max(lags)
    times = c.get("num_time_features", 0) + c.get("num_dynamic_real_features", 0)

    def draw(*shape):
        return rng.standard_normal((2, *shape)).astype(np.float32)

    def values(length):
        level = np.array([50, 500]).reshape(2, 1, *[1] * len(variates))
        return rng.poisson(level, (2, length, *variates)).astype(np.float32)

    def seen(length):
        return (rng.random((2, length, *variates)) > 0.2).astype(np.float32)

    observed = seen(past)
    x = {
        "past_values": values(past) * observed,
        "past_time_features": draw(past, times),
        "past_observed_mask": observed,
        "future_values": values(ahead),
        "future_time_features": draw(ahead, times),
    }
    if c.get("num_static_categorical_features"):
        x["static_categorical_features"] = np.stack([rng.integers(0, n, 2) for n in c["cardinality"]], 1).astype(
            np.int32
        )
    if c.get("num_static_real_features"):
        x["static_real_features"] = draw(c["num_static_real_features"])
    if head.endswith("ForPrediction"):
        x["future_observed_mask"] = seen(ahead)
    return x


def case(name, config=TINY, heads=HEADS[1:], **more):
    return Case(name, config, heads, inputs=inputs, **more)


def none_seen(variates=()):
    """A mask by which nothing of the first series was observed."""
    mask = np.ones((2, 10, *variates), np.float32)
    mask[0] = 0
    return mask


def masked(rng):
    return np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32)


NO_MASKS = {"past_observed_mask": lambda rng: np.ones((2, 10), np.float32), "future_observed_mask": None}
NO_FUTURE = dict.fromkeys(("future_values", "future_time_features", "future_observed_mask"))
ENCODED = {"encoder_outputs": lambda rng: rng.standard_normal((2, 6, 16)).astype(np.float32)}
DEFAULTS = {name: v for name, v in PLAIN.items() if name not in ("context_length", "lags_sequence")}

CASES = [
    case("forecast", heads=HEADS),
    case("no_future", heads=HEADS, extra=NO_FUTURE),
    case("defaults", DEFAULTS, heads=HEADS),
    case("all_observed", PLAIN, extra=NO_MASKS),
    case("none_observed", PLAIN, extra={"past_observed_mask": none_seen()}),
    case("default_scale", {**PLAIN, "default_scale": 3.5}, extra={"past_observed_mask": none_seen()}),
    case("minimum_scale", {**PLAIN, "minimum_scale": 60.0}),
    case("scaling_true", {**PLAIN, "scaling": True}),
    case("std", {**TINY, "scaling": "std"}),
    case("std_minimum", {**PLAIN, "scaling": "std", "minimum_scale": 9.0}),
    case("unscaled", {**PLAIN, "scaling": None, "distribution_output": "normal"}),
    case("scaling_false", {**PLAIN, "scaling": False}),
    case("normal", {**TINY, "distribution_output": "normal", "activation_function": "relu"}),
    case("counts", {**TINY, "distribution_output": "negative_binomial"}),
    case("variates", {**TINY, "input_size": 3}, heads=HEADS),
    case("variates_std", {**PLAIN, "input_size": 2, "scaling": "std", "distribution_output": "normal"}),
    case("variates_counts", {**PLAIN, "input_size": 2, "distribution_output": "negative_binomial"}),
    case(
        "variates_none_observed",
        {**PLAIN, "input_size": 2},
        extra={"past_observed_mask": none_seen((2,)), "future_observed_mask": None},
    ),
    case("variates_unscaled", {**PLAIN, "input_size": 2, "scaling": None}),
    case("embedding_sizes", {**TINY, "embedding_dimension": None}, heads=HEADS[:1]),
    case("lag_of_none", {**PLAIN, "lags_sequence": [0, 3, 4]}, heads=HEADS[:1]),
    case(
        "longer_past",
        heads=HEADS[:1],
        extra={
            "past_values": lambda rng: rng.standard_normal((2, 13)).astype(np.float32),
            "past_observed_mask": np.ones((2, 13), np.float32),
        },
    ),
    case("decoder_mask", extra={"decoder_attention_mask": masked}),
    case(
        "encoded",
        extra=ENCODED,
        reference=lambda x: {**x, "encoder_outputs": [x["encoder_outputs"]]},
    ),
]

PUBLISHED = {
    "huggingface/time-series-transformer-tourism-monthly": (
        dict(
            prediction_length=24,
            context_length=24,
            lags_sequence=[1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, 24, 25, 35, 36, 37],
            num_time_features=2,
            num_static_categorical_features=1,
            cardinality=[366],
            embedding_dimension=[2],
            d_model=26,
        ),
        HEADS,
    ),
}
REFUSED = [
    ({}, "prediction_length"),
    ({"prediction_length": 4, "activation_function": "gelu_wide"}, "activation_function"),
    ({"prediction_length": 4, "distribution_output": "poisson"}, "distribution_output"),
    ({"prediction_length": 4, "loss": "crps"}, "loss"),
    ({"prediction_length": 4, "scaling": "median"}, "scaling"),
    ({"prediction_length": 4, "d_model": 15}, "encoder_attention_heads"),
    ({"prediction_length": 4, "lags_sequence": []}, "lags_sequence"),
    ({"prediction_length": 4, "lags_sequence": [-1, 2]}, "lags_sequence"),
    ({"prediction_length": 4, "num_static_categorical_features": 1}, "cardinality"),
    ({"prediction_length": 4, "num_static_categorical_features": 2, "cardinality": [3]}, "cardinality"),
    ({"prediction_length": 4, "feature_size": 4}, "feature_size must be 9"),
]
