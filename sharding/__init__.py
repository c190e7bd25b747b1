"""Logical axes to mesh axes: rules, plans and meshes. Knows parameters' declarations and no model."""

from jaxformers.sharding.plan import Plan, plan
from jaxformers.sharding.rules import PRESETS, resolve

__all__ = ["PRESETS", "Plan", "plan", "resolve"]
