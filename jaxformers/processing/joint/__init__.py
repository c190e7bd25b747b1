"""Processors that do more than call a tokenizer and what prepares images or sound."""
