"""Images and sound to arrays: NumPy in, NumPy out, no jax. Reads the preprocessor_config.json of checkpoints."""

from jaxformers.processing.auto import AutoImageProcessor
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import load_image

__all__ = ["AutoImageProcessor", "Features", "load_image"]
