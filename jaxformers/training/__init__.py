"""Training: what a step is made of, as pure functions."""

from jaxformers.training.accumulate import accumulate
from jaxformers.training.schedules import Plateau, schedule

__all__ = ["Plateau", "accumulate", "schedule"]
