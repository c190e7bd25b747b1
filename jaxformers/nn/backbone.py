"""Backbones: image models whose stages give feature maps to detectors and segmenters."""

from __future__ import annotations

import dataclasses
from typing import Self

from jaxformers.config import ModelConfig
from jaxformers.output import Output


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackboneConfig(ModelConfig):
    """Base of the configs of backbones: which stages give feature maps, by name or by index, the last by default.

    A subclass has `depths`, or names its stages itself.
    """

    out_features: tuple[str, ...] | None = None
    out_indices: tuple[int, ...] | None = None

    @property
    def stage_names(self) -> tuple[str, ...]:
        return ("stem", *(f"stage{i + 1}" for i in range(len(self.depths))))

    @property
    def stages(self) -> tuple[int, ...]:
        """Positions in `stage_names` of the feature maps to return."""
        names = self.stage_names
        if self.out_features is not None:
            return tuple(names.index(n) for n in self.out_features)
        return (len(names) - 1,) if self.out_indices is None else tuple(i % len(names) for i in self.out_indices)

    def check(self):
        names, problems = self.stage_names, []
        if self.out_features is not None and not set(self.out_features) <= set(names):
            problems.append(f"out_features must be among {', '.join(names)}, got {self.out_features}")
        if self.out_indices is not None and not all(-len(names) <= i < len(names) for i in self.out_indices):
            problems.append(f"out_indices must be from {-len(names)} to {len(names) - 1}, got {self.out_indices}")
        if not problems:
            both = self.out_features is not None and self.out_indices is not None
            if both and self.stages != tuple(i % len(names) for i in self.out_indices):
                problems.append(
                    f"out_features and out_indices must name the same stages, got {self.out_features} and "
                    f"{self.out_indices}"
                )
            elif self.stages != tuple(sorted(set(self.stages))):
                problems.append(
                    "out_features and out_indices must be in the order of the stages and each once, got "
                    f"{self.out_features or self.out_indices}"
                )
        yield from problems

    @classmethod
    def from_dict(cls, values, **changes) -> Self:
        # A change of one of the two replaces both: files hold them together.
        if {"out_features", "out_indices"} & set(changes):
            values = {k: v for k, v in values.items() if k not in ("out_features", "out_indices")}
        return super().from_dict(values, **changes)


def feature_maps(c, hidden_states, asked: bool, **fields) -> Output:
    """A backbone's output: the maps of the config's stages and, when `asked` for, those of all of them."""
    return Output(
        feature_maps=tuple(hidden_states[i] for i in c.stages),
        hidden_states=hidden_states if asked else None,
        **fields,
    )
