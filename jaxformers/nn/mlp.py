"""Gated feed-forward blocks."""

from __future__ import annotations

from jaxformers.nn.activation import activation
from jaxformers.nn.linear import Linear, linear


def GatedMLP(dim: int, hidden: int, bias: bool = False) -> dict:
    """Declares `gate_proj`, `up_proj` [hidden, dim] and `down_proj` [dim, hidden]. https://arxiv.org/abs/2002.05202"""
    return {
        "gate_proj": Linear(dim, hidden, bias=bias),
        "up_proj": Linear(dim, hidden, bias=bias),
        "down_proj": Linear(hidden, dim, "mlp embed", bias=bias),
    }


def gated_mlp(p, x, act: str):
    """x [..., dim] -> [..., dim]: a hidden layer, each entry let through by an activated gate."""
    return linear(p["down_proj"], activation(act, linear(p["gate_proj"], x)) * linear(p["up_proj"], x))
