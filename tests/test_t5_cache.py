"""Encoder-decoders of the T5 family decode step by step what they compute in one pass."""

import jax
import numpy as np
import pytest
from cases.t5 import TINY
from support.fill import fill, relative_error

import jaxformers as jf
from jaxformers import spec

PAST_MASK = np.array([[1] * 8, [0, 0, 1, 1, 1, 1, 1, 1]], np.int32)  # left padding, as in batched generation


def build(head: str, depth: int, stacked: bool, **config) -> jf.Model:
    config = jf.AutoConfig.for_model("t5", **{**TINY, "num_decoder_layers": depth, **config})
    model = jf.init(config, head)
    model = model.replace(params=spec.map_named(lambda path, p: fill(spec.names(path)[0], p.shape), model.params))
    return model.replace(params=jf.stack(model.params)) if stacked else model


@pytest.mark.parametrize("stacked", [False, True], ids=["list", "stack"])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("head", ["T5Model", "T5ForConditionalGeneration"])
def test_cached_decoding_equals_one_pass(head, depth, stacked):
    model = build(head, depth, stacked, relative_attention_max_distance=6)
    rng = np.random.default_rng(0)
    ids, words = rng.integers(3, 67, (2, 9)), rng.integers(3, 67, (2, 8))
    mask = np.ones((2, 9), np.int32)
    mask[1, 6:] = 0
    whole = model(input_ids=ids, attention_mask=mask, decoder_input_ids=words, decoder_attention_mask=PAST_MASK)
    field = "logits" if "logits" in whole else "last_hidden_state"

    cache = model.init_cache(2, 11)
    forms, parts = [], []
    for a, b in [(0, 3), (3, 4), (4, 5), (5, 8)]:
        out = model(
            # The cache keeps what is made of the encoder's output: only the first call needs it.
            encoder_outputs=whole.encoder_last_hidden_state if a == 0 else None,
            attention_mask=mask,
            decoder_input_ids=words[:, a:b],
            decoder_attention_mask=PAST_MASK[:, a:b],
            past_key_values=cache,
        )
        cache = out.past_key_values
        forms.append(jax.tree.structure(cache))
        parts.append(out[field])
    seen = PAST_MASK.astype(bool)
    assert relative_error(np.concatenate(parts, 1)[seen], np.asarray(whole[field])[seen]) <= 1e-5
    assert int(cache["index"]) == 8
    assert len(set(forms)) == 1


def test_the_first_block_stays_out_of_the_stack():
    model = build("T5Model", 1, stacked=True)
    assert [type(b) for b in model.params["encoder"]["block"]] == [dict, spec.Stack]
    assert [type(b) for b in model.params["decoder"]["block"]] == [dict]


def test_a_decoder_without_input_is_refused():
    model = build("T5Model", 1, stacked=False)
    with pytest.raises(jf.InputError, match="decoder"):
        model(input_ids=[[3, 4]])
    config = jf.AutoConfig.for_model("t5", **{**TINY, "decoder_start_token_id": None})
    with pytest.raises(jf.InputError, match="decoder_start_token_id"):
        jf.init(config, "ForConditionalGeneration")(input_ids=[[3, 4]], labels=[[3, 4]])
