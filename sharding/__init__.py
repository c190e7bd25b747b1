"""Logical axes to mesh axes: rules, plans and meshes; processes of one job. Knows declarations and no model."""

from jaxformers.sharding.chips import CHIPS, Chip
from jaxformers.sharding.choose import choose
from jaxformers.sharding.detect import Place, detect
from jaxformers.sharding.feed import feed, rows
from jaxformers.sharding.gather import gather
from jaxformers.sharding.meshes import axes_for, mesh
from jaxformers.sharding.plan import Plan, on_mesh, partition, plan
from jaxformers.sharding.rules import PRESETS, Rules, resolve
from jaxformers.sharding.start import agree, exchange, here, is_first, start, wait

__all__ = [
    "CHIPS",
    "PRESETS",
    "Chip",
    "Place",
    "Plan",
    "Rules",
    "agree",
    "axes_for",
    "choose",
    "detect",
    "exchange",
    "feed",
    "gather",
    "here",
    "is_first",
    "mesh",
    "on_mesh",
    "partition",
    "plan",
    "resolve",
    "rows",
    "start",
    "wait",
]
