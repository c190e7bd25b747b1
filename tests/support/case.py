"""Cases: tiny configs and seeded inputs, from which goldens are recorded and the contract suite is run."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

B, S = 2, 9  # batch and sequence of the inputs
CASES = pathlib.Path(__file__).parents[1] / "cases"
GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


@dataclasses.dataclass(frozen=True)
class Case:
    """A tiny config and what to run on it.

    Args:
      name: unique within the model type.
      config: values for the config.
      heads: names of the heads to run; None means every head of the model type.
      inputs: `(head, config values, rng) -> inputs`; the default goes by the head's name.
      extra: inputs to add to the default ones (or, with None, to take away), as arrays or `rng -> array`.
      reference: `inputs -> inputs` as the reference takes them, where it takes them in another form.
      options: keyword options of the call beside hidden states and attentions, e.g. {"train": True}.
      attention: the reference's kernel; "sdpa", which gives no attention weights, where its "eager" one is broken.
      tolerance: relative error allowed; 1e-5 unless the model is deep or ill-conditioned, with the reason beside it.
    """

    name: str
    config: Mapping[str, Any]
    heads: tuple[str, ...] | None = None
    inputs: Callable | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reference: Callable | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    attention: str = "eager"
    tolerance: float = 1e-5

    def make_inputs(self, head: str) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(zlib.crc32(f"{self.name}/{head}".encode()))
        made = dict((self.inputs or default_inputs)(head, dict(self.config), rng))
        for name, value in self.extra.items():
            if value is None:
                made.pop(name, None)
            else:
                made[name] = value(rng) if callable(value) else np.asarray(value)
        return made


def model_types() -> list[str]:
    return sorted(p.stem for p in CASES.glob("*.py") if p.stem != "__init__")


def load_cases(model_type: str):
    """The case module of a model type: `CASES`, `PUBLISHED`, `REFUSED`, and `inputs` where the default do not fit.

    `inputs` is a function like `default_inputs`; it is what published sizes are traced with.
    """
    return importlib.import_module(f"cases.{model_type}")


# ------------------------------------------------------------------------------------------------------ inputs


def ids(rng, vocab: int, shape=(B, S), low: int = 3):
    """Token ids in [low, vocab): the first few are left to padding, start and end."""
    return rng.integers(low, vocab, shape, dtype=np.int32)


def right_padding(shape=(B, S), short: int = 3):
    """A mask whose last row ends `short` tokens early."""
    mask = np.ones(shape, np.int32)
    mask[-1, shape[-1] - short :] = 0
    return mask


def labels(rng, high: int, shape=(B, S)):
    """Labels in [0, high) with some of them ignored (-100)."""
    y = rng.integers(0, high, shape, dtype=np.int32)
    y[..., 0] = -100
    return y


def default_inputs(head: str, c: dict[str, Any], rng) -> dict[str, np.ndarray]:
    """Inputs by the head's name: images when the config has `num_channels`, else text (with a decoder side)."""
    if "num_channels" in c:
        return image_inputs(head, c, rng)
    vocab = c.get("vocab_size")
    shape = (B, 3, S) if head.endswith(("ForMultipleChoice", "DoubleHeadsModel")) else (B, S)
    mask = right_padding()
    x: dict[str, np.ndarray] = {"input_ids": ids(rng, vocab, shape)}
    x["attention_mask"] = np.broadcast_to(mask[:, None], shape).copy() if len(shape) == 3 else mask
    if c.get("pad_token_id") is not None:  # decoders find the last token by the padding id
        x["input_ids"] = np.where(x["attention_mask"] == 1, x["input_ids"], c["pad_token_id"]).astype(np.int32)
    if c.get("type_vocab_size"):
        x["token_type_ids"] = rng.integers(0, c["type_vocab_size"], shape, dtype=np.int32)
    if c.get("is_encoder_decoder", False) and "Encoder" not in head:
        if not head.endswith(("ForSequenceClassification", "ForQuestionAnswering", "ForTokenClassification")):
            x["decoder_input_ids"] = ids(rng, vocab, (B, S - 2))
            x["decoder_attention_mask"] = right_padding((B, S - 2), 2)
    return {**x, **text_labels(head, c, rng)}


def text_labels(head: str, c: dict[str, Any], rng) -> dict[str, np.ndarray]:
    classes = len(c["id2label"]) if "id2label" in c else 2
    if head.endswith("ForPreTraining"):
        return {"labels": labels(rng, c["vocab_size"]), "next_sentence_label": rng.integers(0, 2, B, dtype=np.int32)}
    if head.endswith("DoubleHeadsModel"):
        return {
            "labels": labels(rng, c["vocab_size"], (B, 3, S)),
            "mc_labels": rng.integers(0, 3, B, dtype=np.int32),
            "mc_token_ids": rng.integers(0, S, (B, 3), dtype=np.int32),
        }
    if head.endswith("ForConditionalGeneration"):
        return {"labels": labels(rng, c["vocab_size"], (B, S - 2))}
    if head.endswith(("ForMaskedLM", "ForCausalLM", "LMHeadModel")):
        return {"labels": labels(rng, c["vocab_size"])}
    if head.endswith("ForTokenClassification"):
        return {"labels": labels(rng, classes)}
    if head.endswith("ForQuestionAnswering"):
        return {"start_positions": np.array([1, S + 5], np.int32), "end_positions": np.array([4, 2], np.int32)}
    if head.endswith("ForMultipleChoice"):
        return {"labels": rng.integers(0, 3, B, dtype=np.int32)}
    if head.endswith("ForNextSentencePrediction"):
        return {"labels": rng.integers(0, 2, B, dtype=np.int32)}
    if head.endswith("ForSequenceClassification"):
        if c.get("problem_type") == "multi_label_classification":
            return {"labels": rng.integers(0, 2, (B, classes)).astype(np.float32)}
        if classes == 1 or c.get("problem_type") == "regression":
            return {"labels": rng.standard_normal((B, classes)).astype(np.float32)}
        return {"labels": rng.integers(0, classes, B, dtype=np.int32)}
    return {}


def image_inputs(head: str, c: dict[str, Any], rng) -> dict[str, np.ndarray]:
    size = c.get("image_size", 32)
    x = {"pixel_values": rng.standard_normal((B, c["num_channels"], size, size)).astype(np.float32)}
    if head.endswith("ForImageClassification"):
        x["labels"] = rng.integers(0, len(c["id2label"]) if "id2label" in c else 2, B, dtype=np.int32)
    if head.endswith("ForMaskedImageModeling"):
        x["bool_masked_pos"] = rng.integers(0, 2, (B, (size // c["patch_size"]) ** 2)).astype(bool)
    return x
