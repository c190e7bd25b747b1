"""`ModelConfig`: what a model is, read from and written to `config.json`.

A config is a frozen, hashable dataclass, so it is static under `jax.jit`. Its fields and defaults are those of the
`config.json` of its model type. Keys of a file that no field knows are kept in `extra` and written back.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from jaxformers.errors import ConfigError, nearest


class Frozen(Mapping):
    """An immutable, hashable, ordered mapping: what a JSON object becomes inside a config."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Any = ()):
        object.__setattr__(self, "_items", {k: freeze(v) for k, v in dict(items).items()})
        object.__setattr__(self, "_hash", None)

    def __getitem__(self, key):
        return self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __hash__(self):
        if self._hash is None:
            object.__setattr__(self, "_hash", hash(frozenset(self._items.items())))
        return self._hash

    def __setattr__(self, name, value):
        raise AttributeError("a config is frozen; use dataclasses.replace(config, ...)")

    def __reduce__(self):
        return (Frozen, (self._items,))

    def __repr__(self):
        return repr(self._items)


def freeze(value: Any) -> Any:
    """JSON containers made hashable: list -> tuple, object -> `Frozen`."""
    if isinstance(value, Mapping):
        return value if isinstance(value, Frozen) else Frozen(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(v) for v in value)
    return value


def thaw(value: Any) -> Any:
    """The inverse of `freeze`, down to plain JSON values."""
    if isinstance(value, ModelConfig):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [thaw(v) for v in value]
    return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Base of every model's `Config`; holds the keys that all model types share.

    A subclass is declared with its model type, `class Config(ModelConfig, model_type="llama")`, and may set

    * `synonyms`: `{common name: this model's name}`, readable and accepted everywhere (`hidden_size` for GPT-2's
      `n_embd`);
    * `allowed`: `{field: the values that this library computes}`; any other value is refused;
    * `sub_configs`: `{field: config class}` for nested configs, or a function of the values that makes one;
    * `check()`: yields one sentence for every combination of values that makes no sense.
    """

    model_type: ClassVar[str] = ""
    synonyms: ClassVar[Mapping[str, str]] = {}
    allowed: ClassVar[Mapping[str, tuple]] = {}
    sub_configs: ClassVar[Mapping[str, type[ModelConfig] | Callable[[Mapping], ModelConfig]]] = {}

    architectures: tuple[str, ...] | None = None
    id2label: Mapping[int, str] | None = None
    label2id: Mapping[str, int] | None = None
    problem_type: str | None = None
    tie_word_embeddings: bool = True
    is_decoder: bool = False
    is_encoder_decoder: bool = False
    add_cross_attention: bool = False
    output_hidden_states: bool = False
    output_attentions: bool = False
    bos_token_id: Any = None
    eos_token_id: Any = None
    pad_token_id: Any = None
    decoder_start_token_id: Any = None
    extra: Frozen = dataclasses.field(default_factory=Frozen)  # keys of the file that no field knows
    written: frozenset = dataclasses.field(default=frozenset(), compare=False, repr=False)  # keys that the file held

    def __init_subclass__(cls, model_type: str | None = None, **kwargs):
        super().__init_subclass__(**kwargs)
        if model_type is not None:
            cls.model_type = model_type

    def __post_init__(self):
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name in self.sub_configs and isinstance(value, Mapping):
                make: Any = self.sub_configs[f.name]
                value = make.from_dict(value) if isinstance(make, type) else make(value)
            if f.name == "id2label" and value is not None:
                value = _int_keys(self.model_type, value)
            object.__setattr__(self, f.name, freeze(value) if f.name != "written" else value)
        problems = [
            f"{name} must be one of {', '.join(map(repr, values))}, got {getattr(self, name)!r}"
            for name, values in {"problem_type": _PROBLEM_TYPES, **self.allowed}.items()
            if getattr(self, name) not in values
        ]
        try:
            problems += list(self.check())
        except (TypeError, ValueError, ArithmeticError, AttributeError) as e:  # a value of a type nobody expects
            problems += self._mistyped() or [f"the values must go together: {e}"]
        if problems:
            raise ConfigError(f"{self.model_type} config", problems)

    def _mistyped(self) -> list[str]:
        held = [(f.name, getattr(f.type, "__name__", f.type), getattr(self, f.name)) for f in dataclasses.fields(self)]
        return [
            f"{name} must be {kind}, got {value!r}"
            for name, kind, value in held
            if kind in _TYPES and (not isinstance(value, _TYPES[kind]) or (kind != "bool" and isinstance(value, bool)))
        ]

    def check(self):
        """Yields a sentence for each combination of values that makes no sense."""
        return ()

    def multiple(self, whole: str, *parts: str):
        """For `check`: yields a sentence for each field of `parts` that the field `whole` is not a multiple of."""
        n = getattr(self, whole)
        for part in parts:
            if n % getattr(self, part):
                yield f"{whole} must be a multiple of {part}, got {n} and {getattr(self, part)}"

    def default(self, **values) -> None:
        """For `check`: gives fields that are None the value that the other fields imply.

        `replace` implies them anew: more heads also mean more key heads, unless those were given.
        """
        for name, value in values.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
                object.__setattr__(self, "_implied", {*self.__dict__.get("_implied", ()), name})

    # -------------------------------------------------------------------------------------------- names

    def __getattr__(self, name):
        # Only reached when no field matches: the names common to all models, then whatever else the file said.
        if not name.startswith("_"):
            synonyms = type(self).synonyms
            if name in synonyms:
                return getattr(self, synonyms[name])
            extra = self.__dict__.get("extra", {})
            if name in extra:
                return extra[name]
        raise AttributeError(f"{type(self).__module__}.{type(self).__name__} has no field {name!r}")

    @property
    def num_labels(self) -> int:
        return len(self.id2label) if self.id2label is not None else 2

    def get_text_config(self, encoder: bool = False) -> ModelConfig:
        """The nested config of the part that reads or writes token ids; a config without such a part is its own.

        Of a pair of models it is the decoder's, or the encoder's if `encoder`.
        """
        held = (self.__dict__.get(name) for name in ("text_config", "encoder" if encoder else "decoder"))
        return next((c for c in held if isinstance(c, ModelConfig)), self)

    # -------------------------------------------------------------------------------------------- json

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], **changes) -> Self:
        """A config from the object in a `config.json`, whose unknown keys go to `extra`; `changes` override it.

        Raises:
          ConfigError: a change names a field that neither the model type nor the file knows, or values are refused.
        """
        given = {k: v for k, v in values.items() if k != "model_type"}
        offered = {f.name for f in dataclasses.fields(cls)} - {"extra", "written"} | {*cls.synonyms, "num_labels"}
        strange = [k for k in changes if k not in offered and k not in given]
        if strange:
            problems = [f"unknown field {k!r}; nearest: {', '.join(nearest(k, offered, 3))}" for k in strange]
            raise ConfigError(f"{cls.model_type} config", problems)
        merged = {**given, **changes}
        if "num_labels" in merged:
            merged = _with_num_labels(merged, explicit="num_labels" in changes)
        known = {f.name for f in dataclasses.fields(cls)} - {"extra", "written"}
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for key, value in merged.items():
            name = cls.synonyms.get(key, key)
            (fields if name in known else extra)[name if name in known else key] = value
        return cls(**fields, extra=Frozen(extra), written=frozenset(merged))

    def to_dict(self) -> dict[str, Any]:
        """The config as JSON values: the keys that its file held, all fields of its own, and what was changed."""
        out: dict[str, Any] = dict(thaw(self.extra))
        shared = {f.name: f.default for f in dataclasses.fields(ModelConfig)}
        backwards = {v: k for k, v in self.synonyms.items()}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name in ("extra", "written"):
                continue
            own = f.name not in shared or f.default != shared[f.name]
            as_synonym = f.name not in self.written and backwards.get(f.name) in self.written
            if own or f.name in self.written or as_synonym or value != shared[f.name]:
                out[backwards[f.name] if as_synonym else f.name] = thaw(value)
        out["model_type"] = self.model_type
        return out

    def to_json(self) -> str:
        """The text of a `config.json`: two-space indent, sorted keys, final newline, as Hugging Face writes it."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def save_pretrained(self, directory: str | os.PathLike) -> None:
        """Writes `directory/config.json` atomically."""
        from jaxformers.checkpoints.files import write_atomically

        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        write_atomically(pathlib.Path(directory) / "config.json", self.to_json().encode())

    def replace(self, **changes) -> Self:
        """A copy with fields changed; synonyms and `num_labels` are understood."""
        copy = type(self).from_dict(self._held(), **changes)
        object.__setattr__(copy, "written", self.written | set(changes))
        return copy

    def _held(self) -> dict[str, Any]:
        held = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("written", *self.__dict__.get("_implied", ())):
            held.pop(name)
        return {**held.pop("extra"), **held}


