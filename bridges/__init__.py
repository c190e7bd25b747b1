"""Formats and frameworks: any checkpoint as one lazy mapping `canonical name -> tensor`. Knows no mesh, no model."""

from jaxformers.bridges.names import canonical, is_inert, with_inert
from jaxformers.bridges.open import open_weights

__all__ = ["canonical", "is_inert", "open_weights", "with_inert"]
