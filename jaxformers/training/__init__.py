"""Training: what a step is made of, as pure functions."""

from jaxformers.training.accumulate import accumulate

__all__ = ["accumulate"]