def _int_keys(model_type: str, labels: Any) -> dict[int, str]:
    """JSON has string keys only; as numbers they also sort as the reference writes them."""
    try:
        return {int(k): v for k, v in labels.items()}
    except (AttributeError, TypeError, ValueError):
        problem = f"id2label must map class numbers to names, got {labels!r:.80}"
        raise ConfigError(f"{model_type} config", [problem]) from None


_TYPES: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "str": str}
_PROBLEM_TYPES = (None, "regression", "single_label_classification", "multi_label_classification")


def _with_num_labels(values: dict[str, Any], explicit: bool) -> dict[str, Any]:
    """`num_labels=n` is short for `id2label`/`label2id` of n generic names, unless those already have n entries."""
    out = dict(values)
    n = out.pop("num_labels")
    labels = out.get("id2label")
    if labels is None or (explicit and len(labels) != n):
        out["id2label"] = {i: f"LABEL_{i}" for i in range(n)}
        out["label2id"] = {f"LABEL_{i}": i for i in range(n)}
    return out


def read_json(path: str | os.PathLike) -> dict[str, Any]:
    """The object in a JSON file, or one clear error."""
    path = pathlib.Path(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(str(path), [f"the file must hold one JSON object: {e}"]) from None
    if not isinstance(value, dict):
        raise ConfigError(str(path), [f"the file must hold one JSON object, got {type(value).__name__}"])
    return value


def unknown_model_type(where: str, model_type: Any, known) -> ConfigError:
    """The error for a model type that the table does not hold, with the nearest names that it does."""
    hint = ", ".join(nearest(str(model_type), known))
    return ConfigError(where, [f"model_type must be a known one, got {model_type!r}; nearest known: {hint}"])
