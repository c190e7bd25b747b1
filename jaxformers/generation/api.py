"""`generate` and `stream`: from a user's call to one compiled program, in buckets of shapes."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import spec
from jaxformers.errors import InputError
from jaxformers.generation import beams, loop, rules
from jaxformers.generation.config import GenerationConfig, resolve
from jaxformers.generation.rules_base import ids_of
from jaxformers.model import Model
from jaxformers.output import Output

# Fields that ask for other ways of decoding, and the values that do not ask.
_OTHER_MODES: dict[str, tuple] = {
    "num_beam_groups": (1, None),
    "penalty_alpha": (None, 0.0),
    "force_words_ids": (None,),
    "dola_layers": (None,),
    "prompt_lookup_num_tokens": (None,),
    "guidance_scale": (None, 1.0),
    "stop_strings": (None,),
    "max_time": (None,),
    "token_healing": (False, None),
    "output_attentions": (False, None),
    "output_hidden_states": (False, None),
    "output_logits": (False, None),
}


def generate(
    model: Model,
    input_ids: Any,
    attention_mask: Any = None,
    *,
    generation_config: GenerationConfig | None = None,
    key: Any = None,
    logits_rules: tuple = (),
    **options: Any,
) -> np.ndarray | Output:
    """Writes text: greedy by default, sampled with `do_sample=True`, by beam search with `num_beams=n`.

    The whole of it is one XLA program with a `while_loop`. Prompt lengths, numbers of rows and numbers of new tokens
    are rounded up to buckets, so that different calls share programs.

    Args:
      model: a model with a language modelling head.
      input_ids: int [B, P] (or [P]), prompts; rows of unequal length are padded and masked, decoders' on the left. For
        an encoder-decoder, what the encoder reads.
      attention_mask: int [B, P], 1 at tokens; without it padding is told by `pad_token_id`, if that is set and differs
        from every `eos_token_id`.
      generation_config: defaults for this call; they win over the model's config, and `options` win over both.
      key: a JAX key, for sampling. A row's tokens depend on the key and its own prompt, not on the padding or the rows
        beside it; equal prompts in one call get keys of their own.
      logits_rules: rules of your own, `(Seen, logits) -> logits`, applied after the config's; hashable.
      options: fields of `GenerationConfig`. Without `max_new_tokens` and `max_length`, 20 new tokens.

    Returns:
      int32 [B * num_return_sequences, L]: prompt and continuation for decoders, the decoder's start token and its text
      for encoder-decoders; rows that ended early are filled with `pad_token_id`. With `return_dict_in_generate`, an
      `Output` with `sequences` and, if asked for by `output_scores`, `scores` (a tuple of [R, V], one per new token)
      or, for beam search, `sequences_scores` and `beam_indices`.

    Raises:
      ConfigError: options that are unknown or contradict each other.
      InputError: an empty or too long prompt, ids outside the vocabulary, a row without tokens, or a model that does
        not generate.
    """
    call = _Call(model, input_ids, attention_mask, generation_config, key, logits_rules, options)
    c, plan = call.config, call.plan
    search = beams.run if plan.beams > 1 else loop.run
    tokens, written, *more = search(*call.static, model.params, *call.arrays, call.limit, call.keys)
    count = int(written)
    sequences = call.trim(np.asarray(tokens), count)
    if not c.return_dict_in_generate:
        return sequences
    out: dict[str, Any] = {"sequences": sequences}
    if plan.beams > 1:
        scores, origin = (np.asarray(x)[: call.kept] for x in more)
        out |= {"sequences_scores": scores, "beam_indices": origin[:, :count]} if c.output_scores else {}
    elif plan.scores:
        out["scores"] = tuple(np.asarray(more[0])[:count, : call.kept])
    return Output(out)


def stream(
    model: Model,
    input_ids: Any,
    attention_mask: Any = None,
    *,
    generation_config: GenerationConfig | None = None,
    key: Any = None,
    logits_rules: tuple = (),
    **options: Any,
) -> Iterator[np.ndarray]:
    """Yields the new tokens of `generate` as they are written: int32 [B] at a time, until every row has ended.

    Nothing more is computed once the consumer stops. Greedy or sampled; arguments and errors as for `generate`.
    """
    call = _Call(model, input_ids, attention_mask, generation_config, key, logits_rules, options)
    if call.plan.beams > 1:
        raise InputError("stream", [f"num_beams must be 1, got {call.plan.beams}: beams are known at the end only"])

    def tokens():
        state = loop.begin(*call.static, model.params, *call.arrays, call.keys)
        for _ in range(call.limit - 1):
            yield np.asarray(state["token"])[: call.kept]
            if bool(state["done"].all()):
                return
            state = loop.advance(*call.static, model.params, call.keys, state)
        yield np.asarray(state["token"])[: call.kept]

    return tokens()


class _Call:
    """A call, checked and brought into the form of the compiled program."""

    def __init__(self, model: Model, input_ids, attention_mask, base, key, logits_rules, options):
        self.model = model
        where = f"{model.name}.generate"
        if model.head.cache is None or "logits" in _missing(model):
            raise InputError(where, ["the model must have a head that writes text, e.g. ForCausalLM or LMHeadModel"])
        self.config = c = resolve(model.config, base, options)
        others = [n for n, off in _OTHER_MODES.items() if getattr(c, n, None) not in off]
        if others:
            problems = [f"{n} must be {_OTHER_MODES[n][0]!r}, got {getattr(c, n)!r}" for n in others]
            raise InputError(where, problems, "greedy decoding, sampling and beam search are what generate computes")
        ids, mask = self._prompts(where, input_ids, attention_mask)
        both = model.config.is_encoder_decoder
        prompt, valid = ids, mask
        if both:
            first = c.decoder_start_token_id if c.decoder_start_token_id is not None else c.bos_token_id
            if first is None:
                raise InputError(where, ["decoder_start_token_id must be set in the config or the call"])
            starts = np.asarray(first, np.int32).reshape(-1, 1)  # one for all rows, or one a row
            if len(starts) not in (1, len(ids)):
                raise InputError(where, [f"decoder_start_token_id must be one id or {len(ids)}, got {first}"])
            prompt, valid = np.broadcast_to(starts, (len(ids), 1)), np.ones((len(ids), 1), bool)
        new = c.new_tokens(prompt.shape[1], both)
        self._check_positions(where, prompt.shape[1], new)
        repeats = 1 if c.num_beams > 1 else c.num_return_sequences
        seeds = _seeds(ids, mask, repeats if c.num_beams == 1 else c.num_beams)
        prompt, valid, ids, mask = (np.repeat(x, repeats, 0) for x in (prompt, valid, ids, mask))
        self.width, self.kept = prompt.shape[1], len(prompt) * (c.num_return_sequences if c.num_beams > 1 else 1)
        self.prompt = prompt

        rows = _bucket(len(prompt), 1)
        slots = _bucket(new, 16)
        inputs = {}
        if both:
            ids, mask = (_pad(x, rows, _bucket(x.shape[1], 16), left=False) for x in (ids, mask))
            inputs = {"input_ids": jnp.asarray(ids), "attention_mask": jnp.asarray(mask)}
            prompt, valid = _pad(prompt, rows, 1), _pad(valid, rows, 1)
        else:
            width = _bucket(prompt.shape[1], 16)
            prompt, valid = _pad(prompt, rows, width), _pad(valid, rows, width)
        eos = c.eos_ids
        pad = ids_of(c.pad_token_id) or eos or (0,)
        stacked = any(isinstance(part, range) for path, _ in spec.paths(model.params) for part in path)
        made = rules.from_config(c, eos, int(new), own=tuple(logits_rules))
        self.plan = loop.Plan(
            rules=made,
            eos=eos,
            fill=pad[0],
            sample=bool(c.do_sample),
            slots=slots,
            dtype=model.dtype,
            stacked=stacked,
            scores=bool(c.output_scores and c.return_dict_in_generate and c.num_beams == 1),
            beams=c.num_beams,
            length_penalty=float(c.length_penalty),
            early_stopping=c.early_stopping,
            returned=c.num_return_sequences if c.num_beams > 1 else 1,
        )
        self.static = (model.head, model.config, self.plan)
        self.arrays = (jnp.asarray(prompt), jnp.asarray(valid), inputs)
        self.limit = int(new)
        self.keys = _keys(key, seeds, rows * (c.num_beams if c.num_beams > 1 else 1))

    def _prompts(self, where, input_ids, attention_mask):
        ids = np.asarray(input_ids)
        ids = ids[None] if ids.ndim == 1 else ids
        if ids.ndim != 2 or 0 in ids.shape or ids.dtype.kind not in "iu":
            raise InputError(
                where, [f"input_ids must be ids [B, P] with at least one token, got {ids.dtype}{list(ids.shape)}"]
            )
        vocab = self.model.config.vocab_size
        if ids.min() < 0 or ids.max() >= vocab:
            raise InputError(
                where, [f"input_ids must lie in [0, {vocab}), got values from {ids.min()} to {ids.max()}"]
            )
        pad, eos = self.config.pad_token_id, self.config.eos_ids
        if attention_mask is not None:
            mask = np.asarray(attention_mask).astype(bool)
            mask = mask[None] if mask.ndim == 1 else mask
            if mask.shape != ids.shape:
                raise InputError(
                    where, [f"attention_mask must have the shape {list(ids.shape)}, got {list(mask.shape)}"]
                )
        elif pad is not None and pad not in eos and (ids == pad).any():
            mask = ids != pad
        else:
            mask = np.ones(ids.shape, bool)
        empty = np.flatnonzero(~mask.any(1))
        if len(empty):
            raise InputError(
                where, [f"attention_mask must leave a token in every row, rows {empty.tolist()} have none"]
            )
        if not self.model.config.is_encoder_decoder and not mask[:, -1].all():
            problem = "decoder prompts must be padded on the left: the last column must be tokens"
            raise InputError(where, [problem], "use a tokenizer with padding_side='left'")
        return ids.astype(np.int32), mask

    def _check_positions(self, where, width: int, new: int) -> None:
        """Learned positions end; rotary and relative ones do not."""
        c = self.model.config
        table = getattr(c, "max_position_embeddings", None)
        if table is None or hasattr(c, "rope_theta") or width + new - 1 <= table:
            return
        todo = "shorten the prompt" if width >= table else f"write at most {table - width + 1} new tokens"
        raise InputError(where, [f"prompt and new tokens must fit {table} positions, got {width} and {new}"], todo)

    def trim(self, tokens: np.ndarray, count: int) -> np.ndarray:
        """The rows and columns that were asked for: buckets' padding rows and columns taken away."""
        new = tokens[: self.kept, tokens.shape[1] - self.plan.slots :][:, :count]
        repeats = self.kept // len(self.prompt)
        return np.concatenate([np.repeat(self.prompt, repeats, 0), new], 1)


