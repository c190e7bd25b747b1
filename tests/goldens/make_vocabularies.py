"""Makes the small vocabularies of the tokenizer cases from the corpus: `make_vocabularies.py [file ...]`.

They are kept in the repository: training need not give the same files again with another version of its library.
"""

import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from text.case import FILES

HERE = pathlib.Path(__file__).parent


def makers() -> dict:
    """`{file name: function}` of every module in `vocabularies/`."""
    names = sorted(p.stem for p in (HERE / "vocabularies").glob("*.py") if p.stem != "__init__")
    modules = [importlib.import_module(f"vocabularies.{name}") for name in names]
    return {file: make for module in modules for file, make in module.MAKERS.items()}


def main(names: list[str]) -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    for name, make in makers().items():
        if not names or name in names:
            held = make()
            (FILES / name).write_bytes(held.encode() if isinstance(held, str) else held)
            print(name, (FILES / name).stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
