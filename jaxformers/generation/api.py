"""`generate` and `stream`: from a user's call to one compiled program."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.generation import loop
from jaxformers.generation.beams import BeamSearch
from jaxformers.generation.call import Call
from jaxformers.model import Model
from jaxformers.output import Output
from jaxformers.sharding.gather import local


def generate(
    model: Model, input_ids: Any = None, attention_mask: Any = None, *, streamer: Any = None, **options: Any
) -> np.ndarray | Output:
    """Writes text: greedy by default, sampled with `do_sample=True`, by beam search with `num_beams=n`, and so on.

    The whole of it is one XLA program with a `while_loop`. Prompt lengths, numbers of rows and numbers of new tokens
    are rounded up to buckets, so that different calls share programs. The settings choose how:

    * greedy or sampled: the default and `do_sample`, with `temperature`, `top_k`, `top_p` and the like;
    * beam search: `num_beams`, with `do_sample` drawn beams, with `num_beam_groups` diverse ones, with
      `force_words_ids` or `constraints` such that phrases occur;
    * contrastive search: `penalty_alpha` and `top_k`; DoLa: `dola_layers`;
    * assisted, which writes the same text with fewer readings of the model: `assistant_model`, a smaller model with
      the same vocabulary, or `prompt_lookup_num_tokens`, for texts that repeat themselves;
    * guided: `guidance_scale`, away from `negative_prompt_ids`.

    Args:
      model: a model with a language modelling head.
      input_ids: int [B, P] (or [P]), prompts; rows of unequal length are padded and masked, decoders' on the left. For
        an encoder-decoder, what the encoder reads; where that is no text, float [B, ...] or by its own name
        (`pixel_values`, `input_features`).
      attention_mask: int [B, P], 1 at tokens; without it padding is told by `pad_token_id`, if that is set and differs
        from every `eos_token_id`.
      streamer: an object with `put(ids)` and `end()`; it is given the prompt, then token after token int [B].
      generation_config: defaults for this call; they win over the model's own `generation_config`, that over its
        config, and `options` win over all.
      key: a JAX key, for sampling. A row's tokens depend on the key and its own prompt, not on the padding or the rows
        beside it; equal prompts in one call get keys of their own.
      logits_rules: rules of your own, pure hashable functions `(Seen, logits) -> logits`. They come after those of the
        config that hold always and before those for sampling; one of a type that the config asks for too replaces it.
      stopping_rules: pure hashable functions `(Seen) -> bool [R]`: which rows end with the token written last.
      tokenizer: to find `stop_strings` in the text.
      prefix_allowed_tokens_fn: `(prompt's number, ids so far) -> allowed ids`, called on the host for every token.
      assistant_model: see above.
      negative_prompt_ids, negative_prompt_attention_mask: int [B, P'], see above; without them the prompt's last
        token. For an encoder-decoder they are what the encoder reads instead.
      decoder_input_ids: int [B, T], for an encoder-decoder: how its text begins.
      encoder_hidden_states, encoder_attention_mask: for a decoder that attends to an encoder.
      pixel_values: float [I, C, H, W], for a decoder that reads images: those that the prompts speak of, in order.
      options: fields of `GenerationConfig`. Without `max_new_tokens` and `max_length`, 20 new tokens, as in
        transformers 4.57.6.

    Returns:
      int32 [B * num_return_sequences, L]: prompt and continuation for decoders, the decoder's start token and its text
      for encoder-decoders; rows that ended early are filled with `pad_token_id`. With `return_dict_in_generate`, an
      `Output` with `sequences` and what `output_scores`, `output_logits`, `output_attentions` and
      `output_hidden_states` ask for (see `outputs.report`), for beam search also `beam_indices` and
      `sequences_scores`; `jf.transition_scores` picks the written tokens' scores.

    Raises:
      ConfigError: options that are unknown or contradict each other.
      InputError: an empty or too long prompt, ids outside the vocabulary, a row without tokens, a model that does not
        generate, or (after the fact) scores that are nan or leave no token.
    """
    call = Call(model, input_ids, attention_mask, **options)
    if streamer is None:
        return call.output(loop.run(call.method, call.weights, call.task))
    _check_streamable(call, "generate with a streamer")
    streamer.put(call.prompt)
    state: Any = None
    shown = 0
    for state in _states(call):
        shown, tokens = _news(call, state, shown)
        for token in itertools.takewhile(lambda _: not getattr(streamer, "stopped", False), tokens):
            streamer.put(token)
        if getattr(streamer, "stopped", False):
            break
    streamer.end()
    return call.output(call.method.result(call.task, state))


def stream(model: Model, input_ids: Any = None, attention_mask: Any = None, **options: Any) -> Iterator[np.ndarray]:
    """Yields the new tokens of `generate` as they are written: int32 [B] at a time, until every row has ended.

    Nothing more is computed once the consumer stops. Every way of decoding but beam search; arguments and errors as
    for `generate`.
    """
    call = Call(model, input_ids, attention_mask, **options)
    _check_streamable(call, "stream")

    def tokens():
        shown = 0
        for state in _states(call):
            call.check(state["sound"])
            shown, news = _news(call, state, shown)
            yield from news

    return tokens()


def _check_streamable(call: Call, where: str) -> None:
    if isinstance(call.method, BeamSearch):
        beams = call.config.num_beams
        raise InputError(where, [f"num_beams must be 1, got {beams}: the best beam is known at the end only"])


def _states(call: Call) -> Iterator[loop.State]:
    """The states of the program after each of its steps; each is gone once the next is asked for."""
    state = loop.begin(call.method, call.weights, call.task)
    yield state
    while bool(state["go"]):
        state = loop.advance(call.method, call.weights, call.task, state)
        yield state


def _news(call: Call, state: loop.State, shown: int) -> tuple[int, np.ndarray]:
    """Tokens written in all, and those beyond `shown`: int32 [n, B]."""
    seen = state["seen"]
    count = int(seen.length) - int(seen.prompt)
    tokens = np.asarray(local(seen.tokens))[: len(call.prompt), call.width + shown : call.width + count]
    return count, tokens.T.copy()  # a view of a buffer that the next step overwrites
