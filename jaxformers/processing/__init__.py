"""Images and sound to arrays: NumPy in, NumPy out, no jax. Reads the preprocessor_config.json of checkpoints."""

from jaxformers.processing.audio.loading import load_audio
from jaxformers.processing.auto import AutoFeatureExtractor, AutoImageProcessor
from jaxformers.processing.auto_processor import AutoProcessor
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import load_image
from jaxformers.processing.processors import Processor

__all__ = [
    "AutoFeatureExtractor",
    "AutoImageProcessor",
    "AutoProcessor",
    "Features",
    "Processor",
    "load_audio",
    "load_image",
]
