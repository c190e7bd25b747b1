"""A call of `generate` or `stream`, checked and brought into the form of the compiled program, in shape buckets."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxformers import models, spec
from jaxformers.errors import InputError
from jaxformers.generation import constraints, dola, outputs, rules, stopping
from jaxformers.generation.assisted import Assisted
from jaxformers.generation.beams import BeamSearch
from jaxformers.generation.config import GenerationConfig, resolve
from jaxformers.generation.constrained import ConstrainedBeamSearch
from jaxformers.generation.contrastive import ContrastiveSearch
from jaxformers.generation.decoder import Decoder, Task
from jaxformers.generation.groups import GroupBeamSearch
from jaxformers.generation.loop import Method
from jaxformers.generation.rules_base import ids_of
from jaxformers.generation.sampling import Sampling
from jaxformers.model import Model, arguments, main_input
from jaxformers.nn import cache as caches
from jaxformers.output import Output
from jaxformers.sharding.gather import local, spread

ASSISTED = "assisted_generation"
# Settings that ask for what is not computed, and the values that do not ask.
_REFUSED: dict[str, tuple] = {"token_healing": (False,), "assistant_early_exit": (None,)}
# Settings that hold token ids: one, a list, a list of lists, or pairs of a list and a number.
_ID_FIELDS = (
    *("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id", "forced_bos_token_id"),
    *("forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids"),
    "sequence_bias",
)
# Inputs that a decoder reads beside its prompt: a row a prompt, or of images as many as the prompt speaks of.
_BESIDE = ("encoder_hidden_states", "encoder_attention_mask", "pixel_values")
# Settings that look at the tokens that an encoder reads, and the values that do not.
_OF_SOURCE: dict[str, Any] = {
    "encoder_repetition_penalty": 1.0,
    "encoder_no_repeat_ngram_size": 0,
    "guidance_scale": 1.0,
}


class Call:
    """What `loop.run` takes: `method`, `weights` and `task`; and the way back from what it returns.

    Args are those of `generate`.
    """

    def __init__(
        self,
        model: Model,
        input_ids: Any = None,
        attention_mask: Any = None,
        *,
        generation_config: GenerationConfig | None = None,
        key: Any = None,
        logits_rules: tuple = (),
        stopping_rules: tuple = (),
        prefix_allowed_tokens_fn: Any = None,
        assistant_model: Model | None = None,
        negative_prompt_ids: Any = None,
        negative_prompt_attention_mask: Any = None,
        tokenizer: Any = None,
        decoder_input_ids: Any = None,
        **options: Any,
    ):
        self.model, self.where = model, f"{model.name}.generate"
        _check_model(model, self.where)
        if model.head.begin is not None:
            begun = model.head.begin(model.config, input_ids, attention_mask, options)
            input_ids, attention_mask, options = *begun[:2], {**begun[2], **options}
        # What prompts are of: text or, where an encoder reads them, pictures or sound.
        both = model.head.reads_source
        main = main_input(model.head.apply) if both else "input_ids"
        if input_ids is None and main != "input_ids":
            input_ids = options.pop(main, None)
        beside = {
            name: options.pop(name) for name in _BESIDE if name in options and name in arguments(model.head.apply)
        }
        base = generation_config
        if base is not None and model.generation_config is not None:
            base = base.over(model.generation_config)
        self.config = c = resolve(model.config, base or model.generation_config, options)
        self.draft = assistant_model
        self.mode = ASSISTED if assistant_model is not None else c.mode
        self._check_settings(options)

        self.source: tuple[int, int | None]
        source: dict[str, np.ndarray] = {}  # what an encoder reads
        if main == "input_ids":
            ids, mask = self._prompts(main, input_ids, attention_mask)
            read = [row[real] for row, real in zip(ids, mask, strict=True)]
            self.source, length = ids.shape, _bucket(ids.shape[1], 16)
            if both:
                source = {main: ids, "attention_mask": mask}
        else:
            source = self._signals(main, input_ids, attention_mask)
            read = list(source[main])
            self.source, length = (len(read), None), None
        prompt, valid = self._decoder_prompts(len(read), decoder_input_ids) if both else (ids, mask)
        if not both and not valid[:, -1].all():
            problem = "decoder prompts must be padded on the left: the last column must be tokens"
            raise InputError(self.where, [problem], "use a tokenizer with padding_side='left'")
        new = self._new_tokens(prompt.shape[1])
        beams = c.num_beams if c.num_beams > 1 else 1
        repeats = 1 if beams > 1 else c.num_return_sequences
        seeds = _seeds(read, repeats)
        self.repeats = repeats if beams == 1 else c.num_return_sequences
        self.prompt, self.prompts = np.repeat(prompt, self.repeats, 0), len(prompt)

        # Buckets: padding columns beside the tokens, copies of the last row below the others.
        rows = _bucket(len(prompt) * repeats, 1)
        width = prompt.shape[1] if both else _bucket(prompt.shape[1], 16)
        self.width = width

        def place(x, columns=None, left=True):
            x = np.repeat(np.asarray(x), repeats, 0)
            return _pad(x, rows, x.shape[1] if columns is None else columns, left)

        inputs: dict[str, Any] = {name: place(x, length, False) for name, x in source.items()}
        for name, x in beside.items():
            if x is not None and name == "pixel_values" and model.head.images is not None:
                inputs[name] = self._images(prompt, np.asarray(x), place(np.arange(len(prompt))[:, None]))
            elif x is not None:
                inputs[name] = place(self._beside(name, x, len(prompt)))
        negative = None
        if c.guidance_scale not in (None, 1.0):
            other, real = self._negative(prompt, negative_prompt_ids, negative_prompt_attention_mask)
            if both:
                length = max(length or 0, _bucket(other.shape[1], 16))
                pairs = ("input_ids", ids, other), ("attention_mask", mask, real)
                twice = {n: np.concatenate([x, x]) for n, x in inputs.items()}
                inputs = twice | {n: np.concatenate([place(x, length, False) for x in pair]) for n, *pair in pairs}
            else:
                width = self.width = max(width, _bucket(other.shape[1], 16))
                negative = place(other, width), place(real, width)
        slots = _bucket(new, 16)
        asked = {"prefix_allowed": prefix_allowed_tokens_fn, "prompts": len(prompt) * repeats}
        made = rules.from_config(c, c.eos_ids, int(new), own=tuple(logits_rules), **asked)
        stops = tuple(stopping_rules)
        if c.stop_strings is not None:
            stops += (stopping.StopStrings(c.stop_strings, tokenizer),)
        self.method = self._method(made, stops, slots)
        self.weights = {"model": model.params} | ({"draft": self.draft.params} if self.draft is not None else {})
        until = stopping.deadline(c.max_time) if c.max_time is not None else np.zeros(2, np.uint32)
        self.task = Task(
            prompt=place(prompt, width),
            valid=place(valid, width),
            inputs=inputs,
            limit=np.int32(new),
            keys=_keys(key, seeds, rows),
            until=until,
            negative=negative,
        )

    # -------------------------------------------------------------------------------------------- the program

    def _method(self, made: tuple, stops: tuple, slots: int) -> Method:
        c: Any = self.config
        wanted = c.return_dict_in_generate
        eos, pad = c.eos_ids, ids_of(c.pad_token_id)
        common: dict[str, Any] = {
            "rules": made,
            "stops": stops,
            "eos": eos,
            "fill": (pad or eos or (0,))[0],
            "sample": bool(c.do_sample),
            "slots": slots,
            "timed": c.max_time is not None,
            "keeps": tuple(n for n in ("scores", "logits") if wanted and getattr(c, f"output_{n}")),
        }
        keeps = tuple(n for n in ("hidden_states", "attentions") if wanted and getattr(c, f"output_{n}"))
        whole = self.mode == ASSISTED or "attentions" in keeps
        guidance = None if c.guidance_scale in (None, 1.0) else float(c.guidance_scale)

        def decoder(model: Model, **how) -> Decoder:
            stacked = spec.is_stacked(model.params)
            dtype = jnp.dtype(jnp.int8) if c.cache_implementation == "quantized" else model.dtype
            return Decoder(model.head, model.config, dtype, stacked, whole=whole, **how)

        read = decoder(self.model, keeps=keeps, guidance=guidance)
        if self.mode == ASSISTED:
            for what, model in (("model", self.model), ("assistant_model", self.draft)):
                if model is None or caches.can_rewind(jax.eval_shape(lambda m=model: decoder(m).cache(1, 8))):
                    continue
                problem = f"{what} must have a cache that tokens can be taken back from, got {model.name}"
                raise InputError(self.where, [problem], "leave assistant_model and prompt_lookup_num_tokens out")
            ngram = c.max_matching_ngram_size or 2
            if self.draft is None:
                return Assisted(read, **common, guesses=c.prompt_lookup_num_tokens, ngram=ngram)
            how: dict[str, Any] = {"guesses": c.num_assistant_tokens, "least": c.assistant_confidence_threshold}
            adapts = c.num_assistant_tokens_schedule != "constant"
            return Assisted(read, **common, draft=decoder(self.draft), **how, adapts=adapts)
        if self.mode == "contrastive_search":
            read = decoder(self.model, keeps=keeps, guidance=guidance, hidden=True)
            return ContrastiveSearch(read, **common, alpha=float(c.penalty_alpha), candidates=int(c.top_k))
        if self.mode == "dola_generation":
            m = self.model.config.get_text_config()
            layers = dola.layers(c.dola_layers, m.num_hidden_layers, m.tie_word_embeddings)
            return Sampling(decoder(self.model, keeps=keeps, guidance=guidance, layers=layers), **common)
        if c.num_beams > 1:
            search: dict[str, Any] = {
                "beams": c.num_beams,
                "length_penalty": float(c.length_penalty),
                "early_stopping": c.early_stopping,
                "returned": c.num_return_sequences,
            }
            if self.mode == "constrained_beam_search":
                phrases = constraints.from_config(c, self.model.config.get_text_config().vocab_size)
                return ConstrainedBeamSearch(read, **common, **search, constraints=phrases)
            if self.mode == "group_beam_search":
                search |= {"groups": c.num_beam_groups, "penalty": float(c.diversity_penalty)}
                return GroupBeamSearch(read, **common, **search)
            if eos:  # the reference's beam search takes a pad_token_id of 0 for none
                common["fill"] = (pad[0] if pad else 0) or eos[0]
            return BeamSearch(read, **common, **search)
        return Sampling(read, **common)

    def output(self, result: Mapping[str, Any]) -> np.ndarray | Output:
        """What `generate` returns, of what the program returned.

        Raises:
          InputError: the scores of a step were not numbers, or left no token.
        """
        result = local(result)
        self.check(result["sound"])
        count, kept = int(result["written"]), self.prompts * self.repeats
        new = np.asarray(result["tokens"])[:kept, self.width : self.width + count]
        sequences = np.concatenate([self.prompt, new], 1)
        c = self.config
        if not c.return_dict_in_generate:
            return sequences
        out: dict[str, Any] = {"sequences": sequences}
        if "sequences_scores" in result:
            if c.output_scores:
                out["sequences_scores"] = np.asarray(result["sequences_scores"])[:kept]
            out["beam_indices"] = np.asarray(result["beam_indices"])[:kept, :count]
            kept = self.prompts * c.num_beams
            count = int(result["steps"])
        prompt = self.prompt.shape[1], self.width
        read = self.repeats if c.num_beams == 1 else 1
        out |= outputs.report(result.get("kept", {}), count, kept, prompt, self.source, read)
        return Output(out)

    # -------------------------------------------------------------------------------------------- checks

    def check(self, sound: Any) -> None:
        """Refuses rows that a program or a step of it says are not `sound`, bool [R]."""
        rows = self.prompts * (1 if self.config.num_beams > 1 else self.repeats)
        unsound = np.flatnonzero(~np.asarray(local(sound))[:rows])
        if len(unsound):
            problem = f"scores must be numbers and leave a token to write, got nan or none in rows {unsound.tolist()}"
            todo = "look for nan in the parameters and for rules that ban every token, or set remove_invalid_values"
            raise InputError(self.where, [problem], todo)

    def _check_settings(self, options: Mapping[str, Any]) -> None:
        c, m = self.config, self.model.config.get_text_config()
        problems = [
            f"{n} must be {off[0]!r}, got {getattr(c, n)!r}: it is not computed"
            for n, off in _REFUSED.items()
            if getattr(c, n) not in off
        ]
        named = {n for n in _ID_FIELDS if n in c.written or n in c.given}
        for name in (n for n in _ID_FIELDS if n in named):  # a config's default may lie outside a tiny vocabulary
            wrong = sorted(i for i in _flat(getattr(c, name)) if i >= m.vocab_size)
            if wrong:
                problems.append(f"{name} must hold ids below the vocabulary's {m.vocab_size}, got {wrong}")
        held = c.cache_implementation or ""
        if held.startswith("offloaded"):
            problems.append(f"cache_implementation must keep the cache on the device, got {held!r}")
        bits = (c.cache_config or {}).get("nbits", 8)
        if held == "quantized" and bits != 8:
            problems.append(f"cache_config must ask for nbits=8, got {bits}")
        if c.max_time is not None and spread(self.model.params):
            problems.append(f"max_time must be None over several processes, whose clocks differ, got {c.max_time}")
        if self.mode == ASSISTED and c.num_beams > 1:
            problems.append(f"num_beams must be 1 with an assistant_model, got {c.num_beams}")
        if self.draft is not None:
            problems += _draft_problems(self.model, self.draft)
        if self.mode == "dola_generation" and (self.model.head.reads_source or self.model.head.words is None):
            problems.append("dola_layers must be None for a model that is not a decoder with an output layer")
        if problems:
            raise InputError(self.where, problems)

    def _prompts(self, name: str, input_ids: Any, attention_mask: Any) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(input_ids)
        ids = ids[None] if ids.ndim == 1 else ids
        if ids.ndim != 2 or 0 in ids.shape or ids.dtype.kind not in "iu":
            problem = f"{name} must be ids [B, P] with at least one token, got {ids.dtype}{list(ids.shape)}"
            raise InputError(self.where, [problem])
        vocab = self.model.config.get_text_config(encoder=name != "decoder_input_ids").vocab_size
        if ids.min() < 0 or ids.max() >= vocab:
            problem = f"{name} must lie in [0, {vocab}), got values from {ids.min()} to {ids.max()}"
            raise InputError(self.where, [problem])
        pad, eos = ids_of(self.config.pad_token_id), self.config.eos_ids
        if attention_mask is not None:
            mask = np.asarray(attention_mask).astype(bool)
            mask = mask[None] if mask.ndim == 1 else mask
            if mask.shape != ids.shape:
                problem = f"the mask of {name} must have the shape {list(ids.shape)}, got {list(mask.shape)}"
                raise InputError(self.where, [problem])
        elif pad and not set(pad) & set(eos) and np.isin(ids, pad).any():
            mask = ~np.isin(ids, pad)
        else:
            mask = np.ones(ids.shape, bool)
        empty = np.flatnonzero(~mask.any(1))
        if len(empty):
            problem = f"the attention_mask must leave a token in every row, rows {empty.tolist()} of {name} have none"
            raise InputError(self.where, [problem])
        return ids.astype(np.int32), mask

    def _signals(self, name: str, x: Any, attention_mask: Any) -> dict[str, np.ndarray]:
        """Pictures, sound or what else an encoder reads that is not text, a row a prompt, and its mask if given."""
        x = np.asarray(x)
        if x.ndim < 2 or 0 in x.shape or x.dtype.kind not in "fiu":
            raise InputError(
                self.where, [f"{name} must be an array with a row a prompt, got {x.dtype}{list(x.shape)}"]
            )
        problems = [
            f"{setting} must be left out: the encoder reads {name}, no tokens"
            for setting, off in _OF_SOURCE.items()
            if getattr(self.config, setting) not in (None, off)
        ]
        mask = None if attention_mask is None else self._beside("attention_mask", attention_mask, len(x))
        if mask is not None and "attention_mask" not in arguments(self.model.head.apply):
            problems.append(f"attention_mask must be left out: {self.model.name} does not take it")
        if problems:
            raise InputError(self.where, problems)
        return {name: x} if mask is None else {name: x, "attention_mask": mask}

    def _decoder_prompts(self, rows: int, given: Any) -> tuple[np.ndarray, np.ndarray]:
        """What an encoder-decoder's decoder reads first: its start token, then `decoder_input_ids` if given."""
        c = self.config
        first = c.decoder_start_token_id if c.decoder_start_token_id is not None else c.bos_token_id
        if first is None and given is None:
            raise InputError(self.where, ["decoder_start_token_id must be set in the config or the call"])
        if first is not None:
            starts = np.asarray(first, np.int32).reshape(-1, 1)  # one for all rows, or one a row
            if len(starts) not in (1, rows):
                problem = f"decoder_start_token_id must be one id or {rows}, got {first}"
                raise InputError(self.where, [problem])
            starts = np.broadcast_to(starts, (rows, 1))
        if given is None:
            return starts, np.ones(starts.shape, bool)
        prompt, valid = self._prompts("decoder_input_ids", given, None)
        if len(prompt) not in (1, rows):
            raise InputError(self.where, [f"decoder_input_ids must have {rows} rows, got {len(prompt)}"])
        prompt, valid = (np.broadcast_to(x, (rows, x.shape[1])) for x in (prompt, valid))
        if first is not None and (prompt[:, :1] != starts).all():
            prompt = np.concatenate([starts, prompt], 1)
            valid = np.concatenate([np.ones(starts.shape, bool), valid], 1)
        return prompt, valid

    def _negative(self, prompt: np.ndarray, ids: Any, mask: Any) -> tuple[np.ndarray, np.ndarray]:
        """The prompts without the condition: the last token alone if none are given."""
        if ids is None:
            if self.model.head.reads_source:
                problem = "negative_prompt_ids must be given with guidance_scale for an encoder-decoder"
                raise InputError(self.where, [problem], "pass what the encoder reads without the condition")
            ids, mask = prompt[:, -1:], None
        ids, real = self._prompts("negative_prompt_ids", ids, mask)
        if len(ids) not in (1, len(prompt)):
            raise InputError(self.where, [f"negative_prompt_ids must have {len(prompt)} rows, got {len(ids)}"])
        if not self.model.head.reads_source and not real[:, -1].all():
            raise InputError(self.where, ["negative_prompt_ids must be padded on the left"])
        return tuple(np.broadcast_to(x, (len(prompt), x.shape[1])) for x in (ids, real))  # type: ignore[return-value]

    def _beside(self, name: str, x: Any, rows: int) -> np.ndarray:
        x = np.asarray(x)
        if x.ndim < 2 or len(x) != rows:
            raise InputError(self.where, [f"{name} must have a row for each of {rows} prompts, got {list(x.shape)}"])
        return x

    def _images(self, prompt: np.ndarray, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The images of each of the prompts `rows` [R, 1], in their order."""
        counts = self.model.head.images(self.model.config, prompt, images)  # type: ignore[misc]
        if counts.sum() != len(images):
            problem = f"pixel_values must hold the {counts.sum()} images that the prompts speak of, got {len(images)}"
            raise InputError(self.where, [problem])
        groups = np.split(np.arange(len(images)), np.cumsum(counts)[:-1])
        return images[np.concatenate([groups[row] for row in rows[:, 0]])]

    def _new_tokens(self, width: int) -> int:
        """Tokens to write at most. Learned positions end; rotary and relative ones do not."""
        c, both = self.model.config.get_text_config(), self.model.head.reads_source
        table: int | None = getattr(c, "max_position_embeddings", None)
        if table is None:
            return self.config.new_tokens(width, both)
        learned = not hasattr(c, "rope_theta")
        if learned and width > table:
            problem = f"prompt and new tokens must fit {table} positions, got a prompt of {width}"
            raise InputError(self.where, [problem], "shorten the prompt")
        new = self.config.new_tokens(width, both, table if learned or width < table else None)
        if learned and width + new - 1 > table:
            problem = f"prompt and new tokens must fit {table} positions, got {width} and {new}"
            raise InputError(self.where, [problem], f"write at most {table - width + 1} new tokens")
        return new


def _check_model(model: Model, where: str) -> None:
    if model.head.cache is None or models.is_bare(model.config.model_type, model.name):  # which scores no words
        raise InputError(where, ["the model must have a head that writes text, e.g. ForCausalLM or LMHeadModel"])


def _draft_problems(model: Model, draft: Model) -> list[str]:
    _check_model(draft, "assistant_model")
    a, b = model.config, draft.config
    problems = []
    if (vocab := a.get_text_config().vocab_size) != b.get_text_config().vocab_size:
        problems.append(
            f"assistant_model must have the model's vocabulary of {vocab}, got {b.get_text_config().vocab_size}"
        )
    if model.head.reads_source != draft.head.reads_source:
        kind = "an encoder-decoder" if model.head.reads_source else "a decoder"
        problems.append(f"assistant_model must be {kind} like the model, got {draft.name}")
    return problems


def _flat(value: Any) -> list[int]:
    """The whole numbers in nested tuples."""
    if isinstance(value, tuple):
        return [i for x in value for i in _flat(x)]
    return [value] if isinstance(value, int) else []


# ------------------------------------------------------------------------------------------------ shapes and keys


def _bucket(n: int, least: int) -> int:
    """`n` rounded up to a power of two, or to three quarters of one, and to `least`."""
    size = least
    while size < n:
        size *= 2
    return size * 3 // 4 if size > least and size * 3 // 4 >= max(n, least) and size >= 4 else size


def _pad(x: np.ndarray, rows: int, width: int, left: bool) -> np.ndarray:
    """x [B, P, ...] -> [rows, width, ...]: columns of zeros beside it; the rows added repeat the last."""
    extra = (width - x.shape[1], 0) if left else (0, width - x.shape[1])
    x = np.pad(x, ((0, 0), extra, *[(0, 0)] * (x.ndim - 2)))
    return np.concatenate([x, np.repeat(x[-1:], rows - len(x), 0)])


def _seeds(prompts: list[np.ndarray], repeats: int) -> np.ndarray:
    """uint32 [B * repeats, 2]: what tells rows apart: the prompt, and how many rows before have the same."""
    count: Counter = Counter()
    out = []
    for prompt in prompts:
        seed = zlib.crc32(prompt.tobytes())
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
