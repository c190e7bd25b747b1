"""Logical axes to mesh axes: rules, plans and meshes. Knows parameters' declarations and no model."""

from jaxformers.sharding.choose import choose
from jaxformers.sharding.meshes import mesh
from jaxformers.sharding.plan import Plan, partition, plan
from jaxformers.sharding.rules import PRESETS, Rules, resolve

__all__ = ["PRESETS", "Plan", "Rules", "choose", "mesh", "partition", "plan", "resolve"]
