"""Writes README's table of architectures from the code: `make readme`. `--check` only compares."""

from __future__ import annotations

import pathlib
import sys

from jaxformers.cli.info import covered

README = pathlib.Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"


def table() -> str:
    """A Markdown table: model type, modality, heads; those that generate are marked."""
    facts = covered()
    lines = ["| model type | modality | heads (* generates) |", "|---|---|---|"]
    for model_type, row in facts["table"].items():
        heads = ", ".join(f"`{h}`\\*" if h in row["generate"] else f"`{h}`" for h in row["heads"])
        lines.append(f"| `{model_type}` | {row['modality']} | {heads} |")
    return "\n".join([f"{facts['architectures']} architectures, {facts['heads']} heads.", "", *lines])


def updated(text: str) -> str:
    """README's text with the table between the two markers replaced."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    text = README.read_text()
    if "--check" in sys.argv:
        sys.exit(None if updated(text) == text else "README's table is stale: run `make readme`")
    README.write_text(updated(text))