def _missing(model: Model) -> tuple[str, ...]:
    """Heads that have a cache but score no words: the bare models."""
    return ("logits",) if model.name.endswith("Model") and not model.name.endswith("LMHeadModel") else ()


def _bucket(n: int, least: int) -> int:
    """`n` rounded up to a power of two, or to three quarters of one, and to `least`."""
    size = least
    while size < n:
        size *= 2
    return size * 3 // 4 if size > least and size * 3 // 4 >= max(n, least) and size >= 4 else size


def _pad(x: np.ndarray, rows: int, width: int, left: bool = True) -> np.ndarray:
    """x [B, P] -> [rows, width]: columns of zeros beside it; the rows added repeat the last."""
    extra = (width - x.shape[1], 0) if left else (0, width - x.shape[1])
    x = np.pad(x, ((0, 0), extra))
    return np.concatenate([x, np.repeat(x[-1:], rows - len(x), 0)])


def _seeds(ids: np.ndarray, mask: np.ndarray, repeats: int) -> np.ndarray:
    """uint32 [B * repeats, 2]: what tells rows apart: the prompt's tokens, and how many rows before have the same."""
    count: Counter = Counter()
    out = []
    for row, real in zip(ids, mask, strict=True):
        seed = zlib.crc32(row[real].tobytes())
        for _ in range(repeats):
            out.append((seed, count[seed]))
            count[seed] += 1
    return np.asarray(out, np.uint32)


def _keys(key, seeds: np.ndarray, rows: int):
    key = jax.random.key(0) if key is None else key
    seeds = np.concatenate([seeds, np.repeat(seeds[-1:], rows - len(seeds), 0)])
    return _fold(key, seeds)


@jax.jit
def _fold(key, seeds):
    return jax.vmap(lambda s: jax.random.fold_in(jax.random.fold_in(key, s[0]), s[1]))(seeds)
