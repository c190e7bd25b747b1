"""Tokenizers from the files that checkpoints held before tokenizer.json: one module a format.

Each has `build(stem, directory, settings) -> tokenizers.Tokenizer`: `stem` is the class (see `kinds.stem`), `settings`
those of tokenizer_config.json with the class's special tokens filled in. It raises CheckpointError that names the file
which is missing or damaged.
"""
