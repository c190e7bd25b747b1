"""`GenerationConfig`: how a model writes, read from and written to `generation_config.json`.

Fields, names and defaults are those of transformers 4.57.6. A config is frozen and hashable, so it is static under
`jax.jit`; lists become tuples, and keys of a file that no field knows are kept in `extra` and written back.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import warnings
from collections.abc import Mapping
from typing import Any, Self

from jaxformers.checkpoints.files import write_atomically
from jaxformers.checkpoints.hub import TEXT
from jaxformers.checkpoints.hub import resolve as locate
from jaxformers.config import Frozen, ModelConfig, freeze, read_json, thaw
from jaxformers.errors import ConfigError, InputError, nearest
from jaxformers.generation.conflicts import NEW_TOKENS, conflicts
from jaxformers.generation.fields import (
    are_biases,
    are_ends,
    are_forced,
    are_ids,
    are_layers,
    are_phrases,
    are_texts,
    choice,
    count,
    flag,
    ids,
    is_decay,
    is_id,
    is_int,
    is_object,
    is_real,
    is_some,
    number,
    rule,
)

FILE = "generation_config.json"

_CACHES = (
    *("dynamic", "dynamic_full", "offloaded", "quantized", "static", "offloaded_static", "sliding_window", "hybrid"),
    *("hybrid_chunked", "offloaded_hybrid", "offloaded_hybrid_chunked"),
)
_SCHEDULES = ("constant", "heuristic", "heuristic_transient")
_OUTPUTS = ("output_attentions", "output_hidden_states", "output_scores", "output_logits")

# Arguments of `generate` that are not settings.
_ARGUMENTS = (
    *("logits_processor", "stopping_criteria", "prefix_allowed_tokens_fn", "assistant_model", "streamer"),
    *("synced_gpus", "negative_prompt_ids", "negative_prompt_attention_mask", "use_model_defaults"),
)


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class GenerationConfig:
    """How to write text. All fields, grouped:

    * length: `max_length` counts the prompt, `max_new_tokens` does not and wins; see `lengths`. Without either, 20 new
      tokens are written. Likewise `min_length` and `min_new_tokens`. `max_time` in seconds; `stop_strings`.
    * search: `do_sample`, `num_beams`, `num_beam_groups` with `diversity_penalty`, `penalty_alpha` (contrastive),
      `early_stopping` and `length_penalty` (beams), `force_words_ids` or `constraints`, `num_assistant_tokens`,
      `prompt_lookup_num_tokens` and the like (assisted), `dola_layers`. See `mode`.
    * distribution: `temperature`, `top_k`, `top_p`, `min_p`, `top_h`, `typical_p`, `epsilon_cutoff`, `eta_cutoff`.
      They count when sampling and are ignored otherwise, as files hold them for callers who sample.
    * logits: penalties, n-grams, forced, suppressed and bad tokens, `sequence_bias` (held as pairs `((ids), bias)`),
      `guidance_scale`, `watermarking_config`.
    * results: `num_return_sequences`, `return_dict_in_generate` and, counting only together with it, `output_*`.
    * special tokens: ids, or lists of ids. An `eos_token_id` of -1 never matches: nothing ends early.

    A None gives a field its default; `top_k=None` is the same as 0, no limit.

    Raises:
      ConfigError: values out of range or in contradiction; it names every field concerned.
    """

    max_length: int = count(NEW_TOKENS, 1)
    max_new_tokens: int | None = count(None, 1)
    min_length: int = count(0, 0)
    min_new_tokens: int | None = count(None, 0)
    early_stopping: bool | str = choice(False, True, False, "never")
    max_time: float | None = number(None, "[0, inf]")
    stop_strings: str | tuple[str, ...] | None = rule(None, "be a string or a list of strings, none empty", are_texts)

    do_sample: bool = flag()
    num_beams: int = count(1, 1)
    num_beam_groups: int = count(1, 1)
    penalty_alpha: float | None = number(None, "[0, 1]")
    dola_layers: str | tuple[int, ...] | None = rule(None, "be 'low', 'high' or a list of layer numbers", are_layers)
    force_words_ids: tuple | None = rule(None, "be a list of phrases or of lists of phrases, as token ids", are_forced)
    constraints: tuple | None = rule(None, "be a list of constraints", is_some)

    use_cache: bool = flag(True)
    cache_implementation: str | None = choice(None, *_CACHES)
    cache_config: Mapping[str, Any] | None = rule(None, "be an object", is_object)

    temperature: float = rule(1.0, "be above 0", lambda x: is_real(x) and 0 < x < float("inf"))
    top_k: int | None = count(50, 0)
    top_p: float = number(1.0, "(0, 1]")
    min_p: float | None = number(None, "[0, 1]")
    top_h: float | None = number(None, "(0, 1]")
    typical_p: float = number(1.0, "(0, 1]")
    epsilon_cutoff: float = number(0.0, "[0, 1)")
    eta_cutoff: float = number(0.0, "[0, 1)")
    diversity_penalty: float = number(0.0, "[0, inf)")
    repetition_penalty: float = number(1.0, "(0, inf)")
    encoder_repetition_penalty: float = number(1.0, "(0, inf)")
    length_penalty: float = number(1.0, "(-inf, inf)")
    no_repeat_ngram_size: int = count(0, 0)
    bad_words_ids: tuple[tuple[int, ...], ...] | None = rule(
        None, "be a list of non-empty lists of token ids", are_phrases
    )
    renormalize_logits: bool = flag()
    forced_bos_token_id: int | None = rule(None, "be a token id", is_id)
    forced_eos_token_id: int | tuple[int, ...] | None = ids()
    remove_invalid_values: bool = flag()
    exponential_decay_length_penalty: tuple[int, float] | None = rule(
        None, "be a pair of a first position and a positive factor", is_decay
    )
    suppress_tokens: tuple[int, ...] | None = rule(None, "be a list of token ids", are_ids)
    begin_suppress_tokens: tuple[int, ...] | None = rule(None, "be a list of token ids", are_ids)
    sequence_bias: tuple[tuple[tuple[int, ...], float], ...] | None = rule(
        None, "be a mapping from non-empty token sequences to numbers, or such pairs", are_biases
    )
    token_healing: bool = flag()
    guidance_scale: float | None = number(None, "(-inf, inf)")
    watermarking_config: Mapping[str, Any] | None = rule(None, "be an object", is_object)

    num_return_sequences: int = count(1, 1)
    output_attentions: bool = flag()
    output_hidden_states: bool = flag()
    output_scores: bool = flag()
    output_logits: bool | None = flag(None)
    return_dict_in_generate: bool = flag()

    pad_token_id: int | tuple[int, ...] | None = ids()
    bos_token_id: int | tuple[int, ...] | None = ids()
    eos_token_id: int | tuple[int, ...] | None = rule(None, "be a token id or a list of them", are_ends)
    decoder_start_token_id: int | tuple[int, ...] | None = ids()
    encoder_no_repeat_ngram_size: int = count(0, 0)

    is_assistant: bool = flag()
    num_assistant_tokens: int = count(20, 1)
    num_assistant_tokens_schedule: str = choice("constant", *_SCHEDULES)
    assistant_confidence_threshold: float = number(0.4, "[0, 1]")
    prompt_lookup_num_tokens: int | None = count(None, 1)
    max_matching_ngram_size: int | None = count(None, 1)
    assistant_early_exit: int | None = count(None, 1)
    assistant_lookbehind: int = count(10, 1)
    target_lookbehind: int = count(10, 1)

    extra: Frozen = dataclasses.field(default_factory=Frozen)  # keys of the file that no field knows
    written: frozenset = dataclasses.field(default=frozenset(), compare=False)  # names that a file or `replace` set
    given: frozenset = dataclasses.field(default=frozenset(), compare=False)  # names that a call of `generate` set

    def __post_init__(self):
        problems, refused = [], set()
        for name, f in _FIELDS.items():
            value = _plain(getattr(self, name))
            if value is None and name != "top_k":
                value = f.default
            if name == "sequence_bias":
                value = _pairs(value)
            object.__setattr__(self, name, value)
            text, holds = f.metadata["rule"]
            if value is not None and not holds(value):
                refused.add(name)
                problems.append(f"{name} must {text}, got {value!r}")
        object.__setattr__(self, "extra", freeze(self.extra))
        problems += [f"{name} is an argument of generate, not a setting" for name in _ARGUMENTS if name in self.extra]
        problems += [text for names, text in conflicts(self, _FIELDS, refused) if not refused & set(names)]
        if problems:
            raise ConfigError("GenerationConfig", problems)

    def __getattr__(self, name):
        extra = self.__dict__.get("extra", {})
        if name in extra and not name.startswith("__"):
            return extra[name]
        raise AttributeError(f"GenerationConfig has no field {name!r}")

    def __repr__(self) -> str:
        return f"GenerationConfig({', '.join(f'{k}={v!r}' for k, v in self.to_dict().items())})"

    # -------------------------------------------------------------------------------------------- derived

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """The ids that end a row; empty if none does."""
        ids = () if self.eos_token_id is None else self.eos_token_id
        return tuple(i for i in (ids if isinstance(ids, tuple) else (ids,)) if i >= 0)

    @property
    def mode(self) -> str:
        """The decoding mode that the fields ask for, by the reference's names; a draft model is not a field."""
        if self.constraints is not None or self.force_words_ids is not None:
            return "constrained_beam_search"
        if self.num_beams > 1:
            if self.num_beam_groups > 1:
                return "group_beam_search"
            return "beam_sample" if self.do_sample else "beam_search"
        if self.dola_layers is not None:
            return "dola_generation"
        if self.prompt_lookup_num_tokens is not None or self.assistant_early_exit is not None:
            return "assisted_generation"
        if self.do_sample:
            return "sample"
        return "contrastive_search" if self.penalty_alpha and (self.top_k or 0) > 1 else "greedy_search"

    def lengths(self, prompt_length: int, is_encoder_decoder: bool = False, positions: int | None = None) -> int:
        """The length at which writing ends, prompt included, as in transformers 4.57.6.

        `max_new_tokens` more than the prompt; else `max_length`; else, if that is its default of 20 and the call did
        not give it, **20 new tokens**, fewer if the position table ends before. `max_new_tokens` wins over a
        `max_length` given in the same call, with a warning. A minimum that does not fit below the end is warned of.

        Args:
          prompt_length: tokens of the prompt; for an encoder-decoder those of the decoder, start token included.
          is_encoder_decoder: what the prompt is called in errors.
          positions: length of the model's position table, if it has one; it bounds the default only.

        Raises:
          InputError: the prompt already has that length.
        """
        explicit = "max_length" in self.given
        if self.max_new_tokens is not None:
            total = prompt_length + self.max_new_tokens
            if explicit:
                _warn("max_length", self.max_length, "max_new_tokens", self.max_new_tokens)
        elif explicit or self.max_length != NEW_TOKENS:
            total = self.max_length
        else:
            total = prompt_length + NEW_TOKENS
            total = total if positions is None else min(total, positions)
        if prompt_length >= total:
            name = "decoder_input_ids" if is_encoder_decoder else "input_ids"
            problem = f"max_length must be above the prompt's {prompt_length} {name}, got {total}"
            raise InputError("generate", [problem], "set max_new_tokens, or a larger max_length")
        least, field = self.min_length, "min_length"
        if self.min_new_tokens is not None:
            if "min_length" in self.given:
                _warn("min_length", self.min_length, "min_new_tokens", self.min_new_tokens)
            least, field = prompt_length + self.min_new_tokens, "min_new_tokens"
        if least > total:
            problem = f"{field}={getattr(self, field)} asks for {least} tokens, prompt included"
            warnings.warn(f"{problem}, but writing ends at {total}", stacklevel=3)
        return total

    def new_tokens(self, prompt_length: int, is_encoder_decoder: bool = False, positions: int | None = None) -> int:
        """How many tokens are written at most: `lengths` without the prompt."""
        return self.lengths(prompt_length, is_encoder_decoder, positions) - prompt_length

    # -------------------------------------------------------------------------------------------- json

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], **changes: Any) -> Self:
        """A config from the object in a `generation_config.json`; unknown keys go to `extra`, `changes` override.

        A negative `pad_token_id`, which files hold for "none", is read as None; temperature 0 as greedy decoding.

        Raises:
          ConfigError: a change names a field that neither the library nor the file knows, or values are refused.
        """
        values = _as_meant(values)
        _refuse_unknown(changes, values)
        fields, extra = _split({**values, **changes})
        return cls(**fields, extra=Frozen(extra), written=frozenset({*values, *changes}))

    @classmethod
    def from_pretrained(
        cls, path: str | os.PathLike, file: str = FILE, *, revision: str | None = None, **changes: Any
    ) -> Self:
        """The config in `file` of a directory or hub id; one directory may hold several under different names.

        Raises:
          ConfigError: no such file, not JSON, or values that are refused.
          CheckpointError: no such directory or hub id.
        """
        found = pathlib.Path(path)
        if not found.is_file():
            found = locate(path, revision, TEXT) / file
        if not found.is_file():
            held = ", ".join(sorted(p.name for p in found.parent.glob("*.json"))) or "no .json file"
            raise ConfigError(os.fspath(path), [f"must hold {file}, it holds {held}"])
        try:
            return cls.from_dict(read_json(found), **changes)
        except ConfigError as e:
            raise ConfigError(str(found), e.problems) from None

    @classmethod
    def from_model_config(cls, config: ModelConfig) -> Self:
        """The generation settings that old checkpoints keep in their `config.json`, in fields or unknown keys.

        A model made of several takes what is not set from its `decoder`, `generator` or `text_config`. An `output_*`
        flag that is set also sets `return_dict_in_generate`.
        """
        try:
            return cls(**_of_model(config))
        except ConfigError as e:
            raise ConfigError(f"generation settings in the {config.model_type} config", e.problems) from None

    def to_dict(self) -> dict[str, Any]:
        """JSON values: what differs from the defaults, what the file held, and what was changed."""
        return {**thaw(self.extra), **{k: thaw(v) for k, v in self._set().items()}}

    def to_json(self) -> str:
        """The text of a `generation_config.json`: two-space indent, sorted keys, final newline."""
        if self.constraints is not None:
            raise ConfigError("GenerationConfig", ["constraints must be None to be written: they are no JSON values"])
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def save_pretrained(self, directory: str | os.PathLike, file: str = FILE) -> None:
        """Writes `directory/file` atomically."""
        text = self.to_json()
        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        write_atomically(pathlib.Path(directory) / file, text.encode())

    # -------------------------------------------------------------------------------------------- changes

    def replace(self, **changes: Any) -> Self:
        """A copy with fields, or unknown keys that the file held, changed.

        Raises:
          ConfigError: an unknown name (the error gives the nearest known ones), or values are refused.
        """
        _refuse_unknown(changes, self.extra)
        fields, extra = _split(changes)
        written = self.written | set(changes)
        return dataclasses.replace(self, **fields, extra=Frozen({**self.extra, **extra}), written=written)

    def over(self, lower: GenerationConfig) -> Self:
        """This config's values where it sets them (not the default, or named by its file), else those of `lower`."""
        return type(self)(
            **{**lower._set(), **self._set()},
            extra=Frozen({**lower.extra, **self.extra}),
            written=lower.written | self.written,
            given=lower.given | self.given,
        )

    def _set(self) -> dict[str, Any]:
        named = self.written | self.given
        values = {name: getattr(self, name) for name in _FIELDS}
        return {k: v for k, v in values.items() if k in named or v != _FIELDS[k].default}


