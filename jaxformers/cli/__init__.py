"""The command line: `jaxformers COMMAND`, or `python -m jaxformers COMMAND`. Each command is a file beside this one.

A command's module has `arguments(parser)` and `run(args) -> exit status`, and is imported only when it is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from jaxformers.errors import JaxformersError

COMMANDS = {
    "compile": "what a step would need on TPUs that are described and not there: memory, operations, traffic, time",
    "info": "what is covered, or what a model type or a checkpoint holds",
    "launch": "run a script as several processes of one job on this machine",
}


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0, or 1 with one line on stderr when the input is at fault."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="jaxformers", description="JAX models from Hugging Face checkpoints.")
    commands = parser.add_subparsers(dest="command", required=True)
    asked = next((word for word in argv if word in COMMANDS), None)
    for name, what in COMMANDS.items():
        own = commands.add_parser(name, help=what)
        if name == asked:
            importlib.import_module(f"jaxformers.cli.{name}").arguments(own)
    args = parser.parse_args(argv)
    try:
        return importlib.import_module(f"jaxformers.cli.{args.command}").run(args)
    except JaxformersError as e:
        print(e, file=sys.stderr)
        return 1
