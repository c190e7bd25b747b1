"""Sound: loading, spectrograms, and one feature extractor a family of checkpoints."""