_FIELDS = {f.name: f for f in dataclasses.fields(GenerationConfig) if "rule" in f.metadata}


def resolve(model_config: ModelConfig, base: GenerationConfig | None, changes: Mapping[str, Any]) -> GenerationConfig:
    """The settings of one call: `changes` win over `base`, `base` over what the model's config holds.

    Only the values that are left in the end must agree.

    Args:
      model_config: the model's config.
      base: a generation config, or None.
      changes: fields named in the call. A None resets a field to its default.

    Raises:
      ConfigError: unknown names, values out of range or in contradiction.
    """
    base = GenerationConfig() if base is None else base
    _refuse_unknown(changes, base.extra, "generate")
    fields, extra = _split(changes)
    return GenerationConfig(
        **{**_of_model(model_config), **base._set(), **fields},
        extra=Frozen({**base.extra, **extra}),
        written=base.written,
        given=base.given | {name for name, value in changes.items() if value is not None},
    )


# ------------------------------------------------------------------------------------------------------ helpers


def _plain(value: Any) -> Any:
    """Python values instead of arrays and NumPy numbers, hashable containers instead of lists and dicts."""
    if hasattr(value, "tolist"):
        return freeze(value.tolist())
    if isinstance(value, Mapping):
        return Frozen({k: _plain(v) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_plain(v) for v in value)
    return value


def _pairs(value: Any) -> Any:
    """A `sequence_bias` as pairs `((ids), bias)`; the reference's files spell a mapping's keys "(3, 4)"."""
    if not isinstance(value, Mapping):
        return value
    return tuple((tuple(map(int, re.findall(r"\d+", k))) if isinstance(k, str) else k, v) for k, v in value.items())


def _split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Known fields, and the rest."""
    return {k: v for k, v in values.items() if k in _FIELDS}, {k: v for k, v in values.items() if k not in _FIELDS}


def _refuse_unknown(changes: Mapping[str, Any], extra: Mapping[str, Any], where: str = "GenerationConfig") -> None:
    strange = [k for k in changes if k not in _FIELDS and k not in extra]
    if strange:
        known = [*_FIELDS, *extra]
        raise ConfigError(where, [f"unknown field {k!r}; nearest: {', '.join(nearest(k, known, 3))}" for k in strange])


def _as_meant(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that files hold for "none": a negative `pad_token_id`, and a temperature of 0 for greedy decoding."""
    out = dict(values)
    if is_int(out.get("pad_token_id")) and out["pad_token_id"] < 0:
        out["pad_token_id"] = None
    if out.get("temperature") == 0 and not out.get("do_sample"):
        out |= {"temperature": 1.0, "do_sample": False}
    return out


def _of_model(config: ModelConfig) -> dict[str, Any]:
    """The generation fields that a model's config sets."""
    inner = next(
        (x for x in (_get(config, n) for n in ("decoder", "generator", "text_config")) if x is not None), None
    )
    values: dict[str, Any] = {}
    for name, f in _FIELDS.items():
        for part in (config, inner):
            value = None if part is None else _get(part, name)
            if value is not None and value != f.default:
                values.setdefault(name, value)
    if any(values.get(name) for name in _OUTPUTS):
        values["return_dict_in_generate"] = True
    return _as_meant(values)


def _get(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)


def _warn(loser: str, value: Any, winner: str, wins: Any) -> None:
    warnings.warn(f"both {winner}={wins} and {loser}={value} are given; {winner} takes precedence", stacklevel=4)
